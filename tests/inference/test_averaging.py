"""Answers over several views of an image, beside views and means made in other ways."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from resnets.inference.averaging import averaged, changed, views_of
from resnets.models.build import build
from resnets.spec import ResNetSpec
from resnets.views import Views

SPEC = ResNetSpec(num_blocks=(1,), width=4, stem="small", num_classes=3)
ALL = Views(scale=0.1, rotate=8, flip=True)


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return build(SPEC, seed=1).eval()


@pytest.fixture
def images() -> Tensor:
    return torch.rand(3, 3, 12, 16, generator=torch.Generator().manual_seed(0))


def test_the_image_alone_needs_nothing_around_the_network(network: nn.Module) -> None:
    assert averaged(network, Views()) is network


def test_an_answer_is_the_geometric_mean_of_the_probabilities_of_the_views(network: nn.Module, images: Tensor) -> None:
    with torch.no_grad():
        found = averaged(network, ALL)(images).softmax(1)
        product = torch.ones(3, 3, dtype=torch.float64)
        for view in views_of(images, ALL):
            product *= network(view).double().softmax(1)
    expected = product ** (1 / ALL.count)
    assert torch.allclose(found.double(), expected / expected.sum(1, keepdim=True), rtol=1e-5)


def test_the_network_is_shown_the_batch_once_for_each_view(images: Tensor) -> None:
    shown: list[tuple[int, ...]] = []

    class Watching(nn.Module):
        def forward(self, view: Tensor) -> Tensor:
            shown.append(tuple(view.shape))
            return view.mean((2, 3))

    averaged(Watching(), ALL)(images)
    assert shown == [tuple(images.shape)] * ALL.count


def test_an_answer_does_not_depend_on_the_other_images(network: nn.Module, images: Tensor) -> None:
    with torch.no_grad():
        together, alone = averaged(network, ALL)(images)[1], averaged(network, ALL)(images[1:2])[0]
    assert torch.allclose(together, alone, rtol=1e-5, atol=1e-6)


def test_the_first_view_is_the_image_and_the_second_its_mirror(images: Tensor) -> None:
    first, second, *_ = views_of(images, ALL)
    assert torch.equal(first, images)
    assert torch.equal(second, torch.from_numpy(images.numpy()[..., ::-1].copy()))


def test_a_quarter_turn_of_a_square_moves_whole_pixels() -> None:
    square = torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(changed(square, 1, 90), torch.rot90(square, 1, (2, 3)), atol=1e-5)


def test_half_a_turn_needs_no_square(images: Tensor) -> None:
    assert torch.allclose(changed(images, 1, 180), images.flip(2, 3), atol=1e-5)


@pytest.mark.parametrize(("size", "angle"), [(1.1, 0.0), (1 / 1.1, 0.0), (1.0, 10.0), (1.0, -10.0)])
def test_inside_it_is_what_pillow_makes_of_it(size: float, angle: float) -> None:
    y, x = torch.meshgrid(torch.arange(24.0), torch.arange(32.0), indexing="ij")
    image = torch.sin(x / 5) + torch.cos(y / 4)
    found = changed(image[None, None], size, angle)[0, 0]
    turned = Image.fromarray(image.numpy()).rotate(angle, Image.Resampling.BILINEAR)
    middle = torch.tensor([16.0, 12.0])
    corner = middle - middle / size
    box = (1 / size, 0, float(corner[0]), 0, 1 / size, float(corner[1]))
    expected = turned.transform(turned.size, Image.Transform.AFFINE, box, Image.Resampling.BILINEAR)
    pixels = torch.from_numpy(np.array(expected))
    assert torch.allclose(found[6:-6, 6:-6], pixels[6:-6, 6:-6], atol=2e-2)


def test_digits_keep_their_black_surroundings() -> None:
    digit = torch.zeros(1, 1, 28, 28)
    digit[:, :, 8:20, 8:20] = 1
    smaller = changed(digit, 1 / 1.08, 0)
    assert float(smaller[:, :, :6].abs().sum() + smaller[..., -6:].abs().sum()) == 0
