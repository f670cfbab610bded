"""SqueezeNet features: the network that says how near two pictures look.

The pooling is max pooling, as the network was trained; with average pooling what a generator
learns to please does not carry over to the network proper. SqueezeNet and not VGG, since its
3 MB can be kept beside a project and a pass costs a tenth.

The weights come from a path, else from the cache, else from torchvision's published address,
checked by hash. Without any the recipe trains with the losses that need no network.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, max_pool2d, relu

from edge.errors import TrainingError
from train.checkpoint import written_whole

URL = "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth"
# The address carries the first 8 digits of the file's sha256: torch.hub's own convention.
SHA256_PREFIX = "b8a52dc0"
FILE_NAME = "squeezenet1_1-b8a52dc0.pth"

Features = dict[str, Tensor]

_POOL_BEFORE = {"1.1": ("fire2", "fire4", "fire6"), "1.0": ("fire2", "fire5", "fire9")}
# torchvision numbers the layers of its nn.Sequential, activations and pools included.
_TORCHVISION = {"0": "conv1"} | dict(
    zip(
        ("3", "4", "6", "7", "9", "10", "11", "12"),
        (f"fire{n}" for n in range(2, 10)),
        strict=True,
    )
)


@dataclass(frozen=True)
class InputScale:
    """What the weights expect: (255 or 1) * RGB, minus a mean, over a deviation, per channel."""

    factor: float
    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


CAFFE = InputScale(255.0, (123.0, 117.0, 104.0), (1.0, 1.0, 1.0))
TORCHVISION = InputScale(1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


class SqueezeNet(nn.Module):
    """SqueezeNet v1.0 or v1.1 without its classifier, frozen.

    Args:
        weights: "conv1.weight", "fireN.squeeze1x1.weight" ...; conv1 takes RGB.
        scale: what the weights expect of their input.

    Source: Iandola et al. 2016, "SqueezeNet".
    """

    def __init__(self, weights: dict[str, Tensor], scale: InputScale) -> None:
        super().__init__()
        self.version = "1.0" if weights["conv1.weight"].shape[-1] == 7 else "1.1"
        for name, value in weights.items():
            layout = torch.channels_last if value.dim() == 4 else torch.contiguous_format
            self.register_buffer(
                name.replace(".", "_"), value.float().contiguous(memory_format=layout)
            )
        self.register_buffer("mean", torch.tensor(scale.mean).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor(scale.deviation).view(1, 3, 1, 1))
        self.factor = scale.factor

    def forward(self, x: Tensor, taps: tuple[str, ...]) -> Features:
        """Return the features after each tap ("conv1", "fire2" .. "fire9"), after its ReLU.

        Args:
            x: (N, 3, H, W) RGB in 0..1.
            taps: nothing beyond the deepest is computed.
        """
        x = (x * self.factor - self.get_buffer("mean")) / self.get_buffer("deviation")
        x = relu(self._conv("conv1", x, stride=2))
        found = {"conv1": x}
        for name in (f"fire{n}" for n in range(2, 10)):
            if all(tap in found for tap in taps):
                break
            if name in _POOL_BEFORE[self.version]:
                x = max_pool2d(x, 3, 2, ceil_mode=True)
            x = found[name] = self._fire(name, x)
        return {tap: found[tap] for tap in taps}

    def _fire(self, name: str, x: Tensor) -> Tensor:
        x = relu(self._conv(f"{name}.squeeze1x1", x))
        wide = self._conv(f"{name}.expand3x3", x, padding=1)
        return relu(torch.cat([self._conv(f"{name}.expand1x1", x), wide], 1))

    def _conv(self, name: str, x: Tensor, *, stride: int = 1, padding: int = 0) -> Tensor:
        key = name.replace(".", "_")
        weight, bias = self.get_buffer(f"{key}_weight"), self.get_buffer(f"{key}_bias")
        return conv2d(x, weight, bias, stride, padding)


def load_squeezenet(path: Path) -> SqueezeNet:
    """Read SqueezeNet from a .npz archive (BGR, 0..255) or torchvision's .pth (RGB, 0..1).

    Raises:
        TrainingError: the file is missing, damaged or not a SqueezeNet.
    """
    try:
        if path.suffix == ".npz":
            return SqueezeNet(_read_npz(path), CAFFE)
        return SqueezeNet(_read_torchvision(path), TORCHVISION)
    except (OSError, KeyError, ValueError, RuntimeError, EOFError) as error:
        raise _unreadable(path, error) from error
    except (zipfile.BadZipFile, pickle.UnpicklingError) as error:
        raise _unreadable(path, error) from error


def find_squeezenet(
    path: Path | None = None, *, url: str = URL, sha256_prefix: str = SHA256_PREFIX
) -> tuple[SqueezeNet | None, str]:
    """Look for the weights: the given path, else the cache, else download them to the cache.

    Returns:
        The network, or None when it cannot be had; and one line that says where it is from
        or why it is missing.

    Raises:
        TrainingError: a path was given and cannot be read, or the download is another file.
    """
    if path is not None:
        return load_squeezenet(path), f"perceptual network: {path}"
    cached = cache_folder() / FILE_NAME
    if not cached.is_file():
        try:
            _download(url, cached, sha256_prefix)
        except OSError as error:
            return None, f"no perceptual network ({url}: {error}); training without one"
    return load_squeezenet(cached), f"perceptual network: {cached}"


def cache_folder() -> Path:
    """Where downloaded weights are kept: $XDG_CACHE_HOME/stylecam or ~/.cache/stylecam."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "stylecam"


def _download(url: str, target: Path, sha256_prefix: str) -> None:
    with urllib.request.urlopen(url, timeout=15) as answer:
        body: bytes = answer.read()
    digest = hashlib.sha256(body).hexdigest()
    if not digest.startswith(sha256_prefix):
        raise TrainingError(
            f"{url}: sha256 is {digest[:16]}…, expected {sha256_prefix}…",
            hint="something between here and there altered it: give a copy with --perceptual PATH",
        )
    with written_whole(target) as temporary:
        temporary.write_bytes(body)


def _read_npz(path: Path) -> dict[str, Tensor]:
    with np.load(path, allow_pickle=False) as archive:
        weights = {name: torch.from_numpy(archive[name].astype(np.float32)) for name in archive}
    weights["conv1.weight"] = weights["conv1.weight"].flip(1)  # BGR to RGB
    return weights


def _read_torchvision(path: Path) -> dict[str, Tensor]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    weights: dict[str, Tensor] = {}
    for name, value in state.items():
        prefix, index, *rest = name.split(".")
        if prefix == "features":
            weights[".".join([_TORCHVISION[index], *rest])] = value
    return weights


def _unreadable(path: Path, error: Exception) -> TrainingError:
    return TrainingError(
        f"{path}: not SqueezeNet's weights ({str(error)[:120] or type(error).__name__})",
        hint=f"give a .npz archive, or torchvision's file from {URL}",
    )
