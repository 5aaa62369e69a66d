"""Checkpoints: a run in one file, model and all, from which it goes on as if nothing had happened.

The file is a ZIP archive, not compressed, of two members: ``model.safetensors``, which
``streamrnn.load`` takes, and ``run.json``, which has the rest: where the source is, how long the
files are, what was counted. Both are data, not code.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from .errors import DataError
from .version import version

MODEL, RUN = "model.safetensors", "run.json"
FORMAT = 1

#: What the bytes of a checkpoint can be in the wrong: anything that JSON can say.
DISTORTED = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)

#: More would not be what a run has to say.
LARGEST_RUN = 1 << 28

#: All members have the same date: the same run gives the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


def save(path: str, model: Any, run: dict[str, Any]) -> None:
    """Write a checkpoint, as a whole or not at all.

    Parameters
    ----------
    path
        The file.
    model
        The estimator.
    run
        What else there is to know, as JSON can say it.

    Raises
    ------
    DataError
        If it cannot be written; an older checkpoint of that name stays as it was.
    """
    from streamrnn import durable

    document = {"format": FORMAT, "streamrnn": version(), "run": run}
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr(zipfile.ZipInfo(MODEL, _DATE), model.to_bytes())
        made.writestr(zipfile.ZipInfo(RUN, _DATE), json.dumps(document))
    try:
        durable.write(path, [archive.getbuffer()])
    except OSError as error:
        what = f"the checkpoint cannot be written ({error.strerror})"
        remedy = "The last good one, if there is one, is unchanged"
        raise DataError(what, source=path, remedy=remedy) from None


def load(path: str) -> tuple[Any, dict[str, Any]]:
    """Return the model and the run of a checkpoint; nothing is executed, whoever wrote it.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DataError
        If it is no checkpoint, or a damaged one.
    """
    import streamrnn

    data, run = read(path)
    try:
        return streamrnn.from_bytes(data), run
    except ValueError as error:
        raise damaged(path, error) from None


def read(path: str) -> tuple[bytes, dict[str, Any]]:
    """Return the bytes of the model, and the run; see `load`."""
    try:
        with zipfile.ZipFile(path) as archive:
            data, document = _member(archive, MODEL, None), _member(archive, RUN, LARGEST_RUN)
        parsed = json.loads(document)
        if parsed["format"] != FORMAT:
            raise ValueError(f"it has format {parsed['format']!r}, this version knows {FORMAT}")
        return data, dict(parsed["run"])
    except FileNotFoundError:
        raise
    except (
        *(OSError, EOFError, zipfile.BadZipFile, NotImplementedError, RecursionError),
        *(KeyError, TypeError, ValueError, RuntimeError),
    ) as error:
        raise damaged(path, error) from None


def brief(path: str, run: dict[str, Any]) -> dict[str, Any]:
    """Return what a person wants to know of a run: what of, how far, and how much was left out.

    Raises
    ------
    DataError
        If the document has something else.
    """
    try:
        return {
            "source": str(run["source"]),
            "task": str(run["task"]),
            "target": run["roles"]["target"],
            "rows": int(run["engine"]["seen"]),
            "left_out": int(run["engine"]["skipped"]),
            "position": run["position"],
        }
    except DISTORTED as error:
        raise damaged(path, error) from None


def damaged(path: str, error: Exception) -> DataError:
    """Return what to say of a checkpoint that cannot be used."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    remedy = "Give a file that --checkpoint wrote, or start afresh"
    return DataError(f"is no checkpoint that can be used ({why})", source=path, remedy=remedy)


def _member(archive: zipfile.ZipFile, name: str, largest: int | None) -> bytes:
    """Return a member, if it is as large as it says: a bomb would not be stored plainly."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
        raise ValueError(f"{name} is compressed")
    if largest is not None and info.file_size > largest:
        raise ValueError(f"{name} has {info.file_size:,} bytes")
    return archive.read(info)
