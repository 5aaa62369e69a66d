"""Models in files: those that ``save`` writes, and checkpoints, which have one inside."""

import os
import re
from dataclasses import dataclass
from typing import Any

from . import checkpoint
from .errors import DataError
from .sources import open_file

#: What a checkpoint begins with; the length of a model's header that begins so is beyond bounds.
_ZIP = b"PK\x03\x04"

#: Bytes from the beginning of a model's file within which its format is told.
_HEAD = 64


@dataclass(frozen=True)
class Loaded:
    """A model, and what else is known of the file that it was in."""

    model: Any
    bytes: int
    format: int
    run: dict[str, Any] | None = None  # of a checkpoint: what it tells of the run


def load_model(path: str) -> Any:
    """Return the model in a file, or in a checkpoint.

    Raises
    ------
    DataError
        If there is no such file, it cannot be read, or it holds no model.
    """
    return load(path).model


def load(path: str) -> Loaded:
    """Do as `load_model` does, and tell what else is in the file."""
    import streamrnn

    try:
        with open_file(path) as file:
            head = file.read(_HEAD)
            size = os.fstat(file.fileno()).st_size
        if not head.startswith(_ZIP):
            return Loaded(streamrnn.load(path), size, _format(head))
        data, run = checkpoint.read(path)
        return Loaded(streamrnn.from_bytes(data), size, _format(data[:_HEAD]), run)
    except streamrnn.FormatError as error:
        what = str(error).removeprefix(f"{path}: ").rstrip(".")
        raise DataError(what, source=path) from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", source=path) from None


def save_model(model: Any, path: str) -> None:
    """Save a model to a file of its own, as a whole or not at all.

    Raises
    ------
    DataError
        If it cannot be written; an older file of that name stays as it was.
    """
    try:
        model.save(path)
    except OSError as error:
        raise DataError(f"cannot be written ({error.strerror})", source=path) from None


def _format(head: bytes) -> int:
    """Return the version of the format, given the beginning of a file that could be loaded."""
    told = re.search(rb'"streamrnn_format":"(\d+)"', head)
    return int(told[1]) if told else 0
