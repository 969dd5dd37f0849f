from __future__ import annotations

import numpy as np
import pytest
import torch

from resnets.data.batches import Batch, Batches
from resnets.data.imageset import ImageSet
from resnets.data.preprocessing import Preprocessing, normalise
from resnets.errors import ConfigError, DataError
from resnets.recipe import Augmentation

ALL = Augmentation(shift=2, rotate=15, scale=0.1, shear=5, elastic=2, flip=True, erase=4)
WHOLE_PIXELS = Augmentation(shift=2, flip=True, erase=4)


def _set(count: int, channels: int = 3) -> ImageSet:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, channels, 12, 12), generator=generator).to(torch.uint8)
    labels = torch.arange(count) % 3
    preprocessing = Preprocessing(size=12, channels=channels, mean=(0.4,) * channels, std=(0.2,) * channels)
    return ImageSet("set", images, labels, ("a", "b", "c"), preprocessing)


def _by_index(batches: Batches, epoch: int) -> dict[int, torch.Tensor]:
    return {
        int(index): image
        for batch in batches.epoch(epoch)
        for index, image in zip(batch.indices, batch.images, strict=True)
    }


def _same(first: list[Batch], second: list[Batch]) -> bool:
    pairs = zip(first, second, strict=True)
    return all(torch.equal(left, right) for batch, other in pairs for left, right in zip(batch, other, strict=True))


def test_evaluation_gives_every_image_once_in_order_as_it_is() -> None:
    images = _set(10)
    batches = Batches(images, batch_size=4, training=False, augmentation=ALL)
    found = list(batches.epoch(0))
    assert [len(batch.labels) for batch in found] == [4, 4, 2]
    assert len(batches) == 3
    assert torch.equal(torch.cat([batch.indices for batch in found]), torch.arange(10))
    assert torch.equal(torch.cat([batch.labels for batch in found]), images.labels)
    expected = normalise(images.images, images.preprocessing)
    assert torch.equal(torch.cat([batch.images for batch in found]), expected)


def test_images_are_normalised_floats_with_channels_last() -> None:
    images = _set(6)
    batch = next(Batches(images, batch_size=6, training=False).epoch(0))
    assert batch.images.dtype == torch.float32
    assert batch.images.is_contiguous(memory_format=torch.channels_last)
    assert batch.labels.dtype == batch.indices.dtype == torch.int64
    torch.testing.assert_close(batch.images, (images.images / 255 - 0.4) / 0.2, check_stride=False)


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"), [(10, 4, [4, 4, 2]), (9, 4, [4, 4]), (8, 4, [4, 4]), (3, 8, [3]), (3, 1, [1] * 3)]
)
def test_training_drops_a_last_batch_of_one_only(count: int, batch_size: int, sizes: list[int]) -> None:
    batches = Batches(_set(count), batch_size=batch_size, training=True)
    found = list(batches.epoch(0))
    assert [len(batch.labels) for batch in found] == sizes
    assert len(batches) == len(sizes)
    indices = torch.cat([batch.indices for batch in found]).tolist()
    assert len(set(indices)) == len(indices) == sum(sizes)


def test_training_goes_in_another_order_each_epoch_and_seed() -> None:
    def order(seed: int, epoch: int) -> list[int]:
        batches = Batches(_set(64), batch_size=64, training=True, seed=seed)
        return next(batches.epoch(epoch)).indices.tolist()

    assert sorted(order(0, 0)) == list(range(64))
    assert order(0, 0) == order(0, 0)
    assert len({tuple(order(seed, epoch)) for seed in (0, 1) for epoch in (0, 1)}) == 4


@pytest.mark.parametrize("augmentation", [Augmentation(), WHOLE_PIXELS, ALL], ids=["none", "whole pixels", "affine"])
@pytest.mark.parametrize("start", [0, 1, 4, 5])
def test_an_epoch_goes_on_at_any_step(augmentation: Augmentation, start: int) -> None:
    batches = Batches(_set(40), batch_size=8, training=True, augmentation=augmentation)
    assert _same(list(batches.epoch(2, start_step=start)), list(batches.epoch(2))[start:])


@pytest.mark.parametrize("augmentation", [WHOLE_PIXELS, ALL], ids=["whole pixels", "affine"])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_sample_is_augmented_alike_among_any_neighbours(augmentation: Augmentation, channels: int) -> None:
    images = _set(30, channels)
    one, other = (
        _by_index(Batches(images, batch_size=size, training=True, augmentation=augmentation, seed=3), epoch=1)
        for size in (30, 7)
    )
    assert other.keys() == one.keys()
    assert all(torch.equal(one[index], other[index]) for index in one)


def test_a_sample_is_augmented_differently_each_epoch_and_seed() -> None:
    images = _set(30)
    versions: list[dict[int, torch.Tensor]] = [
        _by_index(Batches(images, batch_size=30, training=True, augmentation=ALL, seed=seed), epoch)
        for seed in (0, 1)
        for epoch in (0, 1)
    ]
    for index in range(30):
        assert len({version[index].numpy().tobytes() for version in versions}) == 4


def test_batches_leave_the_images_and_the_global_generators_alone() -> None:
    images = _set(16)
    before, torch_state = images.images.clone(), torch.get_rng_state()
    numpy_state = str(np.random.get_state())  # noqa: NPY002
    for batch in Batches(images, batch_size=8, training=True, augmentation=ALL).epoch(0):
        batch.images.zero_()
    assert torch.equal(images.images, before)
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert str(np.random.get_state()) == numpy_state  # noqa: NPY002


def test_too_few_images_are_refused() -> None:
    with pytest.raises(DataError, match="'set' has 1 images; training needs at least 2"):
        Batches(_set(1), batch_size=8, training=True)
    with pytest.raises(DataError, match="'set' has 0 images; evaluation needs at least 1"):
        Batches(_set(0), batch_size=8, training=False)


def test_an_augmentation_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="augmentation.erase must be smaller than the images"):
        Batches(_set(4), batch_size=2, training=True, augmentation=Augmentation(erase=12))


@pytest.mark.parametrize(("prune", "sizes"), [(0, [16, 16, 16, 16]), (0.25, [16, 16, 16]), (0.4, [16, 16, 6])])
def test_a_pruned_epoch_has_fewer_images_and_knows_how_many(prune: float, sizes: list[int]) -> None:
    batches = Batches(_set(64), batch_size=16, training=True, prune=prune)
    losses = torch.arange(64.0)
    found = list(batches.epoch(3, 0, losses))
    assert [len(batch.labels) for batch in found] == sizes
    assert len(batches) == len(sizes)
    indices = torch.cat([batch.indices for batch in found]).tolist()
    assert len(set(indices)) == sum(sizes)
    assert set(range(52, 64)) <= set(indices), "the hard ones"
    assert _same(list(batches.epoch(3, 1, losses)), found[1:])


def test_pruning_changes_neither_the_order_nor_the_augmentation_of_what_stays() -> None:
    whole = Batches(_set(64), batch_size=64, training=True, augmentation=ALL)
    pruned = Batches(_set(64), batch_size=64, training=True, augmentation=ALL, prune=0.5)
    (some,), (every,) = pruned.epoch(2), whole.epoch(2)
    stays = torch.isin(every.indices, some.indices)
    assert _same([some], [Batch(*(tensor[stays] for tensor in every))])


def test_evaluation_leaves_nothing_out() -> None:
    batches = Batches(_set(10), batch_size=4, training=False, prune=0.5)
    assert sum(len(batch.labels) for batch in batches.epoch(0)) == 10
