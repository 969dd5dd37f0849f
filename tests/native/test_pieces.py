"""How a row of layers is cut."""

from __future__ import annotations

import pytest
from torch import nn

from resnets.layers.norm import BatchNorm2d
from resnets.native.kernels import Kernel
from resnets.native.pieces import Chain, Lone, is_native, is_relu, kernel_of, only_chain, pieces, reason
from resnets.spec import NormSpec


def conv(in_channels: int = 16, out_channels: int = 16, size: int = 3, **options: object) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, size, **({"padding": size // 2, "bias": False} | options))  # type: ignore[arg-type]


def norm(channels: int = 16) -> BatchNorm2d:
    return BatchNorm2d(channels, NormSpec())


def cut(*layers: nn.Module) -> list[str]:
    """Each piece by its letters: c n r for what a chain or a lone convolution holds, else the class."""
    return list(map(letters, pieces(layers)))


def letters(piece: Chain | Lone | nn.Module) -> str:
    if isinstance(piece, Chain):
        return "cnr" * (len(piece.pairs) - 1) + ("cnr" if piece.ends_with_relu else "cn")
    if isinstance(piece, Lone):
        return "cr" if piece.relu else "c"
    return type(piece).__name__


class TestPieces:
    def test_gather_convolutions_norms_and_relus(self) -> None:
        assert cut(conv(), norm(), nn.ReLU(), conv(), norm()) == ["cnrcn"]
        assert cut(conv(), norm(), nn.ReLU(), conv(), norm(), nn.ReLU()) == ["cnrcnr"]

    def test_end_a_chain_where_a_relu_is_missing(self) -> None:
        assert cut(conv(), norm(), conv(), norm(), nn.ReLU()) == ["cn", "cnr"]

    def test_leave_other_layers_in_their_places(self) -> None:
        assert cut(nn.MaxPool2d(2), conv(), norm(), nn.ReLU(), nn.Flatten()) == ["MaxPool2d", "cnr", "Flatten"]
        assert cut(conv(24), nn.ReLU(), norm()) == ["Conv2d", "ReLU", "BatchNorm2d"]
        assert cut() == []

    def test_a_lone_convolution_takes_its_relu_along(self) -> None:
        assert cut(conv(bias=True), nn.ReLU(), conv(), nn.Tanh()) == ["cr", "c", "Tanh"]
        assert cut(conv(), nn.ReLU(), norm()) == ["cr", "BatchNorm2d"]

    def test_a_bias_may_stand_before_a_norm(self) -> None:
        assert cut(conv(bias=True), norm(), nn.ReLU(), conv(bias=True), norm()) == ["cnrcn"]

    @pytest.mark.parametrize(
        ("layers", "gains"),
        [
            ([conv(), norm(), nn.ReLU()], True),
            ([conv(3), norm(), nn.ReLU()], True),
            ([conv(24), norm(), nn.ReLU()], False),
            ([conv(24), norm(), nn.ReLU(), conv(), norm()], True),
        ],
        ids=["ours", "of an image", "PyTorch's", "one of ours"],
    )
    def test_of_norms_behind_pytorchs_convolutions_nothing_is_gained(
        self, layers: list[nn.Module], *, gains: bool
    ) -> None:
        chain = only_chain(layers)
        assert chain
        assert chain.gains == gains

    def test_keep_each_layer_once_and_in_order(self) -> None:
        layers = [conv(), norm(), nn.ReLU(), nn.Identity(), conv(), norm(), conv()]
        first, identity, second, last = pieces(layers)
        assert isinstance(first, Chain)
        assert isinstance(second, Chain)
        assert [first.pairs[0].convolution, first.pairs[0].norm] == layers[:2]
        assert [second.pairs[0].convolution, second.pairs[0].norm] == layers[4:6]
        assert isinstance(last, Lone)
        assert (identity, last.convolution) == (layers[3], layers[6])

    @pytest.mark.parametrize(
        "layer",
        [
            conv(out_channels=20),
            conv(groups=2),
            conv(dilation=2),
            conv(size=3, padding=(1, 0)),
            conv(padding="same"),
            conv(padding_mode="reflect"),
            nn.Conv2d(16, 16, (1, 3), bias=False),
            nn.Conv2d(16, 16, 3, stride=(1, 2), bias=False),
            nn.utils.parametrizations.weight_norm(conv()),
        ],
    )
    def test_leave_a_convolution_with_extras_alone(self, layer: nn.Conv2d) -> None:
        assert not any(isinstance(piece, Chain) for piece in pieces([layer, norm(layer.out_channels)]))
        assert not is_native(layer)

    def test_leave_the_norm_of_another_library_alone(self) -> None:
        assert cut(conv(), nn.BatchNorm2d(16)) == ["c", "BatchNorm2d"]


class TestOnlyChain:
    def test_is_there_only_if_the_chain_is_everything(self) -> None:
        assert only_chain([conv(), norm()]) is not None
        assert only_chain([conv(), norm(), nn.Dropout()]) is None
        assert only_chain([nn.ReLU()]) is None
        assert only_chain([]) is None


def test_relu_is_found_alone_and_in_a_sequence_of_one() -> None:
    assert is_relu(nn.ReLU())
    assert is_relu(nn.Sequential(nn.ReLU()))
    assert not is_relu(nn.Sequential(nn.ReLU(), nn.ReLU()))
    assert not is_relu(nn.ReLU6())


@pytest.mark.parametrize(
    ("layer", "suits"),
    [
        (conv(), True),
        (conv(bias=True), True),
        (conv(3), False),
        (conv(stride=2), True),
        (conv(32, stride=3), False),
        (conv(size=1, padding=0), True),
        (conv(size=1, padding=0, stride=2), True),
        (conv(size=1, padding=1), False),
        (conv(8, size=1, padding=0), False),
        (conv(size=5), False),
        (conv(padding=0), False),
    ],
)
def test_kernels_are_for_3x3_and_1x1_on_whole_panels(*, layer: nn.Conv2d, suits: bool) -> None:
    assert is_native(layer) == suits
    assert (reason(layer) == "") == suits


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (conv(groups=4), "groups"),
        (conv(groups=2, dilation=2), "groups, dilation"),
        (conv(padding_mode="circular"), "padding that is not the same both ways, or not of zeros"),
        (conv(out_channels=24), "24 output channels, no multiple of 16"),
        (conv(3), "3 input channels, no multiple of 16"),
        (conv(size=7, stride=2), "7x7 with stride 2"),
    ],
)
def test_reason_says_what_is_in_the_way(layer: nn.Conv2d, words: str) -> None:
    assert words in reason(layer)


def test_kernel_of_a_layer_is_its_size_stride_and_padding() -> None:
    assert kernel_of(conv(size=7, stride=2)) == Kernel(7, 2, 3)


def test_scale_and_shift_are_the_norm_in_evaluation() -> None:
    import torch

    layer = norm()
    torch.manual_seed(0)
    for tensor in (layer.running_mean, layer.running_var, layer.weight.data, layer.bias.data):
        assert tensor is not None
        tensor.uniform_(0.5, 2)
    chain = only_chain([conv(), layer])
    assert chain is not None
    scale, shift = chain.pairs[0].scale_and_shift
    x = torch.randn(2, 16, 3, 3)
    torch.testing.assert_close(x * scale[:, None, None] + shift[:, None, None], layer.eval()(x))
