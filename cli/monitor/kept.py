"""A snapshot that was written as JSON, read back and looked at before it is drawn."""

import json
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
    if isinstance(found, dict) and isinstance(found.get("monitor"), dict):
        found = found["monitor"]
    if not isinstance(found, dict) or any(name not in found for name in NEEDED):
        remedy = "Use a file of --predictions, or the figures of a run that was watched (--report)"
        raise DataError("there is no course of a run in it", source=path, remedy=remedy)
    if found.get("version") != VERSION:
        what = f"a snapshot of version {found.get('version')}, and this is for {VERSION}"
        raise DataError(what, source=path)
    return found
