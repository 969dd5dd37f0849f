from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import sys
from itertools import pairwise

import pytest

import resnets.spec
from resnets.cli.overrides import field_texts
from resnets.recipe import Augmentation, Recipe
from resnets.runs.request import Request
from resnets.spec.network import NetworkSpec
from resnets.spec.norm import NormSpec


def specs() -> list[type]:
    """The spec of every family and what they inherit from."""
    for module in pkgutil.walk_packages(resnets.spec.__path__, "resnets.spec."):
        importlib.import_module(module.name)
    found, new = [], [NetworkSpec]
    while new:
        found += new
        new = [kind for cls in new for kind in cls.__subclasses__()]
    return list(dict.fromkeys(found))


def docstrings(value: type) -> dict[str, str]:
    """The docstring under each field of one class, by Python's own parser."""
    tree = ast.parse(inspect.getsource(sys.modules[value.__module__]))
    body = next(item.body for item in tree.body if isinstance(item, ast.ClassDef) and item.name == value.__name__)
    return {
        field.target.id: text.value.value
        for field, text in pairwise(body)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


@pytest.mark.parametrize("value", [Request, Recipe, Augmentation, NormSpec, *specs()], ids=lambda value: value.__name__)
def test_texts_of_options_are_the_docstrings_of_their_fields(value: type) -> None:
    written: dict[str, str] = {}
    for base in reversed(value.__mro__[:-1]):
        if base.__module__.startswith("resnets."):
            written |= docstrings(base)
    texts = field_texts(value)
    assert texts.keys() == written.keys()
    for field, text in texts.items():
        assert text and " ".join(written[field].replace("`", "").split()).startswith(text)


def test_a_text_says_what_the_field_is_and_not_whose_idea_it_was() -> None:
    texts = field_texts(Recipe)
    assert texts["label_smoothing"] == "Probability moved from the true class to all classes evenly."
    assert texts["optimizer"] == "sgd with Nesterov momentum, or adamw."
    assert texts["schedule"].endswith("multi_step divided by 10 at milestones, constant.")
