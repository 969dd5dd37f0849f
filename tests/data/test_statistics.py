from __future__ import annotations

import numpy as np
import pytest
import torch

from resnets.data import fashion, mnist, statistics
from resnets.data.statistics import histogram, measure


def _images() -> torch.Tensor:
    return torch.randint(0, 256, (40, 3, 5, 7), generator=torch.Generator().manual_seed(0)).to(torch.uint8)


def test_measure_equals_the_definition_over_all_pixels() -> None:
    images = _images()
    floats = images.double() / 255
    measured = measure(images)
    np.testing.assert_allclose(measured.mean, floats.mean(dim=(0, 2, 3)), atol=5.1e-5)
    np.testing.assert_allclose(measured.std, floats.std(dim=(0, 2, 3), correction=0), atol=5.1e-5)


def test_constants_of_mnist_are_those_of_its_training_images() -> None:
    images, _ = mnist.read()
    assert measure(torch.from_numpy(images[: mnist.TRAIN, None])) == statistics.MNIST


@pytest.mark.data
def test_constants_of_fashion_mnist_are_those_of_its_training_images() -> None:
    if not fashion.DEBIAN_FOLDER.is_dir():
        pytest.skip("the package dataset-fashion-mnist is not installed")
    arrays = fashion.read(str(fashion.DEBIAN_FOLDER))
    assert measure(torch.from_numpy(arrays.images[: arrays.num_train, None])) == statistics.FASHION_MNIST


def test_a_flat_channel_has_the_std_of_one_grey_level() -> None:
    measured = measure(torch.full((2, 1, 3, 3), 128, dtype=torch.uint8))
    assert measured == ((0.502,), (0.0039,))


def test_histogram_counts_each_level_of_each_channel() -> None:
    images = _images()
    counts = histogram(images)
    assert counts.shape == (3, 256)
    assert counts[1, 77] == (images[:, 1] == 77).sum()
    assert counts.sum() == images.numel()


def test_histogram_goes_over_sets_larger_than_its_steps() -> None:
    assert histogram(torch.zeros(2500, 1, 1, 2, dtype=torch.uint8))[0, 0] == 5000


def test_constants_of_cifar_are_not_the_mean_of_each_images_std() -> None:
    assert min(statistics.CIFAR10.std) > 0.24  # the much copied wrong values lie about 0.20
    assert len(statistics.CIFAR10.mean) == len(statistics.CIFAR100.mean) == 3
