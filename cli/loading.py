"""Models from files: those that ``save`` writes, and checkpoints, which have one inside."""

import json
import os
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any

from .errors import DataError
from .sources import open_file

#: What a checkpoint, a zip file, has inside.
MODEL, RUN = "model.safetensors", "run.json"

#: What a zip file begins with; the length of a header that begins so is beyond all bounds.
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
        data, run = _of_checkpoint(path)
        return Loaded(streamrnn.from_bytes(data), size, _format(data[:_HEAD]), run)
    except streamrnn.FormatError as error:
        what = str(error).removeprefix(f"{path}: ").rstrip(".")
        raise DataError(what, source=path) from None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror or error}", source=path) from None


def _format(head: bytes) -> int:
    """Return the version of the format, given the beginning of a file that could be loaded."""
    told = re.search(rb'"streamrnn_format":"(\d+)"', head)
    return int(told[1]) if told else 0


def _of_checkpoint(path: str) -> tuple[bytes, dict[str, Any]]:
    """Return the members of a checkpoint: the model's bytes, and what is told of the run."""
    try:
        with zipfile.ZipFile(path) as archive:
            data, text = archive.read(MODEL), archive.read(RUN)
        run = json.loads(text)
    except KeyError:
        raise DataError(
            f"is a zip file, but no checkpoint: it lacks {MODEL} or {RUN}", source=path
        ) from None
    except (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError) as error:
        raise DataError(f"is a checkpoint that cannot be read: {error}", source=path) from None
    except ValueError as error:
        raise DataError(f"has a {RUN} that is no JSON: {error}", source=path) from None
    if not isinstance(run, dict):
        raise DataError(f"has a {RUN} that is no JSON object", source=path)
    return data, run
