"""Answers from several views of an image: test-time augmentation."""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnets.views import Views


def averaged(network: nn.Module, views: Views) -> nn.Module:
    """The network whose answers are the mean over `views`; the network itself where the image alone is wanted."""
    return network if views.count == 1 else AveragedNetwork(network, views)


class AveragedNetwork(nn.Module):
    """log p(image) = mean over views of log softmax(network(view)), up to a constant.

    The network is shown the whole batch `views.count` times, one view after the other.

    Shapes:
        images (N, in_channels, H, W), float -> (N, num_classes)

    Source: [Krizhevsky 2012, section 4.1], which takes the mean of probabilities and other views.
    """

    def __init__(self, network: nn.Module, views: Views) -> None:
        super().__init__()
        self.network, self.views = network, views

    def forward(self, images: Tensor) -> Tensor:
        """The mean answer; `softmax` makes probabilities of it as of logits.

        Raises:
            DataError: as the network.
        """
        answers = [self.network(view).log_softmax(dim=1) for view in views_of(images, self.views)]
        return torch.stack(answers).mean(dim=0)


def views_of(images: Tensor, views: Views) -> Iterator[Tensor]:
    """The images as they are, larger and smaller, turned either way, and each of them mirrored.

    Shapes:
        images (N, C, H, W) -> `views.count` of (N, C, H, W)
    """
    sizes = (1 + views.scale, 1 / (1 + views.scale)) if views.scale else ()
    angles = (views.rotate, -views.rotate) if views.rotate else ()
    for size, angle in ((1.0, 0.0), *((size, 0.0) for size in sizes), *((1.0, angle) for angle in angles)):
        view = images if (size, angle) == (1.0, 0.0) else changed(images, size, angle)
        yield view
        if views.flip:
            yield view.flip(3)


def changed(images: Tensor, size: float, angle: float) -> Tensor:
    """The images `size` times as large and turned counter-clockwise by `angle` degrees, about their middle.

    What lies beyond an edge is the image mirrored there.

    Shapes:
        images (N, C, H, W) -> (N, C, H, W)
    """
    height, width = images.shape[2:]
    cosine, sine = math.cos(math.radians(angle)) / size, math.sin(math.radians(angle)) / size
    # from a pixel of the result to its place in the image, where both sides go from -1 to 1
    inverse = images.new_tensor([[cosine, -sine * height / width, 0], [sine * width / height, cosine, 0]])
    places = functional.affine_grid(inverse.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    return functional.grid_sample(images, places, padding_mode="reflection", align_corners=False)
