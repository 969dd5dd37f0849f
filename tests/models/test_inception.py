from __future__ import annotations

import copy
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from oracles import scramble_norms
from resnets.errors import ConfigError, DataError
from resnets.inspection.complexity import auxiliary_parameters, complexity
from resnets.inspection.overview import repeated_complexity
from resnets.inspection.structure import structure, total
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.pretrained import create
from resnets.outputs import Outputs
from resnets.spec import InceptionResNetSpec, InceptionSpec, NormSpec, Spec, replace
from small_twins import small

Weights = Mapping[str, Tensor]

PARAMETERS = {
    "googlenet": 6_998_552,  # the sum over Table 1's widths
    "googlenet_3x3": 6_624_904,  # torchvision's googlenet without its auxiliary heads
    "inception_v3": 23_834_568,  # torchvision
    "inception_v4": 42_679_816,  # timm
    "inception_resnet_v2": 55_843_464,  # timm
}
FACENET_BODY = 23_482_624 - 1792 * 512 - 2 * 512
"""facenet-pytorch's InceptionResnetV1 without its embedding: a linear layer without bias, and its norm."""


@pytest.mark.parametrize("name", PARAMETERS)
def test_parameters_are_the_published_ones(name: str) -> None:
    assert repeated_complexity(spec_of(name), spec_of(name).usual_input).parameters == PARAMETERS[name]


@pytest.mark.parametrize(("name", "parameters"), [("googlenet_3x3", 13_004_888), ("inception_v3", 27_161_264)])
def test_with_auxiliary_heads_parameters_are_torchvisions(name: str, parameters: int) -> None:
    spec = spec_of(name)
    assert PARAMETERS[name] + auxiliary_parameters(spec) == parameters
    with torch.device("meta"):
        model = build(spec)
    assert sum(parameter.numel() for parameter in model.parameters()) == parameters
    assert auxiliary_parameters(model) == parameters - PARAMETERS[name]
    assert auxiliary_parameters(replace(spec, auxiliary=False)) == 0


def test_inception_resnet_v1_is_as_large_as_facenets() -> None:
    spec = spec_of("inception_resnet_v1")
    assert repeated_complexity(spec, (3, 299, 299)).parameters == FACENET_BODY + 1792 * 1000 + 1000


def test_bn_inception_with_caffes_biases_is_as_large_as_caffes() -> None:
    spec = replace(spec_of("bn_inception"), conv_bias=True)
    assert complexity(spec, (3, 224, 224)).parameters == 11_295_240


def test_small_inception_is_as_large_as_its_paper_says() -> None:
    """Table 1 counts one number a channel beside the weights: a bias, or a shift without a scale."""
    spec = replace(spec_of("inception_small"), norm=NormSpec(kind="none"))
    assert complexity(spec, (3, 28, 28)).parameters == 1_649_402


@pytest.mark.parametrize(
    ("name", "macs", "tolerance"),
    [
        ("googlenet", 1.583e9, 5e-4),
        ("googlenet_3x3", 1.498e9, 5e-4),
        ("inception_v3", 5.713e9, 1e-4),  # torchvision's table
        ("inception_v4", 12.28e9, 3e-3),  # timm's tables count a little more than convolutions and linear layers
        ("inception_resnet_v2", 13.18e9, 3e-3),
    ],
)
def test_macs_are_the_published_ones_within_rounding(name: str, macs: float, tolerance: float) -> None:
    assert repeated_complexity(spec_of(name), spec_of(name).usual_input).macs == pytest.approx(macs, rel=tolerance)


TABLE_1 = {
    # unit: (thousands of parameters, millions of operations) as the paper prints them
    "S1U1": (159, 128), "S1U2": (380, 304),
    "S2U2": (364, 73), "S2U3": (437, 88), "S2U4": (463, 100), "S2U5": (580, 119), "S2U6": (840, 170),
    "S3U2": (1072, 54), "S3U3": (1388, 71),
}  # fmt: skip
MISPRINTED = {"S2U4", "S3U2"}
"""The table's 4c has 8 % fewer and its 5a 5 % more parameters than its own widths give; 5a's operations follow suit."""


