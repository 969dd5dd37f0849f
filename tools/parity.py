"""Compare our networks with those of other libraries, weight for weight, and write fixtures and docs/parity.md.

In an environment with torch, torchvision, timm and transformers (nothing of ours installed):

    python tools/parity.py            # compare those without a fixture; write tests/golden/parity, docs/parity.md
    python tools/parity.py resnet18   # compare those whose name holds this again, and write nothing

To compare all anew, with other versions of the libraries, delete tests/golden/parity first.

Every network gets the weights that tests/seeded.py computes from the other library's names, in double precision. The
other library's logits are stored; ours are compared with them, here and in the project's tests.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import math
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests"), str(ROOT / "tools")]

import cifar_nets  # noqa: E402
import torch  # noqa: E402
from torch import Tensor  # noqa: E402

from resnets.artifact import Artifact  # noqa: E402
from resnets.data.preprocessing import Preprocessing  # noqa: E402
from resnets.exchange.exporting import Library, export_weights  # noqa: E402
from resnets.models.catalogue import spec_of  # noqa: E402
from resnets.models.pretrained import create  # noqa: E402
from resnets.models.weights.layouts import LAYOUTS  # noqa: E402
from resnets.models.weights.load import load_weights  # noqa: E402
from resnets.models.weights.recognise import with_settings  # noqa: E402
from resnets.models.weights.write import foreign_state, layout_called  # noqa: E402
from seeded import fingerprint, seeded_images, seeded_state  # noqa: E402

GOLDEN = ROOT / "tests" / "golden" / "parity"
PAGE = ROOT / "docs" / "parity.md"
STORED = 8
"""Logits of each image that a fixture holds."""
LIMIT = 1e-5
BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Units in each stage of ImageNet's ResNets, by depth."""

Fixture = dict[str, Any]
Answer = Callable[[Mapping[str, Tensor], Tensor], Tensor]


@dataclass(frozen=True)
class Foreign:
    """A network of another library: its weights' shapes, and its answer with some weights."""

    shapes: Mapping[str, tuple[int, ...]]
    answer: Answer


@dataclass(frozen=True)
class Pair:
    """A network that both sides have."""

    layout: str
    theirs: str
    """As the other library calls it."""
    ours: str
    make: Callable[[], Foreign]
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Settings in which ours differs from its catalogue entry."""
    size: int = 64


def of_module(module: torch.nn.Module) -> Foreign:
    """Of a network that is a module."""
    module = module.double().eval()

    def answer(state: Mapping[str, Tensor], images: Tensor) -> Tensor:
        module.load_state_dict(dict(state))
        logits = module(images)
        return logits if isinstance(logits, Tensor) else logits.logits

    return Foreign({name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}, answer)


def of_torchvision(name: str) -> Callable[[], Foreign]:
    """A network of torchvision."""

    def make() -> Foreign:
        import torchvision

        options = {"aux_logits": True, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
        return of_module(torchvision.models.get_model(name, weights=None, **options))

    return make


def of_timm(name: str) -> Callable[[], Foreign]:
    """A network of timm."""

    def make() -> Foreign:
        import timm

        return of_module(timm.create_model(name, pretrained=False))

    return make


def of_transformers(family: str, **settings: Any) -> Callable[[], Foreign]:
    """A ResNet or ConvNext of Transformers."""

    def make() -> Foreign:
        import transformers

        config = getattr(transformers, f"{family}Config")(num_labels=1000, **settings)
        return of_module(getattr(transformers, f"{family}ForImageClassification")(config))

    return make


def of_cifar(net: cifar_nets.CifarNet | cifar_nets.CifarVGG | cifar_nets.CifarDenseNet) -> Callable[[], Foreign]:
    """One of `cifar_nets`."""
    return lambda: Foreign(net.shapes(), net)


def pairs() -> Iterator[Pair]:
    """All of them."""
    for layout in LAYOUTS:
        makers = {"torchvision": of_torchvision, "timm": of_timm}
        for ours, theirs in layout.exports.items():
            maker, spec = makers[layout.name.split()[0]], spec_of(ours)
            wanted = with_settings(spec, layout.demands(spec, {}))
            changes = {
                item.name: getattr(wanted, item.name)
                for item in dataclasses.fields(wanted)
                if getattr(wanted, item.name) != getattr(spec, item.name)
            }
            yield Pair(layout.name, theirs, ours, maker(theirs), changes, layout.parity_size)
    yield from transformers_pairs()
    yield from cifar_pairs()


def transformers_pairs() -> Iterator[Pair]:
    """Transformers' ResNets and ConvNeXts, from their configs."""
    basic, deep = [64, 128, 256, 512], [256, 512, 1024, 2048]
    for depth, blocks in BLOCKS.items():
        kind, sizes = ("basic", basic) if depth < 50 else ("bottleneck", deep)
        make = of_transformers("ResNet", depths=list(blocks), layer_type=kind, hidden_sizes=sizes)
        yield Pair("transformers", f"ResNet-{depth}", f"resnet{depth}", make)
    for size, (units, width) in {"tiny": (9, 96), "small": (27, 96), "base": (27, 128), "large": (27, 192)}.items():
        sizes = [width << stage for stage in range(4)]
        make = of_transformers("ConvNext", depths=[3, 3, units, 3], hidden_sizes=sizes)
        yield Pair("transformers", f"ConvNeXt-{size}", f"convnext_{size}", make)


