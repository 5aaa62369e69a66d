"""Which column is what: the target, the time stamp, the ones to leave out or to encode."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import click

from .cells import MISSING, is_number
from .errors import DataError
from .moments import is_moment
from .settings import Settings
from .sources import Batch, Source
from .spelling import header_remedy
from .suggestions import did_you_mean, listed


class Roles(NamedTuple):
    """The columns that are no features as they are."""

    target: str | None
    time: str | None
    drop: frozenset[str]
    key: str | None = None
    id: str | None = None
    encode: frozenset[str] = frozenset()
    #: Whether no column is a feature.
    alone: bool = False


def assign_roles(
    settings: Settings, source: Source, head: Sequence[Batch], note: Callable[[str], None]
) -> tuple[Roles, dict[str, int]]:
    """Match the options with the columns of the first rows.

    Parameters
    ----------
    settings
        The options ``--target``, ``--time``, ``--key``, ``--id``, ``--drop`` and ``--encode``.
    source
        The source, which may know its own target and time.
    head
        The first rows.
    note
        Told of what was guessed.

    Returns
    -------
    Roles, dict
        And for each column of words, how it is encoded: see `Encoding`.
    """
    # A dict as an ordered set: JSON rows need not have the same keys.
    columns = dict.fromkeys(name for batch in head for name in batch.columns)
    target = settings.target or source.target or _only(settings, columns, head, source, note)
    if target is None and not settings.frozen:
        what = f"which column is to be predicted? It has {listed(columns)}"
        raise DataError(what, source=source.name, remedy="Give --target COLUMN")
    drop = frozenset(name for given in settings.drop for name in _names(given, columns))
    wanted = {
        "--target": target,
        "--time": settings.time or source.time,
        "--key": settings.key,
        "--id": settings.id,
    }
    for option, name in wanted.items():
        if name is not None and name not in settings.assumed:
            _require(name, option, columns, source)
    for name in sorted(drop.difference(settings.assumed)):
        _require(name, "--drop", columns, source)
    taken: dict[str, str] = {}
    for option, name in wanted.items():
        if name in taken and name is not None:
            raise click.UsageError(f"column {name!r} cannot be both {taken[name]} and {option}.")
        if name is not None:
            taken[name] = option
    if target in drop:
        raise click.UsageError(f"column {target!r} is the target: it cannot be left out.")
    rest = [name for name in columns if name not in taken and name not in drop]
    time = wanted["--time"] or _guessed_time(rest, head, source, note)
    rest = [name for name in rest if name != time]
    if settings.alone:
        if rest:
            note(
                f"{source.name}: {listed(rest)} not used, since nobody knows what will be there "
                "(--future)."
            )
        return Roles(target, time, drop, alone=True), {}
    words = _encodings(settings, rest, head, source)
    roles = Roles(target, time, drop, settings.key, settings.id, frozenset(words))
    if settings.calendar and time is None:
        raise click.UsageError("--calendar needs a column of time stamps: give --time COLUMN.")
    return roles, words


def _only(
    settings: Settings,
    columns: Iterable[str],
    head: Sequence[Batch],
    source: Source,
    note: Callable[[str], None],
) -> str | None:
    """Return the only column that could be the target, None if there are several."""
    if settings.frozen:
        return None
    taken = {settings.time, settings.key, settings.id, *settings.drop}
    found = [
        name for name in columns if name not in taken and not _all(is_moment, _known(name, head))
    ]
    if len(found) != 1:
        return None
    note(f"{source.name}: column {found[0]!r} is the target, as there is no other (--target).")
    return found[0]


def _guessed_time(
    names: Iterable[str], head: Sequence[Batch], source: Source, note: Callable[[str], None]
) -> str | None:
    """Return the only column that holds time stamps, None if there are none or several."""
    found = [name for name in names if _all(is_moment, _known(name, head))]
    if len(found) != 1:
        return None
    note(f"{source.name}: column {found[0]!r} holds time stamps, and is no feature (--time).")
    return found[0]


def _encodings(
    settings: Settings, names: Sequence[str], head: Sequence[Batch], source: Source
) -> dict[str, int]:
    """Return how each column of words is encoded: 0 is one-hot, else the columns of a hash."""
    found: dict[str, int] = {}
    for one in settings.encode:
        column, equals, way = one.rpartition("=") if one not in names else (one, "=", "onehot")
        if not equals:
            column, way = ("", way) if _is_way(way) else (way, "onehot")
        n = _columns_of(way, one)
        if column:
            if column not in settings.assumed:
                _require(column, "--encode", names, source)
            found[column] = n
        else:
            texts = [name for name in names if _is_text(_known(name, head))]
            found |= {name: n for name in texts if name not in found}
    return found


def _is_way(way: str) -> bool:
    return way.partition(":")[0] in ("onehot", "hash")


def _columns_of(way: str, given: str) -> int:
    """Read ``onehot``, ``hash`` or ``hash:32``."""
    from .encoding import HASHED

    name, colon, count = way.partition(":")
    if name == "onehot" and not colon:
        return 0
    if name == "hash" and not colon:
        return HASHED
    if name == "hash" and count.isdigit() and 1 <= int(count) <= 1000:
        return int(count)
    raise click.UsageError(
        f"--encode {given!r}: say COLUMN, COLUMN=onehot, COLUMN=hash or COLUMN=hash:N with N from "
        "1 to 1000; without COLUMN all columns of words."
    )


def _known(name: str, head: Sequence[Batch]) -> list[Any]:
    """Return the cells of a column in the first rows that are not missing."""
    cells: list[Any] = []
    for batch in head:
        if name in batch.columns:
            column = batch.cells[batch.columns.index(name)]
            cells += column.tolist() if hasattr(column, "tolist") else column
    return [cell for cell in cells if not _is_missing(cell)]


def _is_missing(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip().casefold() in MISSING)


def _all(holds: Callable[[Any], bool], cells: Sequence[Any]) -> bool:
    return bool(cells) and all(map(holds, cells))


def _is_text(cells: Sequence[Any]) -> bool:
    """Say whether there are words among the cells."""
    return any(isinstance(cell, str) and not is_number(cell) for cell in cells)


def _names(given: str, columns: Iterable[str]) -> list[str]:
    """Split a list at its commas, unless a column is really called that."""
    return [given] if given in columns else [name.strip() for name in given.split(",") if name]


def _require(name: str, option: str, columns: Iterable[str], source: Source) -> None:
    if name not in columns:
        near = header_remedy(columns) or did_you_mean(name, columns)
        remedy = f"It has {listed(columns)}" + (f". {near}" if near else "")
        what = f"no such column (from {option})"
        raise DataError(what, source=source.name, column=name, remedy=remedy)