def test_each_module_of_googlenet_costs_what_table_1_says() -> None:
    """Operations are multiply-adds in millions; thousands of parameters are near 1024, and biases may be missing."""
    rows = {row.label: row for row in structure(spec_of("googlenet"), (3, 224, 224))}
    for label, (parameters, operations) in TABLE_1.items():
        assert rows[label].kind == "inception"
        assert rows[label].macs / 1e6 == pytest.approx(operations, abs=3 if label == "S3U2" else 1)
        assert rows[label].parameters / 1024 == pytest.approx(parameters, rel=0.09 if label in MISPRINTED else 0.025)
    pools = [row.output_shape for row in rows.values() if row.kind == "max pool"]
    assert pools == [(480, 14, 14), (832, 7, 7)]
    assert rows["stem"].macs - 49 * 3 * 64 * 112**2 == pytest.approx(360e6, abs=1e6)
    assert rows["head"].parameters == 1024 * 1000 + 1000


def test_structure_adds_up_and_names_its_modules() -> None:
    spec = spec_of("inception_resnet_v2")
    rows = structure(replace(spec, num_blocks=(1, 2, 2)), (3, 299, 299))
    assert [(row.label, row.kind, row.shortcut, row.output_shape) for row in rows] == [
        ("stem", "large", "", (192, 35, 35)),
        ("S1U1", "inception A", "", (320, 35, 35)),
        ("S1U2", "residual A", "identity", (320, 35, 35)),
        ("S2U1", "reduction A", "", (1088, 17, 17)),
        ("S2U2", "residual B", "identity", (1088, 17, 17)),
        ("S2U3", "residual B", "identity", (1088, 17, 17)),
        ("S3U1", "reduction B", "", (2080, 8, 8)),
        ("S3U2", "residual C", "identity", (2080, 8, 8)),
        ("S3U3", "residual C", "identity", (2080, 8, 8)),
        ("final", "conv1, norm1, activation1", "", (1536, 8, 8)),
        ("head", "average", "", (1000,)),
    ]
    v3 = spec_of("inception_v3")
    assert total(structure(v3, (3, 299, 299))).parameters == complexity(v3, (3, 299, 299)).parameters


@pytest.mark.parametrize(
    ("name", "depth", "minimum", "usual"),
    [
        ("googlenet", 22, 31, 224),
        ("googlenet_3x3", 22, 15, 224),
        ("inception_v3", 48, 75, 299),
        ("inception_v4", 76, 75, 299),
        ("inception_resnet_v1", 97, 75, 299),
        ("inception_resnet_v2", 176, 75, 299),
        ("inception_small", 12, 1, 28),
        ("inception_resnet_small", 36, 7, 32),
    ],
)
def test_depth_and_sizes(name: str, depth: int, minimum: int, usual: int) -> None:
    spec = spec_of(name)
    assert (spec.depth, spec.minimum_size, spec.usual_input) == (depth, minimum, (3, usual, usual))


@pytest.mark.parametrize("name", ["googlenet", "bn_inception", "inception_v3", "inception_v4", "inception_resnet_v1"])
def test_least_image_leaves_one_pixel_and_a_smaller_one_is_refused(name: str) -> None:
    model = build(small(spec_of(name)), seed=0).eval()
    size = model.minimum_size
    assert list(model.features(torch.zeros(1, 3, size, size)).values())[-1].shape[2:] == (1, 1)
    with pytest.raises(DataError, match=rf"at least {size}x{size} pixels, got .*; stem='small' takes smaller ones"):
        model(torch.zeros(1, 3, size - 1, size))


# Two networks written out as functions: every layer by its name, its step and its border.


