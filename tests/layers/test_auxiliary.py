from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from resnets.layers.auxiliary import GridPool


@pytest.mark.parametrize(("size", "grid"), [(14, 4), (17, 5)])
def test_pool_has_the_papers_windows_on_the_papers_images(size: int, grid: int) -> None:
    x = torch.randn(2, 3, size, size)
    assert torch.equal(GridPool(grid)(x), functional.avg_pool2d(x, 5, 3))


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (5, 4), (30, 31)])
def test_pool_fills_its_grid_from_any_size(size: tuple[int, int]) -> None:
    assert GridPool(4)(torch.randn(2, 3, *size)).shape == (2, 3, 4, 4)
    assert torch.equal(GridPool(4)(torch.full((1, 1, *size), 2.5)), torch.full((1, 1, 4, 4), 2.5))


def test_pool_says_its_grid() -> None:
    assert repr(GridPool(5)) == "GridPool(5)"
