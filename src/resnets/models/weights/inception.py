"""torchvision's names of GoogLeNet (with its 3x3 in the place of the 5x5) and Inception-v3; timm's of the latter.

Norms have eps 1e-3. Auxiliary heads are left out where our network has none; timm's has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from resnets.models.weights.layout import Layout
from resnets.spec import InceptionSpec

Names = dict[str, str]

GOOGLENET = {
    "stem.1": "conv1",
    "stem.3": "conv2",
    "stem.4": "conv3",
    "auxiliary.S2U2.features.1": "aux1.conv",
    "auxiliary.S2U5.features.1": "aux2.conv",
}
GOOGLENET_LINEAR = {
    "auxiliary.S2U2.hidden.linear": "aux1.fc1",
    "auxiliary.S2U2.linear": "aux1.fc2",
    "auxiliary.S2U5.hidden.linear": "aux2.fc1",
    "auxiliary.S2U5.linear": "aux2.fc2",
    "head.linear": "fc",
}
GOOGLENET_UNITS = {
    "S1.U1": "3a", "S1.U2": "3b", "S2.U2": "4a", "S2.U3": "4b", "S2.U4": "4c", "S2.U5": "4d", "S2.U6": "4e",
    "S3.U2": "5a", "S3.U3": "5b",
}  # fmt: skip
GOOGLENET_BRANCHES = {
    "1x1.1": "branch1", "3x3.1": "branch2.0", "3x3.2": "branch2.1", "5x5.1": "branch3.0", "5x5.2": "branch3.1",
    "pool.2": "branch4.1",
}  # fmt: skip

V3 = {
    "stem.1": "Conv2d_1a_3x3",
    "stem.2": "Conv2d_2a_3x3",
    "stem.3": "Conv2d_2b_3x3",
    "stem.5": "Conv2d_3b_1x1",
    "stem.6": "Conv2d_4a_3x3",
    "auxiliary.S2U5.features.1": "AuxLogits.conv0",
    "auxiliary.S2U5.features.2": "AuxLogits.conv1",
}
V3_LINEAR = {"auxiliary.S2U5.linear": "AuxLogits.fc", "head.linear": "fc"}
V3_UNITS = {
    "S1.U1": "5b", "S1.U2": "5c", "S1.U3": "5d", "S2.U1": "6a", "S2.U2": "6b", "S2.U3": "6c", "S2.U4": "6d",
    "S2.U5": "6e", "S3.U1": "7a", "S3.U2": "7b", "S3.U3": "7c",
}  # fmt: skip
V3_BRANCHES = {
    "1x1.1": "branch1x1",
    "pool.2": "branch_pool",
    "3x3.branches2.1x3.1": "branch3x3_2a",
    "3x3.branches2.3x1.1": "branch3x3_2b",
    "3x3_3x3.branches3.1x3.1": "branch3x3dbl_3a",
    "3x3_3x3.branches3.3x1.1": "branch3x3dbl_3b",
    **{f"5x5.{number}": f"branch5x5_{number}" for number in (1, 2)},
    **{f"3x3.{number}": f"branch3x3_{number}" for number in (1, 2)},
    **{f"3x3_3x3.{number}": f"branch3x3dbl_{number}" for number in (1, 2, 3)},
    **{f"7x7.{number}": f"branch7x7_{number}" for number in (1, 2, 3)},
    **{f"7x7_7x7.{number}": f"branch7x7dbl_{number}" for number in (1, 2, 3, 4, 5)},
    **{f"7x7_3x3.{number}": f"branch7x7x3_{number}" for number in (1, 2, 3, 4)},
}


def googlenet(spec: InceptionSpec) -> Mapping[str, str]:  # noqa: ARG001 - one signature for all layouts
    """GoogLeNet's."""
    units = _inside(GOOGLENET_UNITS, GOOGLENET_BRANCHES, "inception")
    return {**dict(both(GOOGLENET | units)), **GOOGLENET_LINEAR}


def v3(spec: InceptionSpec) -> Mapping[str, str]:  # noqa: ARG001
    """Inception-v3's; the branch of one 3x3 that its first reduction has is not numbered."""
    units = _inside(V3_UNITS, V3_BRANCHES, "Mixed_") | {"stages.S2.U1.3x3.1": "Mixed_6a.branch3x3"}
    return {**dict(both(V3 | units)), **V3_LINEAR}


def _inside(units: Names, branches: Names, before: str) -> Names:
    """Every convolution of every unit."""
    return {
        f"stages.{unit}.{branch}": f"{before}{theirs}.{name}"
        for unit, theirs in units.items()
        for branch, name in branches.items()
    }


def both(names: Names) -> Iterator[tuple[str, str]]:
    """The convolution and the norm of each name, which ends in their number."""
    for ours, theirs in names.items():
        place, _, number = ours.rpartition(".")
        yield f"{place}.conv{number}", f"{theirs}.conv"
        yield f"{place}.norm{number}", f"{theirs}.bn"


LAYOUTS = (
    Layout(
        name="torchvision",
        family=InceptionSpec,
        rules=lambda spec: googlenet(spec) if spec.layout == "googlenet_3x3" else v3(spec),
        takes=lambda spec: spec.layout in ("googlenet_3x3", "v3"),
        demands=lambda spec, config: {"norm.eps": 1e-3},  # noqa: ARG005
        extras=("aux?.*", "AuxLogits.*"),
        exports={"googlenet_3x3": "googlenet", "inception_v3": "inception_v3"},
        parity_size=96,
    ),
    Layout(
        name="timm",
        family=InceptionSpec,
        rules=v3,
        takes=lambda spec: spec.layout == "v3",
        demands=lambda spec, config: {"norm.eps": 1e-3, "auxiliary": False},  # noqa: ARG005
        extras=("AuxLogits.*",),
        exports={"inception_v3": "inception_v3"},
        parity_size=96,
    ),
)
