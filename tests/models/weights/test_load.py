from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from torch import Tensor

from resnets.errors import ModelFileError
from resnets.models.build import build
from resnets.models.catalogue import spec_of
from resnets.models.network import Network
from resnets.models.pretrained import create
from resnets.models.weights.first_layer import with_channels
from resnets.models.weights.load import fitting_spec, load_weights
from resnets.models.weights.rules import targets
from resnets.models.weights.write import foreign_state, layout_called
from resnets.spec import NormSpec, ResNetSpec, replace
from resnets.weight_files.read import Weights

SMALL = ResNetSpec(num_blocks=(1, 1, 1, 1), width=4, num_classes=5, block="bottleneck", stride_in="3x3")
IMAGES = torch.randn(2, 3, 40, 36, generator=torch.Generator().manual_seed(0))


def changed(spec: ResNetSpec = SMALL, **changes: Any) -> Network:
    return build(replace(spec, **changes), seed=1).eval()


def state_of(model: Network, layout: str = "torchvision") -> dict[str, Tensor]:
    return foreign_state(model, layout_called(layout, model.spec))


@pytest.fixture
def state() -> dict[str, Tensor]:
    """torchvision's names for the small network, with statistics that are not where they started."""
    model = build(SMALL, seed=0).train()
    for _ in range(3):
        model(IMAGES)
    return state_of(model)


class TestRules:
    def test_numbers_are_kept_and_shifted(self) -> None:
        rules = {"stages.S{stage}.U{unit}.conv": "layer{stage-1}.{unit+10}.c"}
        found = targets(["stages.S12.U3.conv.weight", "stages.S1.U1.conv2.weight", "stem.weight"], rules)
        assert {ours: theirs.name for ours, theirs in found.items()} == {
            "stages.S12.U3.conv.weight": "layer11.13.c.weight"
        }

    def test_the_first_that_fits_counts(self) -> None:
        assert targets(["a1.bias"], {"a1": "x", "a{n}": "y{n}"})["a1.bias"].name == "x.bias"


class TestLoading:
    def test_every_weight_is_filled_and_nothing_is_left(self, state: dict[str, Tensor]) -> None:
        model = changed()
        report = load_weights(model, state)
        assert len(report.matched) == len(state) == len(model.state_dict())
        assert (report.missing, report.unknown, report.other_shape, report.replaced, report.notes) == ((),) * 5
        assert str(report) == f"The state dict: {len(state)} weights in the layout of torchvision."
        assert all(torch.equal(state_of(model)[name], tensor) for name, tensor in state.items())

    @pytest.mark.parametrize("prefix", ["module.", "_orig_mod.module.", "model."])
    def test_what_wrapping_put_before_every_name_is_taken_off(self, state: dict[str, Tensor], prefix: str) -> None:
        model = changed()
        load_weights(model, {prefix + name: tensor for name, tensor in state.items()})
        assert torch.equal(state_of(model)["fc.weight"], state["fc.weight"])

    def test_our_own_names_and_files_are_read(self, tmp_path: Path) -> None:
        donor, model = build(SMALL, seed=0).eval(), changed()
        safetensors.torch.save_file(donor.state_dict(), tmp_path / "model.safetensors")
        report = load_weights(model, tmp_path)
        assert report.layout == "resnets"
        assert torch.equal(model(IMAGES), donor(IMAGES))

    def test_files_from_before_norms_counted_their_batches_are_read(self, state: dict[str, Tensor]) -> None:
        old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
        assert load_weights(changed(), old).missing == ()

    def test_half_precision_becomes_ours(self, state: dict[str, Tensor]) -> None:
        model = changed()
        load_weights(model, {name: tensor.half() for name, tensor in state.items()})
        assert model.state_dict()["head.linear.weight"].dtype == torch.float32
        torch.testing.assert_close(state_of(model)["fc.weight"], state["fc.weight"], rtol=1e-3, atol=1e-3)


def before(model: Network) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def check_refused(model: Network, state: Mapping[str, Tensor] | Weights, message: str) -> None:
    """Refused in one sentence or more, with the network as it was."""
    old = before(model)
    with pytest.raises(ModelFileError, match=message):
        load_weights(model, state)
    assert all(torch.equal(tensor, old[name]) for name, tensor in model.state_dict().items())


