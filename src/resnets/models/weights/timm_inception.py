"""timm's names of Inception-v4 and Inception-ResNet-v2: branches by their number, units by their place in the network.

Norms have eps 1e-3.
"""

from __future__ import annotations

from collections.abc import Mapping

from resnets.models.weights.inception import Names, both
from resnets.models.weights.layout import Layout
from resnets.spec import InceptionResNetSpec, InceptionSpec

A = {"1x1.1": "branch0", "3x3.{n}": "branch1.{n-1}", "3x3_3x3.{n}": "branch2.{n-1}", "pool.2": "branch3.1"}
B = {"1x1.1": "branch0", "7x7.{n}": "branch1.{n-1}", "7x7_7x7.{n}": "branch2.{n-1}", "pool.2": "branch3.1"}
C = {
    "1x1.1": "branch0",
    "3x3.1": "branch1_0",
    "3x3.branches2.1x3.1": "branch1_1a",
    "3x3.branches2.3x1.1": "branch1_1b",
    "3x3_3x3.{n}": "branch2_{n-1}",
    "3x3_3x3.branches4.1x3.1": "branch2_3a",
    "3x3_3x3.branches4.3x1.1": "branch2_3b",
    "pool.2": "branch3.1",
}
REDUCTION_A = {"3x3.1": "branch0", "3x3_3x3.{n}": "branch1.{n-1}"}
V4_STEM = {
    "stem.{n}": "features.{n-1}",
    "stem.branches4.3x3.1": "features.3.conv",
    "stem.branches5.3x3.{n}": "features.4.branch0.{n-1}",
    "stem.branches5.7x7_3x3.{n}": "features.4.branch1.{n-1}",
    "stem.branches6.3x3.1": "features.5.conv",
}
V4_REDUCTION_B = {"3x3.{n}": "branch0.{n-1}", "7x7_3x3.{n}": "branch1.{n-1}"}
RESNET_STEM = {
    "stem.1": "conv2d_1a",
    "stem.2": "conv2d_2a",
    "stem.3": "conv2d_2b",
    "stem.5": "conv2d_3b",
    "stem.6": "conv2d_4a",
    "final.1": "conv2d_7b",
}
RESNET_FIRST = {"1x1.1": "branch0", "5x5.{n}": "branch1.{n-1}", "3x3_3x3.{n}": "branch2.{n-1}", "pool.2": "branch3.1"}
RESNET_REDUCTION_B = {
    "3x3_first.{n}": "branch0.{n-1}",
    "3x3_second.{n}": "branch1.{n-1}",
    "3x3_3x3.{n}": "branch2.{n-1}",
}
RESNET_BLOCKS = (A, B, {"1x1.1": "branch0", "3x3.{n}": "branch1.{n-1}"})


def v4(spec: InceptionSpec) -> Mapping[str, str]:  # noqa: ARG001 - one signature for all layouts
    """Inception-v4's: the stem has six places, and every unit the next one."""
    names = {
        **V4_STEM,
        **_unit("S1.U{unit}", "features.{unit+5}", A),
        **_unit("S2.U1", "features.10", REDUCTION_A),
        **_unit("S2.U{unit}", "features.{unit+9}", B),
        **_unit("S3.U1", "features.18", V4_REDUCTION_B),
        **_unit("S3.U{unit}", "features.{unit+17}", C),
    }
    return {**dict(both(names)), "head.linear": "last_linear"}


def resnet_v2(spec: InceptionResNetSpec) -> Mapping[str, str]:
    """Inception-ResNet-v2's: the blocks of a stage are a list, the last of all stands alone."""
    last = spec.num_blocks[-1] + 1
    places = {f"S3.U{last}": "block8"} | {
        f"S{stage}.U{{unit}}": f"{theirs}.{{unit-2}}"
        for stage, theirs in enumerate(("repeat", "repeat_1", "repeat_2"), start=1)
    }
    names = {
        **RESNET_STEM,
        **_unit("S1.U1", "mixed_5b", RESNET_FIRST),
        **_unit("S2.U1", "mixed_6a", REDUCTION_A),
        **_unit("S3.U1", "mixed_7a", RESNET_REDUCTION_B),
    }
    for ours, theirs in places.items():
        names |= _unit(f"{ours}.residual.branches", theirs, RESNET_BLOCKS[int(ours[1]) - 1])
    expand = {f"stages.{ours}.residual.conv": f"{theirs}.conv2d" for ours, theirs in places.items()}
    return {**dict(both(names)), **expand, "head.linear": "classif"}


def _unit(ours: str, theirs: str, branches: Names) -> Names:
    """Every convolution of a unit, or of all units of a kind."""
    return {f"stages.{ours}.{branch}": f"{theirs}.{name}" for branch, name in branches.items()}


LAYOUTS = (
    Layout(
        name="timm",
        family=InceptionSpec,
        rules=v4,
        takes=lambda spec: spec.layout == "v4",
        demands=lambda spec, config: {"norm.eps": 1e-3},  # noqa: ARG005
        exports={"inception_v4": "inception_v4"},
        parity_size=96,
    ),
    Layout(
        name="timm",
        family=InceptionResNetSpec,
        rules=resnet_v2,
        takes=lambda spec: spec.layout == "v2",
        demands=lambda spec, config: {"norm.eps": 1e-3, "scales": (0.17, 0.10, 0.20)},  # noqa: ARG005
        exports={"inception_resnet_v2": "inception_resnet_v2"},
        parity_size=96,
    ),
)
