"""One pass over recorded rows, for commands other than ``replay``: each target with its row."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack

from .cleaning import Cleaner
from .dead_letters import dead_letters
from .encoding import Encoding
from .engine import Engine
from .errors import DataError
from .garbage import old_objects_left_alone
from .preparing import Session
from .scoreboard import Scoreboard
from .stopping import Stop


def play_once(
    session: Session,
    board: Scoreboard,
    encoding: Encoding | None,
    stack: ExitStack,
    progress: Callable[[float], str],
    *,
    is_series: bool = False,
) -> tuple[float, int]:
    """Let a board play all rows of a source.

    Parameters
    ----------
    session
        What was settled before.
    board
        Who plays.
    encoding
        What makes features of words and times, or None.
    stack
        Where files are closed.
    progress
        Says how far it has come, given the seconds so far.
    is_series
        Whether targets can be numbers only.

    Returns
    -------
    float, int
        The seconds that it took, and the number of rows left out.

    Raises
    ------
    DataError
        If no row can be used.
    """
    settings, console, source = session.settings, session.console, session.source
    engine = Engine(
        source,
        session.items,
        Cleaner(source, session.roles, session.task, encoding, is_series=is_series),
        board,
        None,
        console,
        skips=settings.skips,
        limit=settings.limit,
        stop=Stop(),
    )
    if settings.dead_letter is not None:
        engine.dead_letters = stack.enter_context(dead_letters(settings.dead_letter, None))
    started = time.perf_counter()
    engine.after_batch = lambda: console.progress(lambda: progress(time.perf_counter() - started))
    with old_objects_left_alone():
        engine.run()
    if not board.rows:
        raise DataError(f"none of the {engine.skipped} rows can be used", source=source.name)
    return time.perf_counter() - started, engine.skipped