def cifar_pairs() -> Iterator[Pair]:
    """The CIFAR projects' networks."""
    for depth in (20, 32, 44, 56, 110, 1202):
        net = of_cifar(cifar_nets.akamaster(depth))
        yield Pair("akamaster/pytorch_resnet_cifar10", f"resnet{depth}", f"resnet{depth}", net, size=32)
    for depth in (20, 32, 44, 56):
        net = of_cifar(cifar_nets.chenyaofo(depth))
        name = f"cifar10_resnet{depth}"
        yield Pair("chenyaofo/pytorch-cifar-models", name, f"resnet{depth}", net, {"shortcut": "B"}, size=32)
    yield from kuangliu_pairs()
    for depth, is_bottleneck in ((110, False), (164, True)):
        net = of_cifar(cifar_nets.facebook(depth, is_bottleneck=is_bottleneck))
        yield Pair(
            "facebook (pre-activation)", f"preresnet{depth}", f"resnet{depth}_v2", net, {"shortcut": "B"}, size=32
        )


def kuangliu_pairs() -> Iterator[Pair]:
    """ImageNet's networks in their forms for CIFAR-10."""
    small: dict[str, Any] = {"stem": "small", "num_classes": 10}
    for depth, blocks in BLOCKS.items():
        net = of_cifar(cifar_nets.kuangliu(blocks, is_bottleneck=depth >= 50))
        yield Pair("kuangliu/pytorch-cifar", f"ResNet{depth}", f"resnet{depth}", net, small, size=32)
    without_hidden: dict[str, Any] = {"pooled_size": 1, "hidden": [], "num_classes": 10}
    for depth, convs in {11: (1, 1, 2, 2, 2), 13: (2,) * 5, 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}.items():
        net = of_cifar(cifar_nets.CifarVGG(convs))
        yield Pair("kuangliu/pytorch-cifar", f"VGG{depth}", f"vgg{depth}_bn", net, without_hidden, size=32)
    dense = {
        "DenseNet121": ((6, 12, 24, 16), 32),
        "densenet_cifar": ((6, 12, 24, 16), 12),
        "DenseNet161": ((6, 12, 36, 24), 48),
        "DenseNet169": ((6, 12, 32, 32), 32),
        "DenseNet201": ((6, 12, 48, 32), 32),
    }
    for name, (blocks, growth) in dense.items():
        ours = "densenet121" if name == "densenet_cifar" else name.lower()
        net = of_cifar(cifar_nets.CifarDenseNet(blocks, growth))
        changes = {**small, "growth": growth, "stem_width": 2 * growth}
        yield Pair("kuangliu/pytorch-cifar", name, ours, net, changes, size=32)


def compare(pair: Pair) -> Fixture:
    """One pair, in both directions.

    `read` is the largest difference of our logits with their weights, as a part of the largest logit; `written` that
    of their logits with weights that went through ours and back.
    """
    foreign = pair.make()
    state = seeded_state(foreign.shapes)
    images = seeded_images((2, 3, pair.size, pair.size))
    with torch.no_grad():
        wanted = foreign.answer(state, images)
        ours = create(pair.ours, **pair.changes).double().eval()
        report = load_weights(ours, state)
        found = ours(images)
        assert report.layout.split()[0] == pair.layout.split()[0] or report.layout == "torchvision", report
        back = foreign.answer(foreign_state(ours, layout_called(pair.layout, ours.spec)), images)
    assert wanted.std() > 0 and wanted.isfinite().all(), "weights that cannot show a difference"
    return {
        "theirs": pair.theirs,
        "ours": pair.ours,
        "changes": dict(pair.changes),
        "images": list(images.shape),
        "weights": fingerprint(foreign.shapes),
        "parameters": sum(math.prod(shape) for shape in foreign.shapes.values()),
        "logits": [[float(f"{number:.12g}") for number in row[:STORED].tolist()] for row in wanted],
        "largest": float(f"{wanted.abs().max().item():.12g}"),
        "tensors": len(foreign.shapes),
        "read": float(f"{_difference(found, wanted):.1e}"),
        "written": float(f"{_difference(back, wanted):.1e}"),
    }


