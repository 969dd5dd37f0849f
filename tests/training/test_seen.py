from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from resnets.recipe import Recipe
from resnets.training.seen import SeenLosses

PRUNED = Recipe(prune=0.5, label_smoothing=0.1)


def _batch(*indices: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(len(indices))
    return torch.randn(len(indices), 3, generator=generator), torch.zeros(len(indices)).long(), torch.tensor(indices)


def test_the_loss_of_each_image_is_the_newest_one_and_of_unseen_ones_infinite() -> None:
    seen = SeenLosses(PRUNED)
    old, new = _batch(4, 1, 0), _batch(4, 5)
    seen.note(*old)
    seen.note(*new)
    seen.end_epoch()
    expected = [
        functional.cross_entropy(logits[place], labels[place], label_smoothing=0.1).item()
        for (logits, labels, _), place in ((old, 2), (old, 1), (new, 0), (new, 1))
    ]
    inf = float("inf")
    assert seen.of_epoch(0.5).tolist() == pytest.approx([expected[0], expected[1], inf, inf, expected[2], expected[3]])


def test_an_epoch_goes_by_what_was_known_when_it_began() -> None:
    seen = SeenLosses(PRUNED)
    seen.note(*_batch(0, 1))
    assert len(seen.of_epoch(0)) == 0
    seen.end_epoch()
    before = seen.of_epoch(0).clone()
    seen.note(*_batch(1, 0, 7))
    assert torch.equal(seen.of_epoch(0), before)


def test_the_last_part_of_a_training_draws_from_all() -> None:
    seen = SeenLosses(PRUNED)
    seen.note(*_batch(0, 1))
    seen.end_epoch()
    assert [len(seen.of_epoch(progress)) for progress in (0.5, 0.874, 0.875, 0.99)] == [2, 2, 0, 0]


def test_what_is_remembered_survives_being_stored() -> None:
    seen, other = SeenLosses(PRUNED), SeenLosses(PRUNED)
    seen.note(*_batch(0, 3))
    seen.end_epoch()
    seen.note(*_batch(1, 2, 5))
    other.restore(seen.tensors())
    assert torch.equal(other.of_epoch(0), seen.of_epoch(0))
    other.end_epoch()
    seen.end_epoch()
    assert torch.equal(other.of_epoch(0), seen.of_epoch(0))


def test_where_nothing_is_pruned_nothing_is_remembered() -> None:
    seen = SeenLosses(Recipe())
    seen.note(*_batch(0, 1))
    seen.end_epoch()
    assert [len(tensor) for tensor in seen.tensors().values()] == [0, 0]