class TestWhatDoesNotFit:
    def test_missing_and_unknown_names_are_told(self, state: dict[str, Tensor]) -> None:
        state["layer9.9.conv9.weight"] = state.pop("layer1.0.conv1.weight")
        check_refused(
            changed(), state, r"Missing: stages.S1.U1.residual.conv1.weight\. Unknown: layer9.9.conv9.weight\. "
        )

    def test_another_shape_is_told_with_both(self, state: dict[str, Tensor]) -> None:
        state["layer1.0.conv2.weight"] = torch.zeros(4, 4, 5, 5)
        check_refused(changed(), state, r"S1.U1.residual.conv2.weight is \(4, 4, 5, 5\) there and \(4, 4, 3, 3\) here")

    def test_partial_takes_what_fits_and_reports_the_rest(self, state: dict[str, Tensor]) -> None:
        state["layer1.0.conv2.weight"] = torch.zeros(4, 4, 5, 5)
        state["other"] = state.pop("conv1.weight")
        model = changed()
        old = before(model)
        report = load_weights(model, state, partial=True)
        assert (report.missing, report.unknown) == (("stem.conv.weight",), ("other",))
        assert len(report.other_shape) == 1
        assert torch.equal(model.state_dict()["stem.conv.weight"], old["stem.conv.weight"])
        assert torch.equal(model.state_dict()["head.linear.weight"], state["fc.weight"])
        assert "Missing: stem.conv.weight. Other shape:" in str(report)

    @pytest.mark.parametrize("number", [float("nan"), float("inf")])
    def test_numbers_that_are_not_finite_are_refused_by_name(self, state: dict[str, Tensor], number: float) -> None:
        state["layer2.0.bn1.running_var"][1] = number
        check_refused(changed(), state, r"1 of the 8 numbers in 'layer2.0.bn1.running_var' are not finite")

    def test_weights_that_are_no_plain_numbers_are_refused(self, state: dict[str, Tensor]) -> None:
        state["fc.weight"] = state["fc.weight"].to(torch.complex64)
        check_refused(changed(), state, r"'head.linear.weight' holds torch.complex64")

    def test_names_of_no_layout_are_refused(self) -> None:
        check_refused(changed(), {"a.kernel": torch.zeros(3, 3)}, r"of no layout known for this network \(a.kernel, ")


class TestWeightsOfAnotherNetwork:
    @pytest.mark.parametrize(("other", "name"), [("resnet34", "resnet34"), ("resnext50_32x4d", "resnext50_32x4d")])
    def test_the_catalogue_entry_that_they_fit_is_named(self, other: str, name: str) -> None:
        with torch.device("meta"):
            shapes = {key: tensor.shape for key, tensor in state_of(create(other)).items()}
        state = {key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}
        with pytest.raises(ModelFileError, match=rf"They fit {name}\b"):
            load_weights(create("resnet18", seed=0), state)

    def test_an_entry_that_leaves_weights_over_is_not_named(self) -> None:
        with torch.device("meta"):
            shapes = {key: tensor.shape for key, tensor in create("vgg11_bn").state_dict().items()}
        state = {key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}
        with pytest.raises(ModelFileError, match=r"They fit vgg11_bn\.$"):
            load_weights(changed(), state)

    def test_an_entry_whose_layout_is_refused_is_not_recommended(self) -> None:
        with torch.device("meta"):
            model = create("se_resnet50")
            shapes = {key: tensor.shape for key, tensor in state_of(model, "timm (legacy SE)").items()}
        state = {key: torch.zeros(()).expand(shape) for key, shape in shapes.items()}
        with pytest.raises(
            ModelFileError, match=r"They have the layout of timm \(legacy SE\), which cannot be used: as"
        ):
            load_weights(changed(), state)

    def test_what_differs_is_told_by_two_names_of_a_kind(self) -> None:
        state = state_of(create("resnet18", seed=0), "torchvision")
        with pytest.raises(
            ModelFileError, match=r"Missing: \S+\.weight, \S+\.weight and 78 more\. They fit resnet18\.$"
        ):
            load_weights(create("resnet34", seed=0), state)

    def test_unknown_names_with_known_shapes_are_said_to_be_that(self) -> None:
        with torch.device("meta"):
            shapes = [tensor.shape for tensor in create("resnet18").state_dict().values()]
        state = {f"w{place}": torch.zeros(()).expand(shape) for place, shape in enumerate(shapes)}
        with pytest.raises(ModelFileError, match="By their shapes they are those of resnet18.*no known layout"):
            load_weights(changed(), state)

    def test_shapes_of_no_network_are_said_to_be_that(self) -> None:
        check_refused(changed(), {"w": torch.zeros(7, 7)}, "No network of the catalogue has weights of these shapes")


