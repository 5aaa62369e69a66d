"""One run of ``streamrnn replay`` or ``streamrnn live``, from the source to the table."""

from __future__ import annotations

import sys
import warnings
from contextlib import ExitStack
from functools import partial
from typing import Any

import click

from .atomic import replacing
from .cleaning import Cleaner
from .console import Console
from .contestants import Network, Onlooker, baselines
from .dead_letters import dead_letters
from .engine import Engine
from .errors import DataError, device_errors
from .garbage import old_objects_left_alone
from .keeping import Keeper, Kept
from .known import Known
from .lags import Lags
from .late import Late
from .loading import load_model, save_model
from .monitor import Monitor
from .network import (
    build_network,
    check_device,
    check_fits,
    described,
    run_on_backend,
    title,
    warm_up,
)
from .preparing import Session, encoding_of, prepare
from .report import as_json, as_text, summary
from .scoreboard import Scoreboard
from .settings import Settings
from .sinks import open_sink
from .sources import open_source
from .stopping import Stop
from .version import version
from .watching import Watchers


def run(settings: Settings, known: Known | None = None) -> int:
    """Play the source; write what was asked for, show the table, return the exit code.

    Parameters
    ----------
    settings
        The options.
    known
        A model that is to stay as it is, with what a checkpoint says of it; None: one that learns.
    """
    check_device(settings)
    console = Console(sys.stderr, settings.quiet)
    stop = Stop()
    with ExitStack() as stack:
        stack.enter_context(device_errors())
        # Whatever happens, the progress line is gone before the next message.
        stack.callback(console.clear)
        # What the library warns of is a remark here, not a line of its code.
        stack.enter_context(warnings.catch_warnings())
        warnings.showwarning = lambda message, *_: console.note(f"{message}.")
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
        session = prepare(settings, console, source, kept, stop)
        engine = _engine(session, stop, known)
        _connect(engine, session, stack)
        outcome = _play(engine, session, Watchers(engine, settings, console, stack))
        if figures is not None:
            figures.write(as_json(outcome))
    _show(as_text(outcome), settings)
    return stop.exit_code


def _engine(session: Session, stop: Stop, known: Known | None) -> Engine:
    """Set the models up, as they were if the run goes on."""
    settings, console, task = session.settings, session.console, session.task
    console.progress("getting the network ready (the first time, its code is compiled)")
    if session.kept is not None:
        model = session.kept.model
    elif known is not None:
        model = known.model
        check_fits(model, settings, task)
    elif settings.model is not None:
        model = load_model(settings.model)
        check_fits(model, settings, task)
    else:
        model = build_network(settings, task)
    run_on_backend(model, settings)
    network = Network(title(model, settings), model, backend=settings.backend)
    if known is not None:
        network = Onlooker(title(model, settings), model, session.source.name, console.note)
    lags = partial(Lags, session.roles.target or "", settings.lags)
    board = Scoreboard(task, [network, *baselines(settings.rivals, task, lags)])
    # A model that learns nothing has no use for targets that come later than their rows.
    is_late = (settings.id is not None or settings.delay) and known is None
    cleaner = Cleaner(session.source, session.roles, task, encoding_of(session))
    engine = Engine(
        session.source,
        session.items,
        cleaner,
        board,
        Late(board, settings.delay, console.note) if is_late else None,
        console,
        skips=settings.skips,
        limit=settings.limit,
        stop=stop,
    )
    if settings.watched:
        names = [one.name for one in board.contestants]
        engine.monitor = Monitor(task, names, model, _about(session, model))
    if session.kept is not None:
        session.kept.restore(engine)
    if known is not None:
        known.restore(cleaner)
    return engine


def _connect(engine: Engine, session: Session, stack: ExitStack) -> None:
    """Open what is written, and arrange for checkpoints."""
    settings, kept = session.settings, session.kept
    held = kept.files if kept is not None else {}
    if settings.predictions is not None:
        engine.sink = stack.enter_context(
            open_sink(
                settings.predictions,
                ".jsonl" if settings.is_live else ".csv",
                keeps=settings.keeps,
                held=held.get("predictions"),
            )
        )
        engine.sink.note = session.console.note
    if settings.dead_letter is not None:
        engine.dead_letters = stack.enter_context(
            dead_letters(settings.dead_letter, held.get("dead_letters"))
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
        console.progress(lambda: _so_far(board, session, engine.seconds))

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
    about = _about(session, network.model) | {
        "seconds": seconds,
        "warm_up_seconds": warm_up_seconds,
    }
    outcome = summary(board, network.model, engine.skipped, about)
    watchers.end({one["name"]: one["metrics"] for one in (outcome["model"], *outcome["baselines"])})
    if engine.monitor is not None:
        # `streamrnn plot` draws it.
        outcome["monitor"] = engine.monitor.snapshot()
    return outcome


def _about(session: Session, model: Any) -> dict[str, Any]:
    settings = session.settings
    return {
        "version": version(),
        "source": session.source.name,
        "task": session.task,
        "target": session.roles.target,
        "frozen": settings.frozen,
        "parameters": described(model, settings) | {"lags": settings.lags},
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
