"""Repositories on the Hugging Face Hub: `owner/name` or `owner/name@revision`, kept in the Hub's own cache."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from resnets.errors import ModelFileError

NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")
FILES = ("config.json", "preprocessor_config.json", "model.safetensors")
"""All that is fetched; no other format of weights is taken from the Hub."""
HERE = "or give a local folder or file"


def is_hub_name(text: str) -> bool:
    """Whether this could be a repository."""
    return bool(NAME.fullmatch(text))


def fetch(name: str) -> Path:
    """The folder with the files of a repository, from the cache or, unless HF_HUB_OFFLINE is set, from the Hub.

    Raises:
        ModelFileError: if huggingface_hub is not installed, there is no such repository or revision, it has no
            safetensors, or there is no network and the cache does not have it; each with what to do.
    """
    match = NAME.fullmatch(name)
    if not match:
        raise ModelFileError(f"'{name}' is not a name on the Hub; write owner/name or owner/name@revision, {HERE}.")
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise ModelFileError(
            f"To fetch {name} from the Hugging Face Hub, pip install 'resnets[hub]'; {HERE}."
        ) from error
    try:
        folder = Path(hub.snapshot_download(match["repository"], revision=match["revision"], allow_patterns=FILES))
    except Exception as error:  # the library's own, its network library's and the system's
        raise ModelFileError(_reason(name, error)) from error
    if not (folder / "model.safetensors").is_file():
        raise ModelFileError(f"{name} has no model.safetensors, and no other format is read from the Hub; {HERE}.")
    return folder


def _reason(name: str, error: Exception) -> str:
    kinds = {kind.__name__ for kind in type(error).__mro__}
    repository, _, revision = name.partition("@")
    if "GatedRepoError" in kinds:
        return f"{name} is open only to those who accepted its terms on the Hub: do so and log in, {HERE}."
    if "RepositoryNotFoundError" in kinds:
        return f"There is no repository {repository} on the Hub, or it is private; check its spelling, {HERE}."
    if "RevisionNotFoundError" in kinds:
        return f"{repository} has no revision '{revision}' on the Hub."
    if "HFValidationError" in kinds:
        return f"'{name}' is not a name on the Hub; write owner/name or owner/name@revision, {HERE}."
    return (
        f"{name} is not in the Hub's cache and cannot be fetched ({type(error).__name__}): fetch it once where there "
        f"is a network (HF_HUB_OFFLINE must not be set), {HERE}."
    )
