"""``streamrnn compare``, from the source to the table."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import click

from ..atomic import replacing
from ..console import Console
from ..contestants import Network, baselines
from ..lags import Lags
from ..onepass import play_once
from ..preparing import Session, encoding_of, prepare
from ..report import as_json
from ..sources import open_source
from ..stopping import Stop
from ..table import counted
from ..version import version
from .chart import chart_file, draw
from .field import Field
from .guests import guests
from .networks import Entry, entries, warm_up_all
from .ranking import BEST, Place, as_table, best_other, places
from .settings import CompareSettings
from .winner import command_line


def run(settings: CompareSettings) -> None:
    """Let all play the source; write what was asked for, show the table."""
    shared = settings.shared
    console = Console(sys.stderr, shared.quiet)
    list(settings.configurations())
    with ExitStack() as stack:
        stack.callback(console.clear)
        source = stack.enter_context(open_source(shared.source, shared.format))
        source.note = console.note
        opened = {
            "figures": shared.metrics_json and stack.enter_context(replacing(shared.metrics_json)),
            "chart": settings.chart and stack.enter_context(chart_file(settings.chart)),
        }
        session = prepare(shared, console, source, None, Stop())
        found = entries(settings, session.task)
        pool = stack.enter_context(_pool(settings.jobs))
        field = _field(settings, session, found, pool)
        seconds = _play(session, field, found, stack)
        ranked = places(field, found, session.task)
        outcome = _outcome(session, field, ranked, seconds)
        if opened["figures"]:
            opened["figures"].write(as_json(outcome | {"seeds": settings.seeds}))
        if opened["chart"]:
            draw(opened["chart"], settings.chart or "", ranked, session.task, _head(outcome))
    taken = shared.metrics_json == "-"
    if not (taken and shared.quiet):
        click.echo(_text(outcome, ranked, session, settings), err=taken)


@contextmanager
def _pool(jobs: int | None) -> Iterator[Executor | None]:
    """Give threads for networks, None where one would do."""
    from streamrnn.parallel import available_cores

    n = jobs or available_cores()
    if n == 1:
        yield None
        return
    with ThreadPoolExecutor(n) as pool:
        yield pool


def _field(
    settings: CompareSettings, session: Session, found: list[Entry], pool: Executor | None
) -> Field:
    lags = partial(Lags, session.roles.target or "", settings.shared.lags)
    others = baselines(settings.shared.rivals, session.task, lags)
    note = session.console.note
    names = {one.name for one in others}
    more = guests(settings.river, session.task, lags, note)
    others += [one for one in more if one.name not in names]
    networks: list[Network] = [network for entry in found for network in entry.networks]
    return Field(session.task, networks, others, pool)


def _play(session: Session, field: Field, found: list[Entry], stack: ExitStack) -> float:
    """Play the stream; return the seconds."""
    session.console.progress("getting the networks ready (at first, their code is compiled)")
    warm_up_all(found, session.task)

    def so_far(seconds: float) -> str:
        speed = field.rows / max(seconds, 1e-9)
        return f"{field.rows:,} rows, {speed:,.0f} rows/s by {len(field.scores)} models"

    seconds, _ = play_once(session, field, encoding_of(session), stack, so_far)
    return seconds


def _outcome(session: Session, field: Field, ranked: list[Place], seconds: float) -> dict[str, Any]:
    best = next(place for place in ranked if place.is_network)
    assert best.entry is not None
    return {
        "version": version(),
        "source": session.source.name,
        "task": session.task,
        "target": session.roles.target,
        "rows": {"used": field.rows, "scored": field.scored},
        "seconds": seconds,
        "models": [place.as_dict() for place in ranked],
        "best_network": best.name,
        "command": command_line(best.entry.settings),
    }


def _head(outcome: dict[str, Any]) -> str:
    rows = outcome["rows"]
    return (
        f"{outcome['source']}: {outcome['task']} of {outcome['target']!r}, "
        f"{counted(rows['used'], 'row')}, {rows['scored']:,} scored"
    )


def _text(
    outcome: dict[str, Any], ranked: list[Place], session: Session, settings: CompareSettings
) -> str:
    networks = sum(place.is_network for place in ranked)
    lines = [_head(outcome), "", as_table(ranked, session.task), ""]
    lines.append(_remark(ranked, session.task, settings))
    kinds, seeds = counted(networks, "kind"), counted(settings.seeds, "seed")
    others, took = counted(len(ranked) - networks, "other"), outcome["seconds"]
    lines.append(
        f"{kinds} of networks with {seeds} each, and {others}, in {took:.1f} s. "
        "The best network again:"
    )
    return "\n".join([*lines, f"  {outcome['command']}"])


def _remark(ranked: list[Place], task: str, settings: CompareSettings) -> str:
    """Say what the marks mean, or why there are none."""
    metric, _ = BEST[task]
    other = best_other(ranked)
    if settings.seeds == 1:
        return "One seed tells no spread, so nothing is marked: --seeds 3 does."
    spread = f"the spread of its {metric} (standard deviation over {settings.seeds} seeds)"
    if other is None:
        return f"+-: {spread}."
    if any(place.is_better for place in ranked):
        return f"* better than {other.name} by more than {spread}."
    return f"No network is better than {other.name} by more than {spread}."
