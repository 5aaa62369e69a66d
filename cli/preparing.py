"""What is settled before the first row is played: which column is what, and what is predicted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile

import click

from .batches import MANY, SIZE, Gathered, beginning, gathered, peek
from .console import Console
from .encoding import Encoding
from .errors import DataError, RowError
from .keeping import Kept
from .pace import Pace
from .roles import Roles, assign_roles
from .settings import Settings, Task
from .sources import Batch, Source
from .stopping import Stop
from .task import choose_task


@dataclass
class Session:
    """What is settled before the first row is played."""

    settings: Settings
    console: Console
    source: Source
    roles: Roles
    words: dict[str, int]
    task: Task
    items: Iterator[Gathered]
    kept: Kept | None
    #: The columns of the first rows.
    columns: tuple[str, ...] = ()


def prepare(
    settings: Settings, console: Console, source: Source, kept: Kept | None, stop: Stop
) -> Session:
    """Look at the first rows and settle which column is what."""
    most = SIZE if settings.backend == "cpu" else MANY
    size = min(n for n in (most, settings.limit, Pace(settings.checkpoint_every).rows) if n)
    if kept is not None:
        kept.seek(source)
        items = gathered(source.items(), size)
        return Session(settings, console, source, kept.roles, kept.words, kept.task, items, kept)
    if source.is_live:
        console.progress(f"{source.name}: waiting for the first row")
    first, items = peek(
        gathered(source.items(), size),
        min(SIZE, settings.limit or SIZE),
        past_errors=settings.skips,
        is_over=lambda: stop.signal is not None,
        told=lambda error: waiting(console, error) if source.is_live else None,
    )
    if stop.signal is not None:
        raise click.exceptions.Exit(stop.exit_code)
    # As many whatever a batch holds: what they settle must not depend on where the network runs.
    head = beginning(_readable(first, settings.skips, source.name), SIZE)
    roles, words = assign_roles(settings, source, head, console.note)
    task, remark = choose_task(settings, source, roles.target or "", head)
    if remark:
        console.note(f"{source.name}: {remark}")
    columns = tuple(dict.fromkeys(name for batch in head for name in batch.columns))
    return Session(settings, console, source, roles, words, task, items, None, columns)


def waiting(console: Console, error: RowError) -> None:
    """Say why a live run does not begin; what is wrong with it is told again when it has."""
    console.note(f"{error.format_message()} Waiting for a first row that can be used.")


def _readable(first: list[Batch | RowError], skips: bool, name: str) -> list[Batch]:
    """Return the rows that can be looked at before the first one is used.

    If errors end the run these are the rows before the first error, so that errors come up in
    the order of the file.
    """
    if first and isinstance(first[0], RowError) and not skips:
        raise first[0]
    rows = first if skips else takewhile(lambda item: isinstance(item, Batch), first)
    found = [item for item in rows if isinstance(item, Batch)]
    if not found:
        what = f"none of the first {len(first)} rows can be used"
        errors = [item.message for item in first if isinstance(item, RowError)]
        remedy = f"The first: {errors[0].removesuffix('.')}" if errors else None
        raise DataError(what, source=name, remedy=remedy)
    return found


def encoding_of(session: Session) -> Encoding | None:
    """Return what makes features of words and times, None if there is nothing to make."""
    if not session.words and not session.settings.calendar:
        return None

    from streamrnn.estimators.cycles import checked_cycles

    checked = checked_cycles(cycles_of(session.settings.calendar))
    return Encoding(session.words, session.roles.time, checked, session.source.name)


def cycles_of(given: tuple[str, ...]) -> list[tuple[str, int]]:
    """Return cycles and their harmonics, given as ``day`` or ``day:3``, with commas in between."""
    found = []
    for one in ",".join(given).split(","):
        name, _, harmonics = one.strip().partition(":")
        if name:
            found.append((name, int(harmonics or 1)))
    return found
