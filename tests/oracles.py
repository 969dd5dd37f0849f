"""Independent answers: the papers' numbers, counts from closed formulas, and a residual network without modules."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from resnets.spec import ResNetSpec

PAPER_PARAMETERS: Mapping[str, int] = {
    # [He 2015, Table 1]; option B and bottlenecks as torchvision and pycls count them
    "plain18": 11_515_688,
    "resnet18": 11_689_512,
    "plain34": 21_623_848,
    "resnet34": 21_797_672,
    "resnet50": 25_557_032,
    "resnet101": 44_549_160,
    "resnet152": 60_192_808,
    "resnet50_v1": 25_557_032,
    "resnet101_v1": 44_549_160,
    "resnet152_v1": 60_192_808,
    "resnet50_v2": 25_549_352,  # timm's resnetv2_50
    # [He 2015, Table 6], to the unit
    "resnet20": 269_722,
    "resnet32": 464_154,
    "resnet44": 658_586,
    "resnet56": 853_018,
    "resnet110": 1_727_962,
    "resnet1202": 19_421_274,
    "plain20": 269_722,
    "plain110": 1_727_962,
    # [He 2016, Table 4], to the unit
    "resnet164": 1_704_154,
    "resnet1001": 10_328_602,
    "resnet164_v2": 1_703_258,
    "resnet1001_v2": 10_327_706,
    # torchvision's metadata
    "resnext50_32x4d": 25_028_904,
    "resnext101_32x8d": 88_791_336,
    "resnext101_64x4d": 83_455_272,
    "wide_resnet50_2": 68_883_240,
    "wide_resnet101_2": 126_886_696,
    # timm's models, counted
    "resnext101_32x4d": 44_177_704,
    "se_resnet50": 28_088_024,
    "se_resnet101": 49_326_872,
    "se_resnet152": 66_821_848,
    "se_resnext50_32x4d": 27_559_896,
    "eca_resnet50d": 25_576_350,
    "resnet50c": 25_576_264,
    "resnet18d": 11_708_744,
    "resnet34d": 21_816_904,
    "resnet50d": 25_576_264,
    "resnet101d": 44_568_392,
    "resnet152d": 60_212_040,
    "res2net50_26w_4s": 25_699_120,
    "res2net50_14w_8s": 25_059_816,
    "res2net101_26w_4s": 45_206_688,
    "skresnext50_32x4d": 27_479_784,
}

PAPER_MACS: Mapping[str, int] = {
    "plain18": 1_794_805_760,
    "resnet18": 1_814_073_344,
    "plain34": 3_644_493_824,
    "resnet34": 3_663_761_408,
    "resnet50": 4_089_184_256,
    "resnet101": 7_801_405_440,
    "resnet152": 11_513_626_624,
    "resnet50_v1": 3_857_973_248,
    "resnet101_v1": 7_570_194_432,
    "resnet152_v1": 11_282_415_616,
    "resnet20": 40_551_040,
    "resnet32": 68_862_592,
    "resnet44": 97_174_144,
    "resnet56": 125_485_696,
    "resnet110": 252_887_680,
    "resnet1202": 2_829_238_912,
}

PYCLS_ACTIVATIONS: Mapping[str, int] = {"resnet50": 11_315_688, "plain56": 532_490}
"""pycls, dev/model_complexity.json: outputs of convolutions and max-pools, and logits."""


def counts(spec: ResNetSpec, image: int) -> tuple[int, int]:
    """Parameters and MACs of a net by arithmetic alone: no module is built. For undilated nets with affine norms."""
    full = spec.ordering == "full_preactivation"
    parameters = macs = 0
    size, channels = image, spec.in_channels

    def convolve(kernel: int, inputs: int, outputs: int, pixels: int, *, norm: int, groups: int = 1) -> None:
        nonlocal parameters, macs
        weights = kernel * kernel * inputs * outputs // groups
        parameters += weights + 2 * norm
        macs += weights * pixels * pixels

    stem_width = spec.stem_width or spec.width
    size = size if spec.stem == "small" else -(-size // 2)  # a strided convolution rounds half a pixel up
    kernel = {"large": 7, "medium": 5, "pooled": 5, "small": 3}[spec.stem]
    convolve(kernel, channels, stem_width, size, norm=0 if full else stem_width)
    size = {"large": -(-size // 2), "medium": size, "pooled": size // 2, "small": size}[spec.stem]
    channels = stem_width
    for stage, units in enumerate(spec.num_blocks):
        planes = spec.width * 2**stage
        inner = int(planes * (spec.width_per_group / 64)) * spec.groups
        outer = planes * 4 if spec.block == "bottleneck" else planes
        for unit in range(units):
            before = size
            size = -(-size // 2) if stage > 0 and unit == 0 else size
            if spec.block == "basic":
                convolve(3, channels, inner, size, norm=channels if full else inner)
                convolve(3, inner, outer, size, norm=inner if full else outer)
            else:
                first = size if spec.stride_in == "1x1" else before
                convolve(1, channels, inner, first, norm=channels if full else inner)
                convolve(3, inner, inner, size, norm=inner, groups=spec.groups)
                convolve(1, inner, outer, size, norm=inner if full else outer)
            changes = before != size or channels != outer
            if spec.shortcut == "C" or (spec.shortcut in ("B", "D") and changes):
                convolve(1, channels, outer, size, norm=0 if full else outer)
            channels = outer
    parameters += 2 * channels if full else 0
    return parameters + channels * spec.num_classes + spec.num_classes, macs + channels * spec.num_classes


def functional_resnet(p: Mapping[str, Tensor], images: Tensor, spec: ResNetSpec) -> Tensor:  # noqa: C901  # one page
    """The logits of a net in evaluation, from a flat table of its weights: functions only."""
    v2 = spec.ordering == "full_preactivation"

    def conv(x: Tensor, name: str, stride: int = 1) -> Tensor:
        weight, bias = p[f"{name}.weight"], p.get(f"{name}.bias")
        if spec.weight_standardization:
            filters = weight.flatten(1)
            filters = (filters - filters.mean(1, keepdim=True)) / filters.std(1, correction=0, keepdim=True)
            weight = filters.view_as(weight)
        groups = x.shape[1] // weight.shape[1]
        return functional.conv2d(x, weight, bias, stride, padding=weight.shape[-1] // 2, groups=groups)

    def bn(x: Tensor, name: str) -> Tensor:
        if spec.norm.kind == "none":
            return x
        if spec.norm.kind in ("group", "layer", "instance"):
            groups = {"layer": 1, "instance": x.shape[1], "group": min(spec.norm.groups, x.shape[1] // 2)}
            y = x.reshape(len(x), groups[spec.norm.kind], -1)
            y = (y - y.mean(2, keepdim=True)) / (y.var(2, correction=0, keepdim=True) + spec.norm.eps).sqrt()
            return y.view_as(x) * p[f"{name}.weight"].view(-1, 1, 1) + p[f"{name}.bias"].view(-1, 1, 1)
        mean, var, gamma, beta = (p[f"{name}.{key}"] for key in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, mean, var, gamma, beta, eps=spec.norm.eps)

    def bn_relu(x: Tensor, name: str) -> Tensor:
        return functional.relu(bn(x, name))

    def branch(x: Tensor, unit: str, strides: tuple[int, ...]) -> Tensor:
        for number, stride in enumerate(strides, start=1):
            if v2 and not (number == 1 and f"{unit}.shortcut.conv.weight" in p):
                x = bn_relu(x, f"{unit}.residual.norm{number}")
            x = conv(x, f"{unit}.residual.conv{number}", stride)
            if not v2:
                x = bn(x, f"{unit}.residual.norm{number}")
                x = functional.relu(x) if number < len(strides) else x
        return x * functional_gate(p, f"{unit}.residual.attention.gate", x)

    def skip(x: Tensor, unit: str, stride: int, channels: int) -> Tensor:
        if spec.shortcut == "none":
            return torch.zeros(())
        if f"{unit}.shortcut.conv.weight" in p:
            if spec.shortcut == "D" and stride == 2:
                x, stride = functional.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False), 1
            y = conv(x, f"{unit}.shortcut.conv", stride)
            return y if v2 else bn(y, f"{unit}.shortcut.norm")
        y = x[:, :, ::stride, ::stride]
        zeros = y.new_zeros(y.shape[0], channels - y.shape[1], *y.shape[2:])
        return torch.cat([y, zeros], dim=1)

    x = images
    if spec.stem == "deep":
        x = bn_relu(conv(x, "stem.conv1", 2), "stem.norm1")
        x = bn_relu(conv(x, "stem.conv2"), "stem.norm2")
    last = "3" if spec.stem == "deep" else ""
    x = conv(x, f"stem.conv{last}", 1 if spec.stem in ("small", "deep") else 2)
    x = functional.max_pool2d(x, 2) if spec.stem == "pooled" else x
    x = x if v2 else bn_relu(x, f"stem.norm{last}")
    x = functional.max_pool2d(x, 3, 2, 1) if spec.stem in ("large", "deep") else x
    for stage, units in enumerate(spec.num_blocks):
        for number in range(units):
            unit = f"stages.S{stage + 1}.U{number + 1}"
            s = 2 if stage > 0 and number == 0 else 1
            strides = (s, 1) if spec.block == "basic" else (s, 1, 1) if spec.stride_in == "1x1" else (1, s, 1)
            if v2 and f"{unit}.shortcut.conv.weight" in p:
                x = bn_relu(x, f"{unit}.preactivation.norm1")
            residual = branch(x, unit, strides)
            y = residual + skip(x, unit, s, residual.shape[1])
            x = y if v2 else functional.relu(y)
    x = bn_relu(x, "final.norm") if v2 else x
    return functional.linear(x.mean(dim=(2, 3)), p["head.linear.weight"], p["head.linear.bias"])


def functional_gate(p: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    """The factors of a branch's channels, by matrix products; 1 without attention."""
    means = x.mean(dim=(2, 3))
    if f"{name}.reduce.weight" in p:
        narrow = functional.relu(means @ p[f"{name}.reduce.weight"].flatten(1).T + p[f"{name}.reduce.bias"])
        scores = narrow @ p[f"{name}.expand.weight"].flatten(1).T + p[f"{name}.expand.bias"]
    elif f"{name}.conv.weight" in p:
        weights = p[f"{name}.conv.weight"].flatten()
        reach, channels = len(weights) // 2, means.shape[1]
        padded = functional.pad(means, (reach, reach))
        scores = sum((padded[:, i : i + channels] * weight for i, weight in enumerate(weights)), torch.zeros(()))
    else:
        return torch.ones(())
    return torch.sigmoid(scores)[:, :, None, None]


def scramble_norms(model: nn.Module, seed: int = 0) -> None:
    """Give every norm's parameters and statistics values of their own, so that a mix-up of two norms shows."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.SyncBatchNorm, nn.GroupNorm)):
            module.weight.data.uniform_(0.5, 1.5, generator=generator)
            module.bias.data.uniform_(-0.5, 0.5, generator=generator)
        if isinstance(module, (nn.BatchNorm2d, nn.SyncBatchNorm)):
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.uniform_(-0.5, 0.5, generator=generator)
            module.running_var.uniform_(0.5, 2.0, generator=generator)
