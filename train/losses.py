"""The losses: each one function, relative to the style or the photo, so that weights carry over.

All take pictures as (N, 3, H, W) RGB in 0..1, or features as `perceptual.SqueezeNet` gives
them, and return a scalar.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, l1_loss, mse_loss, relu

from train.perceptual import Features

_LUMINANCE = (0.299, 0.587, 0.114)


def gram(features: Tensor) -> Tensor:
    """Channel correlations: (N, C, H, W) to (N, C, C), mean over positions.

    Source: Gatys et al. 2016, "Image style transfer using convolutional neural networks".
    """
    flat = features.flatten(2)  # (N, C, HW)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def style_loss(grams: Features, target: Features, weights: dict[str, float]) -> Tensor:
    """Weighted mean over layers of |Gram(y) - Gram(s)|^2 / |Gram(s)|^2; zero for the style itself.

    Args:
        grams: layer to (N, C, C), of the output.
        target: layer to (1 or N, C, C), of the painting, or of what the guide painted.
        weights: layer to its share; they need not add up to 1.

    Source: Johnson et al. 2016, made relative per layer so that no layer drowns the others.
    """
    total = sum(
        weight
        * (
            ((grams[layer] - target[layer]) ** 2).sum((1, 2))
            / (target[layer] ** 2).sum((1, 2)).clamp_min(1e-8)
        ).mean()
        for layer, weight in weights.items()
    )
    assert isinstance(total, Tensor)
    return total / sum(weights.values())


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """|f(y) - f(x)|^2 / |f(x)|^2 on one layer: is it still the same thing?

    Source: Johnson et al. 2016, relative.
    """
    return mse_loss(features, target) / (target**2).mean().clamp_min(1e-8)


def luminance(x: Tensor) -> Tensor:
    """(N, 3, H, W) RGB to (N, 1, H, W), Rec. 601 weights."""
    red, green, blue = x.split(1, dim=1)
    return _LUMINANCE[0] * red + _LUMINANCE[1] * green + _LUMINANCE[2] * blue


def structure_loss(output: Tensor, photo: Tensor, window: int = 9) -> Tensor:
    """1 - local correlation of luminance at 3 scales, weighted to where the photo has texture.

    Blind to a change of colour, brightness or contrast, so that it holds edges in place and
    leaves the palette to the style.
    """
    y, x = luminance(output), luminance(photo)
    total = output.new_zeros(())
    for _ in range(3):
        mean_y, mean_x = avg_pool2d(y, window, 1), avg_pool2d(x, window, 1)
        variance_y = relu(avg_pool2d(y * y, window, 1) - mean_y**2)
        variance_x = relu(avg_pool2d(x * x, window, 1) - mean_x**2)
        covariance = avg_pool2d(x * y, window, 1) - mean_x * mean_y
        correlation = covariance / torch.sqrt((variance_x + 1e-4) * (variance_y + 1e-4))
        weight = variance_x / (variance_x + 1e-3)
        total = total + ((1 - correlation) * weight).sum() / weight.sum().clamp_min(1e-6)
        y, x = avg_pool2d(y, 2), avg_pool2d(x, 2)
    return total / 3


def low_frequency_loss(output: Tensor, photo: Tensor, size: int = 16) -> Tensor:
    """L1 of luminance averaged over size x size: light stays light, strokes inside are free."""
    return l1_loss(avg_pool2d(luminance(output), size), avg_pool2d(luminance(photo), size))


def guide_loss(output: Tensor, painted: Tensor) -> Tensor:
    """L1 to the guide's picture, of the pixels and of the steps between them (sharp strokes)."""
    rows = l1_loss(output[:, :, 1:] - output[:, :, :-1], painted[:, :, 1:] - painted[:, :, :-1])
    columns = l1_loss(output[..., 1:] - output[..., :-1], painted[..., 1:] - painted[..., :-1])
    return l1_loss(output, painted) + rows + columns


def palette_loss(output: Tensor, painted: Tensor, size: int = 8) -> Tensor:
    """L1 of colour averaged over size x size: places get the guide's colours, strokes are free.

    The three outermost cells count five times: zero padding tints them, and no other loss of
    a recipe that follows the painting looks at a crop's edge.
    """
    differences = (avg_pool2d(output, size) - avg_pool2d(painted, size)).abs()
    weight = torch.full_like(differences, 5.0)
    weight[:, :, 3:-3, 3:-3] = 1.0
    return (differences * weight).sum() / weight.sum()


def variation_loss(output: Tensor) -> Tensor:
    """Total variation: mean absolute difference of neighbouring pixels."""
    rows = (output[:, :, 1:] - output[:, :, :-1]).abs().mean()
    return rows + (output[:, :, :, 1:] - output[:, :, :, :-1]).abs().mean()


def generator_hinge_loss(judged_output: Tensor) -> Tensor:
    """-mean D(y): the generator wants its patches called real.

    Source: Lim and Ye 2017, "Geometric GAN".
    """
    return -judged_output.mean()


def discriminator_hinge_loss(judged_real: Tensor, judged_output: Tensor) -> Tensor:
    """Mean of max(0, 1 - D(s)) and max(0, 1 + D(y)).

    Source: Lim and Ye 2017, "Geometric GAN".
    """
    return relu(1 - judged_real).mean() + relu(1 + judged_output).mean()
