"""Which views of an image a command takes: the model's own, changed by options, or the image alone."""

from __future__ import annotations

import dataclasses
from typing import Any

from resnets.cli.overrides import given
from resnets.errors import ConfigError
from resnets.views import Views


def asked_views(own: Views, options: Any, *, tta: bool) -> Views:
    """The model's own views with what the user set.

    Raises:
        ConfigError: if views are both set and switched off, or cannot be.
    """
    changes = given(options)
    if not tta and changes:
        raise ConfigError("--no-tta takes each image alone; leave it out, or the other --tta options.")
    return dataclasses.replace(own, **changes) if tta else Views()
