from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from resnets.inspection.complexity import complexity
from resnets.inspection.structure import structure, total
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.spec import ResNetSpec, replace
from resnets.values import to_dict

TINY = ResNetSpec(num_blocks=(2, 2), width=4, stem="small", num_classes=5)


def test_rows_of_resnet18() -> None:
    rows = structure(spec_of("resnet18"), (3, 224, 224))
    assert [(row.label, row.kind, row.shortcut, row.stride, row.output_shape) for row in rows] == [
        ("stem", "large", "", 4, (64, 56, 56)),
        ("S1U1", "basic", "identity", 1, (64, 56, 56)),
        ("S1U2", "basic", "identity", 1, (64, 56, 56)),
        ("S2U1", "basic", "B", 2, (128, 28, 28)),
        ("S2U2", "basic", "identity", 1, (128, 28, 28)),
        ("S3U1", "basic", "B", 2, (256, 14, 14)),
        ("S3U2", "basic", "identity", 1, (256, 14, 14)),
        ("S4U1", "basic", "B", 2, (512, 7, 7)),
        ("S4U2", "basic", "identity", 1, (512, 7, 7)),
        ("head", "average", "", 1, (1000,)),
    ]
    assert rows[1].parameters == 2 * (9 * 64 * 64 + 2 * 64)
    assert rows[1].macs == 2 * 9 * 64 * 64 * 56 * 56
    assert all(row.output_shape == after.input_shape for row, after in pairwise(rows))


@pytest.mark.parametrize(
    ("shortcut", "column"),
    [
        ("A", ["identity", "identity", "A", "identity"]),
        ("B", ["identity", "identity", "B", "identity"]),
        ("C", ["C", "C", "C", "C"]),
        ("none", ["none", "none", "none", "none"]),
    ],
)
@pytest.mark.parametrize("ordering", ["original", "full_preactivation"])
def test_shortcut_of_each_block_is_named(shortcut: Any, column: list[str], ordering: Any) -> None:
    rows = structure(replace(TINY, shortcut=shortcut, ordering=ordering), (3, 32, 32))
    assert [row.shortcut for row in rows if row.label.startswith("S")] == column


def test_preactivation_net_has_a_row_before_the_head() -> None:
    rows = structure(replace(TINY, ordering="full_preactivation"), (3, 32, 32))
    assert [(row.label, row.kind, row.parameters) for row in rows][-2] == ("final", "norm, activation", 16)


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
@pytest.mark.parametrize("ordering", ["original", "full_preactivation"])
@pytest.mark.parametrize("stem", ["large", "medium", "small", "pooled"])
def test_total_is_the_complexity(block: Any, ordering: Any, stem: Any) -> None:
    spec = replace(TINY, block=block, ordering=ordering, stem=stem)
    whole, cost = total(structure(spec, (3, 32, 32))), complexity(spec, (3, 32, 32))
    assert (whole.parameters, whole.macs, whole.activations) == (cost.parameters, cost.macs, cost.activations)
    assert (whole.input_shape, whole.output_shape) == ((3, 32, 32), (5,))
    assert whole.stride == spec.stem_stride * 2


def test_a_built_network_has_the_rows_of_its_spec() -> None:
    assert structure(build(TINY), (3, 32, 32)) == structure(TINY, (3, 32, 32))


def test_rows_are_plain_data() -> None:
    row = to_dict(structure(TINY, (3, 32, 32))[0])
    assert row["label"] == "stem" and row["input_shape"] == [3, 32, 32]
