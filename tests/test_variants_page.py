"""docs/variants.md and its picture say what the code and the counts say, and what docs/variants.yaml says."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from resnets.models.catalogue import CATALOGUE, spec_of
from resnets.spec import replace

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGE = (DOCS / "variants.md").read_text(encoding="utf-8")
GROUPS = yaml.safe_load((DOCS / "variants.yaml").read_text(encoding="utf-8"))
MEMBERS: list[dict[str, Any]] = [member for group in GROUPS for member in group["members"]]
NAMES = [member["name"] for member in MEMBERS]
GOLDEN: Mapping[str, Mapping[str, Any]] = json.loads((ROOT / "src/resnets/models/catalogue/counts.json").read_text())
PAPER_MAP = (DOCS / "paper-map.md").read_text(encoding="utf-8")
BIBLIOGRAPHY = set(re.findall(r"^- \*\*([^*]+)\*\*:", PAPER_MAP, re.M))

ONLY_IN_TRAINING = {"survival"}
"""Settings that leave the network of the catalogue as it is."""


def rows() -> list[list[str]]:
    """The cells of every line of a table that names a network of the catalogue."""
    lines = re.findall(r"^\| (.+ \| `\w+` \| .+) \|$", PAGE, re.M)
    return [line.split(" | ") for line in lines]


def test_figures_are_the_kept_counts() -> None:
    found = rows()
    assert len(found) == sum(len(member["networks"]) for member in MEMBERS)
    for _, name, image, parameters, macs, _ in found:
        assert name.strip("`") in CATALOGUE
        count = GOLDEN[name.strip("`")]
        assert image == "x".join(map(str, count["input_shape"]))
        assert (parameters, macs) == (f"{count['parameters']:,}", f"{count['macs']:,}"), name


def test_files_exist() -> None:
    files = set(re.findall(r"`([\w/]+\.py)`", PAGE))
    assert len(files) > 20
    assert not [file for file in files if not (ROOT / "src" / "resnets" / file).is_file()]


def test_links_and_pictures_exist() -> None:
    places = set(re.findall(r"\]\(([^)]+)\)|(?:src|srcset)=\"([^\"]+)\"", PAGE))
    assert len(places) == 4
    for place in map("".join, places):
        assert (DOCS / place).is_file(), place
        assert not place.endswith(".svg") or (DOCS / place).with_suffix(".png").is_file()


@pytest.mark.parametrize("member", MEMBERS, ids=NAMES)
def test_member_is_published_and_not_before_its_parents(member: dict[str, Any]) -> None:
    assert f"- **{member['name']}** [{member['source']}]." in PAGE
    assert member["source"] in BIBLIOGRAPHY
    for parent in member["parents"]:
        (year,) = [other["source"][-4:] for other in MEMBERS if other["name"] == parent]
        assert year <= member["source"][-4:]


@pytest.mark.parametrize("member", MEMBERS, ids=NAMES)
def test_settings_are_those_of_the_networks_named(member: dict[str, Any]) -> None:
    (call,) = ast.parse(f"f({member.get('settings', '')})").body
    assert isinstance(call, ast.Expr)
    assert isinstance(call.value, ast.Call)
    settings = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in call.value.keywords}
    for network in member["networks"]:
        spec = spec_of(network["entry"])
        assert f"spec/{spec.family}.py" in member["files"] or spec.family.startswith("inception")
        changed = replace(spec, **settings)
        assert changed == spec or set(settings) <= ONLY_IN_TRAINING


def test_every_error_has_its_source() -> None:
    for *_, error in rows():
        if error != "-":
            figures, source = re.fullmatch(r"([\d. /-]+) \([^)]+\) \[([^]]+)\]", error).groups()  # type: ignore[union-attr]
            assert all(0 < float(figure) < 50 for figure in figures.split(" / ") if figure != "-")
            assert source.split(",")[0] in BIBLIOGRAPHY or source.startswith("README")


def test_every_family_of_the_catalogue_is_there_but_the_perceptron() -> None:
    shown = {spec_of(network["entry"]).family for member in MEMBERS for network in member["networks"]}
    assert shown == {spec.family for spec in CATALOGUE.values()} - {"mlp"}


@pytest.fixture(scope="module")
def tool() -> Iterator[Any]:
    """tools/family_tree.py as a module."""
    spec = importlib.util.spec_from_file_location("family_tree", ROOT / "tools" / "family_tree.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


class TestTool:
    def test_writes_the_page_that_is_there(self, tool: Any) -> None:
        assert tool.page(tool.read()) == PAGE, "run tools/family_tree.py"

    @pytest.mark.parametrize("name", ["family-tree", "family-tree-dark"])
    def test_picture_shows_every_member_and_no_other(self, name: str) -> None:
        texts = re.findall("<!-- (.+) -->", (DOCS / "pictures" / f"{name}.svg").read_text(encoding="utf-8"))
        assert set(NAMES) < set(texts)
        assert {member["short"] for member in MEMBERS} < set(texts)
        assert len(texts) == 5 + 2 * len(MEMBERS) + len({member["source"][-4:] for member in MEMBERS})

    def test_no_two_tracks_meet(self, tool: Any) -> None:
        members = [member for group in tool.read().values() for member in group]
        order = tool.in_order(members)
        found = tool.places(order)
        assert len({(place.row, place.track) for place in found.values()}) == len(members)
        for member in order:
            children = [found[other.name] for other in order if member.name in other.parents]
            place = found[member.name]
            assert all(child.row > place.row for child in children)
            last = max((child.row for child in children), default=place.row)
            crossed = [name for name, p in found.items() if p.track == place.track and place.row < p.row < last]
            assert crossed == [], member.name
