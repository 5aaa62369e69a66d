"""One run of ``streamrnn replay`` or ``streamrnn live``, from the source to the table."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Any

import click

from .atomic import replacing
from .batches import SIZE, Gathered, gathered, peek
from .cleaning import Cleaner
from .console import Console
from .contestants import Network, baselines
from .dead_letters import dead_letters
from .encoding import Encoding
from .engine import Engine
from .errors import DataError, RowError
from .garbage import old_objects_left_alone
from .keeping import Keeper, Kept
from .lags import Lags
from .late import Late
from .loading import load_model, save_model
from .monitor import Monitor
from .network import build_network, check_fits, parameters, title, warm_up
from .pace import Pace
from .report import as_json, as_text, summary
from .roles import Roles, assign_roles
from .scoreboard import Scoreboard
from .settings import Settings, Task
from .sinks import open_sink
from .sources import Batch, Source, open_source
from .stopping import Stop
from .task import choose_task
from .version import version
from .watching import Watchers


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


def run(settings: Settings) -> int:
    """Play the source; write what was asked for, show the table, return the exit code."""
    console = Console(sys.stderr, settings.quiet)
    stop = Stop()
    with ExitStack() as stack:
        # Whatever happens, the progress line is gone before the next message.
        stack.callback(console.clear)
        kept = Kept.of(settings)
        source = stack.enter_context(
            open_source(settings.source, settings.format, live=settings.is_live)
        )
        source.note = console.note
        figures = None
        if settings.metrics_json is not None:
            figures = stack.enter_context(replacing(settings.metrics_json))
        if settings.keeps:
            stack.enter_context(stop.listening())
        session = _prepare(settings, console, source, kept, stop)
        engine = _engine(session, stop)
        _connect(engine, session, stack)
        outcome = _play(engine, session, Watchers(engine, settings, console, stack))
        if figures is not None:
            figures.write(as_json(outcome))
    _show(as_text(outcome), settings)
    return stop.exit_code


def _prepare(
    settings: Settings, console: Console, source: Source, kept: Kept | None, stop: Stop
) -> Session:
    """Look at the first rows and settle which column is what."""
    size = min(n for n in (SIZE, settings.limit, Pace(settings.checkpoint_every).rows) if n)
    if kept is not None:
        kept.seek(source)
        items = gathered(source.items(), size)
        return Session(settings, console, source, kept.roles, kept.words, kept.task, items, kept)
    waiting = takewhile(lambda _: stop.signal is None, gathered(source.items(), size))
    first, items = peek(waiting, min(SIZE, settings.limit or SIZE))
    if stop.signal is not None:
        raise click.exceptions.Exit(stop.exit_code)
    head = _readable(first, settings.skips, source.name)
    roles, words = assign_roles(settings, source, head, console.note)
    task, remark = choose_task(settings, source, roles.target, head)
    if remark:
        console.note(f"{source.name}: {remark}")
    return Session(settings, console, source, roles, words, task, items, None)


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
        raise DataError(f"none of the first {len(first)} rows can be used", source=name)
    return found


def _engine(session: Session, stop: Stop) -> Engine:
    """Set the models up, as they were if the run goes on."""
    settings, console, task = session.settings, session.console, session.task
    console.progress("getting the network ready (the first time, its code is compiled)")
    if session.kept is not None:
        model = session.kept.model
    elif settings.model is not None:
        model = load_model(settings.model)
        check_fits(model, settings, task)
    else:
        model = build_network(settings, task)
    network = Network(title(model, settings), model, learn=not settings.frozen)
    lags = partial(Lags, session.roles.target, settings.lags)
    board = Scoreboard(task, [network, *baselines(settings.rivals, task, lags)])
    is_late = settings.id is not None or settings.delay
    cleaner = Cleaner(session.source, session.roles, task, _encoding(session))
    engine = Engine(
        session.source,
        session.items,
        cleaner,
        board,
        Late(board, settings.delay) if is_late else None,
        console,
        skips=settings.skips,
        limit=settings.limit,
        stop=stop,
    )
    if settings.watched:
        names = [one.name for one in board.contestants]
        engine.monitor = Monitor(task, names, model, _about(session))
    if session.kept is not None:
        session.kept.restore(engine)
    return engine


def _encoding(session: Session) -> Encoding | None:
    if not session.words and not session.settings.calendar:
        return None
    from streamrnn.estimators.cycles import checked_cycles

    cycles = _cycles(session.settings.calendar)
    try:
        checked = checked_cycles(cycles)
    except (TypeError, ValueError) as error:
        raise click.UsageError(f"--{error}.") from None
    return Encoding(session.words, session.roles.time, checked, session.source.name)


def _cycles(given: tuple[str, ...]) -> list[tuple[str, int]]:
    """Read ``day`` or ``day:3``, with commas in between."""
    found = []
    for one in ",".join(given).split(","):
        name, _, harmonics = one.strip().partition(":")
        if name:
            found.append((name, int(harmonics) if harmonics.isdigit() else 1))
    return found


def _connect(engine: Engine, session: Session, stack: ExitStack) -> None:
    """Open what is written, and arrange for checkpoints."""
    settings, kept = session.settings, session.kept
    sizes = kept.sizes if kept is not None else {}
    if settings.predictions is not None:
        engine.sink = stack.enter_context(
            open_sink(
                settings.predictions,
                ".jsonl" if settings.is_live else ".csv",
                keeps=settings.keeps,
                size=sizes.get("predictions"),
            )
        )
    if settings.dead_letter is not None:
        engine.dead_letters = stack.enter_context(
            dead_letters(settings.dead_letter, sizes.get("dead_letters"))
        )


def _play(engine: Engine, session: Session, watchers: Watchers) -> dict[str, Any]:
    """Let all models play the stream; return the outcome."""
    settings, console, task = session.settings, session.console, session.task
    board = engine.board
    network: Any = board.contestants[0]
    warm_up_seconds = warm_up(network.model, settings, task)
    keeper = Keeper(engine, session)
    keeper.begin()

    def after_batch() -> None:
        keeper.look()
        watchers.look()
        console.progress(_so_far(board, session, engine.seconds))

    engine.after_batch = after_batch
    with old_objects_left_alone():
        engine.run()
    seconds = engine.seconds
    keeper.end()
    if not board.rows and not settings.is_live and not engine.is_stopped:
        what = f"none of the {engine.skipped} rows can be used"
        raise DataError(what, source=session.source.name)
    if settings.save is not None:
        save_model(network.model, settings.save)
    about = _about(session) | {"seconds": seconds, "warm_up_seconds": warm_up_seconds}
    outcome = summary(board, network.model, engine.skipped, about)
    watchers.end({one["name"]: one["metrics"] for one in (outcome["model"], *outcome["baselines"])})
    return outcome


def _about(session: Session) -> dict[str, Any]:
    settings = session.settings
    return {
        "version": version(),
        "source": session.source.name,
        "task": session.task,
        "target": session.roles.target,
        "parameters": parameters(settings) | {"lags": settings.lags},
    }


def _so_far(board: Scoreboard, session: Session, seconds: float) -> str:
    known = [n for n in (session.source.total, session.settings.limit) if n is not None]
    total = f" of {min(known):,}" if known else ""
    name, value = next(iter(board.scores[0].values().items()))
    speed = board.rows / max(seconds, 1e-9)
    return f"{board.rows:,}{total} rows, {speed:,.0f} rows/s, {name} {value:.5g}"


def _show(text: str, settings: Settings) -> None:
    """Print the table; if standard output holds other data, for people only."""
    taken = "-" in (settings.predictions, settings.metrics_json)
    if not (taken and settings.quiet):
        click.echo(text, err=taken)