class TestSettingsThatFilesDoNotShow:
    def test_v1_is_not_filled_with_weights_of_v1_5(self, state: dict[str, Tensor]) -> None:
        check_refused(changed(stride_in="1x1"), state, "torchvision, whose networks have stride_in='3x3'; this one has")

    def test_another_eps_is_refused(self, state: dict[str, Tensor]) -> None:
        check_refused(changed(norm=NormSpec(eps=1e-3)), state, r"whose networks have norm.eps=1e-05")

    def test_the_spec_follows_the_weights_and_says_so(self, state: dict[str, Tensor]) -> None:
        asked = replace(SMALL, stride_in="1x1", norm=NormSpec(eps=1e-3), num_classes=1000)
        spec, notes = fitting_spec(asked, Weights(state))
        assert spec == SMALL
        assert notes == [
            "stride_in is 3x3 here, as in torchvision's networks.",
            "norm.eps is 1e-05 here, as in torchvision's networks.",
            "It has 5 classes.",
        ]
        load_weights(build(spec), state)

    @pytest.mark.parametrize(
        ("config", "step"), [({"downsample_in_bottleneck": True}, "1x1"), ({"downsample_in_bottleneck": False}, "3x3")]
    )
    def test_transformers_config_tells_where_a_bottleneck_steps(self, config: dict[str, bool], step: str) -> None:
        weights = Weights(state_of(changed(), "transformers"), config)
        spec, _ = fitting_spec(replace(SMALL, stride_in="1x1"), weights)
        assert isinstance(spec, ResNetSpec)
        assert spec.stride_in == step

    def test_option_is_told_by_the_project(self) -> None:
        small = ResNetSpec.cifar(8, width=4)
        by_akamaster = state_of(build(small, seed=0), "akamaster/pytorch_resnet_cifar10")
        by_chenyaofo = state_of(build(replace(small, shortcut="B"), seed=0), "chenyaofo/pytorch-cifar-models")
        check_refused(build(replace(small, shortcut="B")), by_akamaster, "whose networks have shortcut='A'")
        check_refused(build(small), by_chenyaofo, "whose networks have shortcut='B'")
        assert fitting_spec(replace(small, shortcut="B"), Weights(by_akamaster))[0] == small

    def test_networks_that_compute_something_else_are_refused(self) -> None:
        v2 = replace(SMALL, ordering="full_preactivation", block="basic", stride_in="1x1")
        model = build(replace(v2, stem="small"), seed=0)
        state = {
            name.replace("downsample", "shortcut").replace("fc.", "linear."): tensor
            for name, tensor in state_of(model, "facebook (pre-activation)").items()
            if not name.startswith("bn.")
        }
        check_refused(model, state, "cannot be used: its pre-activation networks have no norm and no activation")
        large = build(v2, seed=0)
        photographs = state_of(large, "facebook (pre-activation, for photographs)")
        check_refused(large, photographs, "cannot be used: its networks for photographs normalise and activate before")


class TestTheHead:
    def test_another_number_of_classes_is_refused_with_what_to_do(self, state: dict[str, Tensor]) -> None:
        check_refused(changed(num_classes=7), state, r"head.linear.weight is \(5, 128\).* replace_head=True")

    def test_it_is_left_fresh_on_request(self, state: dict[str, Tensor]) -> None:
        model = changed(num_classes=7)
        old = before(model)
        report = load_weights(model, state, replace_head=True)
        assert report.replaced == ("head.linear.weight", "head.linear.bias")
        assert "The classifier is fresh (head.linear.weight, head.linear.bias)." in str(report)
        assert torch.equal(model.state_dict()["head.linear.weight"], old["head.linear.weight"])
        assert torch.equal(model.state_dict()["stem.conv.weight"], state["conv1.weight"])

    def test_it_is_kept_where_it_fits(self, state: dict[str, Tensor]) -> None:
        assert load_weights(changed(), state, replace_head=True).replaced == ()


class TestTheFirstConvolution:
    def test_for_grey_it_answers_as_for_three_equal_channels(self, state: dict[str, Tensor]) -> None:
        colour, grey = changed(), changed(in_channels=1)
        load_weights(colour, state)
        report = load_weights(grey, state)
        assert report.notes == ("The first convolution was adapted from 3 to 1 channels.",)
        picture = IMAGES[:, :1]
        torch.testing.assert_close(grey(picture), colour(picture.expand(-1, 3, -1, -1)))

    @pytest.mark.parametrize("channels", [4, 6, 7])
    def test_for_more_it_answers_as_for_the_channels_that_are_repeated(
        self, state: dict[str, Tensor], channels: int
    ) -> None:
        colour, many = changed(), changed(in_channels=channels)
        load_weights(colour, state)
        load_weights(many, state)
        torch.testing.assert_close(many(IMAGES[:, [place % 3 for place in range(channels)]]), colour(IMAGES))

    def test_for_fewer_it_answers_as_for_the_channels_that_are_shared(self) -> None:
        weight = torch.randn(2, 5, 3, 3, generator=torch.Generator().manual_seed(0))
        two = torch.randn(1, 2, 6, 6, generator=torch.Generator().manual_seed(1))
        five = two[:, [0, 1, 0, 1, 0]]
        torch.testing.assert_close(
            torch.conv2d(two, with_channels(weight, 2)), torch.conv2d(five, weight), rtol=1e-5, atol=1e-5
        )

    def test_for_as_many_it_is_the_same(self) -> None:
        weight = torch.randn(2, 3, 3, 3)
        assert torch.equal(with_channels(weight, 3), weight)


def test_the_spec_of_the_catalogue_is_not_touched(state: dict[str, Tensor]) -> None:
    assert fitting_spec(spec_of("resnet18"), Weights({"x": torch.zeros(1)})) == (spec_of("resnet18"), [])
