"""A snapshot that was written as JSON, read back and looked at before it is drawn."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from ..errors import DataError
from .monitor import VERSION

#: What every drawing needs of a snapshot.
NEEDED = ("task", "names", "rows", "about", "series", "recent", "errors", "rates", "marks")


def read_snapshot(path: str) -> dict[str, Any]:
    """Return the snapshot in a JSON file, or the one under its key ``monitor``.

    Raises
    ------
    DataError
        If there is none in it, or one of another version.
    click.UsageError
        If the file cannot be read.
    """
    try:
        with open(path, encoding="utf-8") as stream:
            found = json.load(stream)
    except OSError as error:
        raise click.UsageError(f"cannot read {path!r}: {error.strerror}.") from None
    except ValueError as error:
        raise DataError(f"not JSON ({error})", source=path) from None
    except RecursionError:
        raise DataError("not JSON (nested too deeply)", source=path) from None
    if isinstance(found, dict) and isinstance(found.get("monitor"), dict):
        found = found["monitor"]
    if not isinstance(found, dict) or any(name not in found for name in NEEDED):
        remedy = "Use a file of --predictions, or the figures of a run that was watched (--report)"
        raise DataError("there is no course of a run in it", source=path, remedy=remedy)
    if found.get("version") != VERSION:
        what = f"a snapshot of version {found.get('version')}, and this is for {VERSION}"
        raise DataError(what, source=path)
    return found


@contextmanager
def drawn_from(path: str) -> Iterator[None]:
    """Turn what a snapshot that somebody changed does to a drawing into one line.

    What fits together in it is a matter of each drawing; only they could look at all of it.

    Raises
    ------
    DataError
        In place of the error.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        what = f"the course of the run in it cannot be drawn ({type(error).__name__}: {error})"
        raise DataError(" ".join(what.split()), source=path, remedy="Was it changed?") from error
