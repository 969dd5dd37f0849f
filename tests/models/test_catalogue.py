"""The contract: what every network of the catalogue must do."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from oracles import PAPER_MACS, PAPER_PARAMETERS, counts
from resnets.errors import ConfigError
from resnets.inspection.complexity import complexity
from resnets.inspection.overview import repeated_complexity
from resnets.layers.block import PlainBlock
from resnets.models.build import build
from resnets.models.catalogue import names, spec_of
from resnets.models.catalogue.residual import PLAIN, RESIDUAL
from resnets.models.catalogue.variants import RESNEXT, WIDE
from resnets.models.pretrained import create
from resnets.outputs import as_outputs
from resnets.spec import ResNetSpec, Stem, replace, spec_from_dict
from resnets.values import to_json
from small_twins import images_for, small


@pytest.mark.parametrize("name", [*RESIDUAL, *PLAIN, *RESNEXT, *WIDE])
def test_counts_equal_the_closed_formula(name: str) -> None:
    spec = spec_of(name)
    assert isinstance(spec, ResNetSpec)
    count = complexity if sum(spec.num_blocks) < 100 else repeated_complexity
    cost = count(spec, spec.usual_input)
    assert (cost.parameters, cost.macs) == counts(spec, spec.usual_input[1])


@pytest.mark.parametrize("name", PAPER_PARAMETERS)
def test_parameters_are_the_papers(name: str) -> None:
    spec = spec_of(name)
    assert repeated_complexity(spec, spec.usual_input).parameters == PAPER_PARAMETERS[name]


@pytest.mark.parametrize("name", PAPER_MACS)
def test_macs_are_the_papers(name: str) -> None:
    spec = spec_of(name)
    assert repeated_complexity(spec, spec.usual_input).macs == PAPER_MACS[name]


@pytest.mark.parametrize(
    ("depth", "option", "parameters"),
    [(20, "A", 269_722), (20, "B", 272_474), (20, "C", 283_962), (110, "B", 1_730_714), (56, "C", 900_858)],
)
def test_options_cost_what_the_paper_says(depth: int, option: str, parameters: int) -> None:
    spec = ResNetSpec.cifar(depth, shortcut=option)
    assert repeated_complexity(spec, (3, 32, 32)).parameters == parameters


def test_options_of_resnet34_cost_what_the_paper_says() -> None:
    costs = [repeated_complexity(replace(RESIDUAL["resnet34"], shortcut=o), (3, 224, 224)) for o in ("A", "B", "C")]
    assert [cost.parameters for cost in costs] == [21_623_848, 21_797_672, 22_716_840]
    assert [cost.macs for cost in costs] == [3_644_493_824, 3_663_761_408, 3_830_747_136]


@pytest.mark.parametrize("image", [(1, 28, 28), (1, 27, 27), (1, 45, 45)])
@pytest.mark.parametrize("stem", ["large", "medium", "small", "pooled"])
def test_odd_sizes_are_counted_right(stem: Stem, image: tuple[int, int, int]) -> None:
    spec = ResNetSpec(num_blocks=(1, 2, 1), width=8, stem=stem, stem_width=5, in_channels=1, block="bottleneck")
    cost = complexity(spec, image)
    assert (cost.parameters, cost.macs) == counts(spec, image[1])


@pytest.mark.parametrize(("depth", "parameters"), [(20, 269_434), (14, 172_218), (8, 75_002)])
def test_digit_sized_nets_have_as_many_parameters_as_expected(depth: int, parameters: int) -> None:
    assert complexity(ResNetSpec.cifar(depth, in_channels=1), (1, 28, 28)).parameters == parameters


def test_dive_into_deep_learning_resnet18() -> None:
    spec = replace(spec_of("resnet18"), in_channels=1, num_classes=10, conv_bias=True, projection_norm=False)
    cost = complexity(spec, (1, 96, 96))
    assert (cost.parameters, cost.macs) == (11_178_378, 318_657_536)


def test_built_network_has_the_parameters_that_were_counted() -> None:
    model = create("resnet18")
    assert sum(parameter.numel() for parameter in model.parameters()) == PAPER_PARAMETERS["resnet18"]


@pytest.mark.parametrize("name", names())
def test_contract(name: str) -> None:
    spec = small(spec_of(name))
    model = build(spec, seed=0)
    assert model.spec == spec_from_dict(json.loads(to_json(spec))) == spec
    images = images_for(spec)
    torch.manual_seed(0)  # of dropout and its like
    for parameter in model.parameters():
        if not parameter.any():
            nn.init.uniform_(parameter, 0, 0.01)  # some weights start at zero on purpose

    torch.manual_seed(0)  # for dropout
    outputs = as_outputs(model(images))
    sum(logits.square().sum() for logits in (outputs.logits, *outputs.auxiliary)).backward()  # type: ignore[union-attr]
    unused = [n for n, parameter in model.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert not unused

    model.eval()
    with torch.no_grad():
        features, logits = model.features(images), model(images)
        assert torch.equal(logits, model(images)), "evaluation is deterministic"
        torch.testing.assert_close(
            model(images[:1]), logits[:1], rtol=1e-5, atol=1e-5 * max(1, float(logits.abs().max()))
        )
    assert logits.shape == (2, 5)
    assert list(features) == ["stem", *(stage for stage, _ in model.stages.named_children())]

    model.replace_head(3)
    assert model(images).shape == (2, 3)
    assert model.spec == replace(spec, num_classes=3)


@pytest.mark.parametrize("name", [*RESIDUAL, *PLAIN])
def test_stages_have_the_papers_channels_and_sizes(name: str) -> None:
    spec = small({**RESIDUAL, **PLAIN}[name])
    assert isinstance(spec, ResNetSpec)
    features = build(spec, seed=0).features(images_for(spec))
    first = {"small": 40, "medium": 20}.get(spec.stem, 10)
    for stage in range(len(spec.num_blocks)):
        channels = 4 * 2**stage * (4 if spec.block == "bottleneck" else 1)
        assert features[f"S{stage + 1}"].shape[1:3] == (channels, -(-first // 2**stage))


@pytest.mark.parametrize("name", names())
def test_spec_survives_json(name: str) -> None:
    assert spec_from_dict(json.loads(to_json(spec_of(name)))) == spec_of(name)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_twin_is_its_residual_net_without_shortcuts(name: str) -> None:
    assert PLAIN[name] == replace(RESIDUAL[name.replace("plain", "resnet")], shortcut="none")
    model = build(small(PLAIN[name]))
    assert all(isinstance(block, PlainBlock) for _, block in model.blocks())


@pytest.mark.parametrize("name", [name for name in names() if name.startswith(("resnet", "plain"))])
def test_depth_is_the_one_in_the_name(name: str) -> None:
    assert name.removeprefix("resnet").removeprefix("plain").startswith(str(spec_of(name).depth))


def test_create_changes_any_setting() -> None:
    model = create("resnet18", seed=0, num_classes=7, in_channels=1, stem="small", width=8)
    assert model(torch.randn(2, 1, 28, 28)).shape == (2, 7)


@pytest.mark.parametrize(("name", "spec"), [
    ("cifar_resnet20", ResNetSpec.cifar(20)), ("cifar_resnet26", ResNetSpec.cifar(26)),
    ("cifar_plain8", ResNetSpec.cifar(8).plain),
])  # fmt: skip
def test_any_cifar_depth_has_a_name(name: str, spec: ResNetSpec) -> None:
    assert spec_of(name) == spec


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet_50", r"There is no network 'resnet_50'\. Did you mean 'resnet50'\? `resnets models` lists all"),
        ("mobile", r"There is no network 'mobile'\. `resnets models` .* any depth 6n\+2 is cifar_resnet<depth>"),
        ("cifar_resnet21", r"depth 6n\+2 \(8, 14, 20, 26, 32, ...\), got 21"),
        ("cifar_plain2", r"depth 6n\+2 .* got 2\."),
        ("cifar_resnet600002", "num_blocks must be at least 1 a stage and 10000 in all"),
        ("", "There is no network ''"),
    ],
)
def test_unknown_network_is_refused_by_name(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        create(name)


def test_unknown_setting_is_refused_with_a_suggestion() -> None:
    with pytest.raises(ConfigError, match=r"A ResNet has no setting 'num_class'\. Did you mean 'num_classes'\?"):
        create("resnet20", num_class=3)


@pytest.mark.parametrize(("name", "shape"), [("resnet50", (3, 224, 224)), ("resnet20", (3, 32, 32))])
def test_usual_input_is_that_of_the_papers(name: str, shape: tuple[int, ...]) -> None:
    assert spec_of(name).usual_input == shape


def test_usual_input_of_a_grey_net_is_a_digit() -> None:
    assert ResNetSpec.cifar(20, in_channels=1).usual_input == (1, 28, 28)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["resnet1202", "resnet1001_v2"])
def test_a_thousand_layers_run_forward_and_backward(name: str) -> None:
    model = create(name, seed=0)
    assert sum(parameter.numel() for parameter in model.parameters()) == PAPER_PARAMETERS[name]
    logits = model(torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)))
    logits.square().mean().backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    assert logits.shape == (2, 10) and logits.isfinite().all()
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
