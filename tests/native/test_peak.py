from __future__ import annotations

import pytest
import torch

from resnets.native.library import kernels, variants

FASTEST_CLOCK = 7e9
MULTIPLY_ADDS = {"avx512": 2 * 16, "avx2": 2 * 8, "neon": 4 * 4, "scalar": 4, "scalar64": 4}
"""A cycle, of the widest processor for which the variant is meant: units times numbers in a register."""


@pytest.mark.parametrize("name", variants())
def test_the_peak_is_one_that_a_processor_can_reach(name: str) -> None:
    peak = kernels(name).peak(1_000_000)
    assert 0 < peak < FASTEST_CLOCK * MULTIPLY_ADDS[name] * torch.get_num_threads()