def compare_exports() -> Iterator[tuple[str, float]]:
    """Timm and torchvision answer from an exported folder as ours do: their network, and the largest difference."""
    import safetensors.torch
    import timm
    import torchvision

    cases: tuple[tuple[str, Library, dict[str, Any]], ...] = (
        ("resnet18", "timm", {"in_channels": 1}),
        ("resnet50", "timm", {}),
        ("resnet50_v2", "timm", {}),
        ("dpn68", "timm", {}),
        ("resnet18", "torchvision", {}),
        ("resnext50_32x4d", "torchvision", {}),
    )
    for name, library, changes in cases:
        ours = create(name, num_classes=7, **changes)
        ours.load_state_dict(seeded_state({key: tensor.shape for key, tensor in ours.state_dict().items()}))
        channels = ours.spec.in_channels
        images = seeded_images((2, channels, 64, 64)).float()
        preprocessing = Preprocessing(size=64, channels=channels, mean=(0.5,) * channels, std=(0.2,) * channels)
        artifact = Artifact(
            spec=ours.spec,
            weights=ours.state_dict(),
            class_names=tuple("abcdefg"),
            preprocessing=preprocessing,
            architecture=name,
        )
        with tempfile.TemporaryDirectory() as parent, torch.no_grad():
            folder = Path(parent) / "theirs"
            export_weights(artifact, library, folder)
            if library == "timm":
                theirs = timm.create_model(f"local-dir:{folder}", pretrained=True)
            else:
                theirs = torchvision.models.get_model(name, num_classes=7)
                theirs.load_state_dict(safetensors.torch.load_file(folder / "model.safetensors"))
            yield f"{library} from an exported {name}", _difference(theirs.eval()(images), ours.eval()(images))


def _difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


def stored() -> dict[str, list[Fixture]]:
    """The fixtures of each layout."""
    contents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(GOLDEN.glob("*.json"))]
    return {content["layout"]: content["networks"] for content in contents}


def write_fixtures(layout: str, networks: list[Fixture]) -> None:
    """One file for each layout, one line for each network."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    rows = ",\n".join(json.dumps(network) for network in networks)
    text = f'{{"layout": {json.dumps(layout)}, "networks": [\n{rows}\n]}}\n'
    file = layout.replace("/", "-").replace(" ", "-").replace("(", "").replace(")", "").replace(",", "")
    (GOLDEN / f"{file}.json").write_text(text, encoding="utf-8")


def write_page(exports: list[tuple[str, float]]) -> None:
    """docs/parity.md."""
    versions = ", ".join(
        f"{name} {importlib.metadata.version(name)}" for name in ("torch", "torchvision", "timm", "transformers")
    )
    lines = [
        "# Parity",
        "",
        "Written by `python tools/parity.py`; not by hand. Both sides get the same seeded weights and",
        "two images, in double precision. *read*: our logits with their weights; *written*: their logits with weights",
        "that went through our names and back; each as the largest difference from their own logits, as a part of the",
        "largest logit. The project's tests rebuild the same weights from the names alone and compare with the stored",
        "logits; of the large networks with the rules of a smaller one they compare the names and shapes.",
        "",
        f"{sum(map(len, stored().values()))} networks; {versions}; Python {platform.python_version()}.",
        "",
        "| layout | their network | ours | tensors | image | read | written |",
        "|---|---|---|---|---|---|---|",
    ]
    for layout, networks in stored().items():
        for network in networks:
            changes = "".join(f", {name}={item}" for name, item in network["changes"].items())
            lines.append(
                f"| {layout} | `{network['theirs']}` | `{network['ours']}`{changes} | {network['tensors']} | "
                f"{network['images'][-1]} | {network['read']:.1e} | {network['written']:.1e} |"
            )
    lines += [
        "",
        "Exported by `resnets export-weights`, then loaded by the library itself (`timm.create_model` of the folder,",
        "torchvision's `load_state_dict`), in single precision; largest difference from our logits:",
        "",
        *(f"- {name}: {difference:.1e}" for name, difference in exports),
        "",
        "The CIFAR projects cannot be installed: `tools/cifar_nets.py` states what they compute, in their names.",
    ]
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Compare, tell, write."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    known = {(layout, network["theirs"]) for layout, networks in stored().items() for network in networks}
    for pair in sorted(pairs(), key=_size):
        is_wanted = wanted in f"{pair.layout} {pair.theirs} {pair.ours}"
        if not is_wanted or (not wanted and (pair.layout, pair.theirs) in known):
            continue
        fixture = compare(pair)
        print(f"{pair.layout:34} {pair.theirs:20} {fixture['read']:.1e} {fixture['written']:.1e}", flush=True)
        assert max(fixture["read"], fixture["written"]) < LIMIT, pair
        if not wanted:
            write_fixtures(pair.layout, [*stored().get(pair.layout, []), fixture])
    if wanted in ("", "export"):
        exports = list(compare_exports())
        print(*exports, sep="\n")
        assert max(difference for _, difference in exports) < LIMIT
        if not wanted:
            write_page(exports)


def _size(pair: Pair) -> int:
    """Numbers in our network: small ones are compared first."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in create(pair.ours, **pair.changes).parameters())


if __name__ == "__main__":
    main()
