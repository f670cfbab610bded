"""The network that everybody knows, to be compared with: Johnson et al. 2016.

"Perceptual losses for real-time style transfer and super-resolution", as most ports build
it: InstanceNorm, reflection padding, nearest upsampling before convolutions; 1.68 million
parameters. Its weights are random: time does not depend on them.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import interpolate, relu


class _Unit(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.ReflectionPad2d(kernel // 2),
            nn.Conv2d(inputs, outputs, kernel, stride),
            nn.InstanceNorm2d(outputs, affine=True),
        )


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = _Unit(width, width, 3), _Unit(width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(relu(self.first(x)))


class Johnson(nn.Module):
    """(1, 3, H, W) 0..255 to the same; H and W multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.down = nn.ModuleList([_Unit(3, 32, 9), _Unit(32, 64, 3, 2), _Unit(64, 128, 3, 2)])
        self.body = nn.Sequential(*(_Residual(128) for _ in range(5)))
        self.up = nn.ModuleList([_Unit(128, 64, 3), _Unit(64, 32, 3)])
        self.last = nn.Sequential(nn.ReflectionPad2d(4), nn.Conv2d(32, 3, 9))

    def forward(self, pixels: Tensor) -> Tensor:
        """Restyle one frame."""
        x = pixels
        for unit in self.down:
            x = relu(unit(x))
        x = self.body(x)
        for unit in self.up:
            x = relu(unit(interpolate(x, scale_factor=2.0, mode="nearest")))
        return self.last(x)


class JohnsonPicture(nn.Module):
    """The same with channels last on both ends, as TFLite has them."""

    def __init__(self, network: Johnson) -> None:
        super().__init__()
        self.inner = network

    def forward(self, frame: Tensor) -> Tensor:
        """(1, H, W, 3) 0..255 to the same."""
        return self.inner(frame.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
