"""Inception networks: the values that describe them, and the papers' tables as data."""

from resnets.spec.inception.spec import (
    InceptionLayout,
    InceptionResNetLayout,
    InceptionResNetSpec,
    InceptionSpec,
    InceptionStem,
    LayoutSpec,
)

__all__ = [
    "InceptionLayout",
    "InceptionResNetLayout",
    "InceptionResNetSpec",
    "InceptionSpec",
    "InceptionStem",
    "LayoutSpec",
]