def conv(p: Weights, x: Tensor, name: str, number: int = 1, *, stride: int = 1, pad: bool = True) -> Tensor:
    weight = p[f"{name}.conv{number}.weight"]
    padding = (weight.shape[2] // 2, weight.shape[3] // 2) if pad else (0, 0)
    x = functional.conv2d(x, weight, p.get(f"{name}.conv{number}.bias"), stride, padding)
    if f"{name}.norm{number}.weight" in p:
        mean, var, gamma, beta = (
            p[f"{name}.norm{number}.{key}"] for key in ("running_mean", "running_var", "weight", "bias")
        )
        x = functional.batch_norm(x, mean, var, gamma, beta, eps=1e-3)
    return functional.relu(x)


def functional_googlenet(p: Weights, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    def pooled(x: Tensor) -> Tensor:
        return functional.max_pool2d(x, 3, 2, ceil_mode=True)

    def module(x: Tensor, unit: str) -> Tensor:
        name = f"stages.{unit}"
        one = conv(p, x, f"{name}.1x1")
        three = conv(p, conv(p, x, f"{name}.3x3"), f"{name}.3x3", 2)
        five = conv(p, conv(p, x, f"{name}.5x5"), f"{name}.5x5", 2)
        pool = conv(p, functional.max_pool2d(x, 3, 1, 1), f"{name}.pool", 2)
        return torch.cat([one, three, five, pool], dim=1)

    def auxiliary(x: Tensor, unit: str) -> Tensor:
        x = conv(p, functional.avg_pool2d(x, 5, 3), f"auxiliary.{unit}.features").flatten(1)
        head = f"auxiliary.{unit}"
        x = functional.relu(functional.linear(x, p[f"{head}.hidden.linear.weight"], p[f"{head}.hidden.linear.bias"]))
        return functional.linear(x, p[f"{head}.linear.weight"], p[f"{head}.linear.bias"])

    def normed(x: Tensor) -> Tensor:
        return functional.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1)

    x = normed(pooled(conv(p, x, "stem", 1, stride=2)))
    x = pooled(normed(conv(p, conv(p, x, "stem", 4), "stem", 5)))
    x = pooled(module(module(x, "S1.U1"), "S1.U2"))
    a = module(x, "S2.U2")
    d = module(module(module(a, "S2.U3"), "S2.U4"), "S2.U5")
    x = pooled(module(d, "S2.U6"))
    x = module(module(x, "S3.U2"), "S3.U3").mean(dim=(2, 3))
    logits = functional.linear(x, p["head.linear.weight"], p["head.linear.bias"])
    return logits, [auxiliary(a, "S2U2"), auxiliary(d, "S2U5")]


def functional_v3(p: Weights, x: Tensor) -> tuple[Tensor, list[Tensor]]:
    def path(x: Tensor, name: str, steps: str) -> Tensor:
        """Convolutions of a branch: `.` padded, `v` without padding, `s` without and with step 2."""
        for number, step in enumerate(steps, start=1):
            x = conv(p, x, name, number, stride=2 if step == "s" else 1, pad=step == ".")
        return x

    def averaged(x: Tensor, name: str) -> Tensor:
        return conv(p, functional.avg_pool2d(x, 3, 1, 1), f"{name}.pool", 2)

    def module(x: Tensor, unit: str, branches: Mapping[str, str]) -> Tensor:
        name = f"stages.{unit}"
        outputs = [path(x, f"{name}.{branch}", steps) for branch, steps in branches.items()]
        halved = "s" in "".join(branches.values())
        return torch.cat([*outputs, functional.max_pool2d(x, 3, 2) if halved else averaged(x, name)], dim=1)

    def split(x: Tensor, name: str) -> list[Tensor]:
        return [conv(p, x, f"{name}.1x3"), conv(p, x, f"{name}.3x1")]

    def wide(x: Tensor, unit: str) -> Tensor:
        name = f"stages.{unit}"
        three = split(conv(p, x, f"{name}.3x3"), f"{name}.3x3.branches2")
        double = split(path(x, f"{name}.3x3_3x3", ".."), f"{name}.3x3_3x3.branches3")
        return torch.cat([conv(p, x, f"{name}.1x1"), *three, *double, averaged(x, name)], dim=1)

    x = path(x, "stem", "sv.")
    x = conv(p, functional.max_pool2d(x, 3, 2), "stem", 5)
    x = functional.max_pool2d(conv(p, x, "stem", 6, pad=False), 3, 2)
    for unit in ("S1.U1", "S1.U2", "S1.U3"):
        x = module(x, unit, {"1x1": ".", "5x5": "..", "3x3_3x3": "..."})
    x = module(x, "S2.U1", {"3x3": "s", "3x3_3x3": "..s"})
    for unit in ("S2.U2", "S2.U3", "S2.U4", "S2.U5"):
        x = module(x, unit, {"1x1": ".", "7x7": "...", "7x7_7x7": "....."})
    aux = path(functional.avg_pool2d(x, 5, 3), "auxiliary.S2U5.features", ".v").flatten(1)
    x = module(x, "S3.U1", {"3x3": ".s", "7x7_3x3": "...s"})
    x = wide(wide(x, "S3.U2"), "S3.U3").mean(dim=(2, 3))
    logits = functional.linear(x, p["head.linear.weight"], p["head.linear.bias"])
    head = "auxiliary.S2U5.linear"
    return logits, [functional.linear(aux, p[f"{head}.weight"], p[f"{head}.bias"])]


def only_heads_in_training(model: nn.Module) -> None:
    """Training mode for the network, evaluation for its dropout and norms."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.Dropout | nn.BatchNorm2d):
            module.eval()


@pytest.mark.parametrize(
    ("name", "written_out", "size"),
    [("googlenet", functional_googlenet, 224), ("inception_v3", functional_v3, 299)],
)
def test_network_equals_the_functional_one(name: str, written_out: object, size: int) -> None:
    model = build(replace(small(spec_of(name)), width=1 / 16), seed=0).eval()
    scramble_norms(model)
    images = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(1))
    assert callable(written_out)
    with torch.no_grad():
        logits, auxiliary = written_out(model.state_dict(), images)
        torch.testing.assert_close(model(images), logits)
        only_heads_in_training(model)
        outputs = model(images)
    torch.testing.assert_close(outputs, Outputs(logits, tuple(auxiliary)))


def test_residual_block_is_its_equation() -> None:
    sizes = {"width": 1 / 8, "num_blocks": (1, 1, 2), "scales": (0.17, 0.1, 0.3)}
    spec = replace(spec_of("inception_resnet_small"), **sizes)
    model = build(spec, seed=0).eval()
    scramble_norms(model)
    blocks = dict(model.blocks())
    p = model.state_dict()

    def branches(x: Tensor, name: str) -> Tensor:
        one = conv(p, x, f"{name}.1x1")
        three = conv(p, conv(p, conv(p, x, f"{name}.3x3"), f"{name}.3x3", 2), f"{name}.3x3", 3)
        return torch.cat([one, three], dim=1)

    def residual(x: Tensor, unit: str) -> Tensor:
        name = f"stages.{unit}.residual"
        weight, bias = p[f"{name}.conv.weight"], p[f"{name}.conv.bias"]
        return functional.conv2d(branches(x, f"{name}.branches"), weight, bias)

    x = torch.randn(2, spec.out_channels, 5, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(blocks["S3U2"](x), functional.relu(x + 0.3 * residual(x, "S3.U2")))
    torch.testing.assert_close(blocks["S3U3"](x), x + residual(x, "S3.U3"))


@pytest.mark.parametrize(("kind", "count"), [("none", 2), ("batch", 0)])
def test_local_norms_stand_where_there_is_no_other_norm(kind: str, count: int) -> None:
    model = build(replace(InceptionSpec(width=1 / 8), norm=NormSpec(kind=kind)))  # type: ignore[arg-type]  # a parameter
    assert sum(isinstance(module, nn.LocalResponseNorm) for module in model.modules()) == count
    assert sum(isinstance(module, nn.BatchNorm2d) for module in model.modules()) == (0 if count else 57)


@pytest.mark.parametrize("name", ["googlenet", "googlenet_3x3", "inception_v3"])
def test_auxiliary_heads_speak_in_training_only(name: str) -> None:
    spec = small(spec_of(name))
    model = build(spec, seed=0)
    images = torch.randn(2, 3, 80, 76)
    outputs = model.train()(images)
    assert isinstance(outputs, Outputs)
    assert [logits.shape for logits in (outputs.logits, *outputs.auxiliary)] == [(2, 5)] * (1 + len(model.auxiliary))
    assert isinstance(model.eval()(images), Tensor)
    model.replace_head(3)
    assert {logits.shape for logits in model.train()(images).auxiliary} == {(2, 3)}
    assert isinstance(build(replace(spec, auxiliary=False)).train()(images), Tensor)


@pytest.mark.parametrize("size", [32, 31, 29])
@pytest.mark.parametrize("name", ["googlenet", "bn_inception", "inception_v3", "inception_v4", "inception_resnet_v2"])
def test_small_stem_takes_small_images(name: str, size: int) -> None:
    model = build(replace(small(spec_of(name)), stem="small", in_channels=1), seed=0)
    images = torch.randn(2, 1, size, size)
    assert isinstance(model.train()(images), Outputs if model.auxiliary else Tensor)
    assert model.eval()(images).shape == (2, 5)


def test_a_copy_computes_the_same_and_knows_its_kinds() -> None:
    model = build(small(spec_of("inception_small")), seed=0).eval()
    twin = copy.deepcopy(model)
    images = torch.randn(1, 3, 28, 28)
    assert torch.equal(twin(images), model(images))
    assert [twin.kind_of(block)[0] for _, block in twin.blocks()][:3] == ["inception", "inception", "reduction"]


def test_names_in_the_state_read_well() -> None:
    names = list(create("inception_resnet_small", seed=0).state_dict())
    for name in ("stem.conv1.weight", "stages.S1.U1.residual.branches.3x3.conv2.weight",
                 "stages.S2.U1.3x3_3x3.norm3.running_mean", "stages.S1.U1.residual.conv.bias"):  # fmt: skip
        assert name in names


@pytest.mark.parametrize(
    ("spec", "changes", "message"),
    [
        (InceptionSpec(), {"layout": "v4", "auxiliary": True}, "layout='v4' has no auxiliary heads; 'googlenet', "),
        (InceptionSpec(), {"layout": "small"}, "layout='small' has a small stem only: stem='small', got stem='large'"),
        (InceptionSpec(), {"layout": "v5"}, "layout must be one of googlenet, .*; got 'v5'"),
        (InceptionSpec(), {"width": 0}, "width must be from 0.001 to 64, got 0"),
        (InceptionSpec(), {"dropout": 1}, "dropout must be at least 0 and below 1, got 1"),
        (InceptionSpec(layout="v3"), {"width": 64}, "width=64.0 ends at 131072 channels; at most 65536 are possible"),
        (InceptionResNetSpec(), {"num_blocks": (1, 2)}, r"num_blocks needs one value for each .* got \(1, 2\)"),
        (InceptionResNetSpec(), {"num_blocks": (1, 0, 1)}, "num_blocks must be from 1 to 10,000, got 0"),
        (InceptionResNetSpec(), {"scales": (1, 1, 2)}, r"scales must be from 1e-06 to 1, got 2"),
        (InceptionResNetSpec(), {"auxiliary": True}, "A InceptionResNet has no setting 'auxiliary'"),
    ],
)
def test_impossible_settings_are_refused_by_name(spec: Spec, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(spec, **changes)
