"""The discriminator: does this patch look painted? Used in training only."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm


class Discriminator(nn.Module):
    """Three spectral-norm convolutions and a score per patch of 46 px.

    Args:
        width: channels of the first layer; doubled by each one after it.

    Source: Isola et al. 2017 (PatchGAN); Miyato et al. 2018 (spectral normalisation).
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        inputs = 3
        for outputs in (width, width * 2, width * 4):
            layers += [spectral_norm(nn.Conv2d(inputs, outputs, 4, 2)), nn.LeakyReLU(0.2)]
            inputs = outputs
        self.layers = nn.Sequential(*layers, spectral_norm(nn.Conv2d(inputs, 1, 4)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W) in 0..1 to (N, 1, H/8, W/8) scores, positive for a painting."""
        scores: Tensor = self.layers(x * 2 - 1)
        return scores
