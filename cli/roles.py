"""Which column is what: the target, the time stamp, the ones to leave out."""

from collections.abc import Iterable
from typing import NamedTuple

import click

from .errors import DataError
from .settings import Settings
from .sources import Row, Source
from .suggestions import did_you_mean, listed


class Roles(NamedTuple):
    """The columns that are no features."""

    target: str
    time: str | None
    drop: frozenset[str]


def assign_roles(settings: Settings, source: Source, head: Iterable[Row]) -> Roles:
    """Match the options with the columns of the first rows.

    Parameters
    ----------
    settings
        The options ``--target``, ``--time`` and ``--drop``.
    source
        The source, which may know its own target and time.
    head
        The first rows.
    """
    # A dict as an ordered set: JSON rows need not have the same keys.
    columns = dict.fromkeys(name for row in head for name in row.columns)
    target = settings.target or source.target
    if target is None:
        what = f"which column is to be predicted? It has {listed(columns)}"
        raise DataError(what, source=source.name, remedy="Give --target COLUMN")
    _require(target, "--target", columns, source)
    time = settings.time or source.time
    if time is not None:
        _require(time, "--time", columns, source)
    drop = frozenset(name for given in settings.drop for name in _names(given, columns))
    for name in sorted(drop):
        _require(name, "--drop", columns, source)
    if target == time or target in drop:
        raise click.UsageError(f"column {target!r} is the target: it cannot be left out.")
    return Roles(target, time, drop)


def _names(given: str, columns: Iterable[str]) -> list[str]:
    """Split a list at its commas, unless a column is really called that."""
    return [given] if given in columns else [name.strip() for name in given.split(",") if name]


def _require(name: str, option: str, columns: Iterable[str], source: Source) -> None:
    if name not in columns:
        near = did_you_mean(name, columns)
        remedy = f"It has {listed(columns)}" + (f". {near}" if near else "")
        what = f"no such column (from {option})"
        raise DataError(what, source=source.name, column=name, remedy=remedy)
