"""One run of ``streamrnn replay`` from the source to the table."""

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import click

from .atomic import replacing
from .baselines import baselines
from .blocks import SIZE, blocks
from .console import Console
from .contestants import Baseline, Network
from .errors import DataError
from .garbage import old_objects_left_alone
from .lags import Lags
from .network import build_network, parameters, title, warm_up
from .predictions import PredictionWriter, writer_for
from .report import as_json, as_text, summary
from .roles import Roles, assign_roles
from .rows import Cleaner
from .scoreboard import Scoreboard
from .settings import Settings, Task
from .sources import Source, open_source
from .stream import SampleStream, peek, readable
from .task import choose_task
from .version import version


@dataclass
class Session:
    """What is settled before the first row is played."""

    settings: Settings
    console: Console
    source: Source
    roles: Roles
    task: Task
    samples: SampleStream


def run(settings: Settings) -> None:
    """Replay the source; write what was asked for, and show the table."""
    console = Console(sys.stderr, settings.quiet)
    with ExitStack() as stack:
        # Whatever happens, the progress line is gone before the next message.
        stack.callback(console.clear)
        source = stack.enter_context(open_source(settings.source, settings.format))
        outputs = {
            path: stack.enter_context(replacing(path))
            for path in (settings.predictions, settings.metrics_json)
            if path is not None
        }
        session = _prepare(settings, console, source)
        writer = None
        if settings.predictions is not None:
            make_writer = writer_for(settings.predictions)
            writer = make_writer(outputs[settings.predictions], session.roles.time is not None)
        outcome = _play(session, writer)
        if settings.metrics_json is not None:
            outputs[settings.metrics_json].write(as_json(outcome))
    _show(as_text(outcome), settings)


def _prepare(settings: Settings, console: Console, source: Source) -> Session:
    """Look at the first rows and settle which column is what."""
    items, rows = peek(source.rows, min(SIZE, settings.limit or SIZE))
    skip = settings.on_error == "skip"
    head = readable(items, skip, source.name)
    roles = assign_roles(settings, source, head)
    task, remark = choose_task(settings, source, roles.target, head)
    if remark:
        console.note(f"{source.name}: {remark}")
    cleaner = Cleaner(source, roles, task)
    samples = SampleStream(rows, cleaner, console, skip=skip, limit=settings.limit)
    return Session(settings, console, source, roles, task, samples)


def _play(session: Session, writer: PredictionWriter | None) -> dict[str, Any]:
    """Let all models play the stream; return the outcome."""
    settings, console, task = session.settings, session.console, session.task
    console.progress("getting the network ready (the first time, its code is compiled)")
    model = build_network(settings, task)
    warm_up_seconds = warm_up(model, task)
    rivals = [Baseline(name, baseline) for name, baseline in baselines(task).items()]
    board = Scoreboard(task, [Network(title(settings), model, task), *rivals])
    with old_objects_left_alone():
        seconds = _play_rows(session, board, writer)
    if not board.rows:
        what = f"none of the {session.samples.skipped} rows can be used"
        raise DataError(what, source=session.source.name)
    about = _about(session) | {"seconds": seconds, "warm_up_seconds": warm_up_seconds}
    return summary(board, model, session.samples.skipped, about)


def _play_rows(session: Session, board: Scoreboard, writer: PredictionWriter | None) -> float:
    """Go through the rows; return the seconds that it took."""
    started = time.perf_counter()
    lags = Lags(session.roles.target, session.settings.lags, session.task)
    for block in blocks(session.samples, lags):
        predictions = board.play(block)
        if writer is not None:
            writer.write(block, predictions)
        session.console.progress(_so_far(board, session, time.perf_counter() - started))
    return time.perf_counter() - started


def _about(session: Session) -> dict[str, Any]:
    return {
        "version": version(),
        "source": session.source.name,
        "task": session.task,
        "target": session.roles.target,
        "parameters": parameters(session.settings) | {"lags": session.settings.lags},
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
