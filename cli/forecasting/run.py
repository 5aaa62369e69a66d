"""``streamrnn forecast``, from the source to the values to come."""

from __future__ import annotations

import math
import sys
from contextlib import ExitStack
from typing import Any

import click

from ..atomic import replacing
from ..console import Console
from ..encoding import Encoding
from ..loading import load_model, save_model
from ..network import as_options, title
from ..onepass import play_once
from ..preparing import Session, cycles_of, encoding_of, prepare
from ..report import as_json
from ..sinks import open_sink
from ..sources import open_source
from ..stopping import Stop
from ..table import number, render
from ..version import version
from .along import Learner, Series
from .future import Future, future_of
from .settings import ForecastSettings


def run(settings: ForecastSettings) -> None:
    """Learn the series; write what comes after it, show how good that was along the way."""
    shared = settings.shared
    console = Console(sys.stderr, shared.quiet)
    with ExitStack() as stack:
        stack.callback(console.clear)
        source = stack.enter_context(open_source(shared.source, shared.format))
        source.note = console.note
        if settings.future is not None:
            # Needed at the end only, but missed at once.
            with open_source(settings.future, shared.format):
                pass
        figures = shared.metrics_json and stack.enter_context(replacing(shared.metrics_json))
        sink = stack.enter_context(open_sink(settings.predictions))
        session = prepare(shared, console, source, None, Stop())
        model = _model(settings)
        name = title(model, shared)
        learner = Learner(name, model, settings.horizon, settings.season, settings.try_every)
        encoding = encoding_of(session)
        series = _learn(session, learner, encoding, stack)
        future = future_of(settings, session, series, encoding)
        values = model.forecast(settings.horizon, future.samples)
        columns, records = _records(values, future)
        sink.write(columns, records)
        outcome = _outcome(session, series, learner, settings)
        if figures:
            made = [dict(zip(columns, record, strict=True)) for record in records]
            figures.write(as_json(outcome | {"forecast": made}))
        # Last of all that can fail, so that nobody goes on with a model of a run that failed.
        if shared.save is not None:
            save_model(model, shared.save)
    taken = "-" in (settings.predictions, shared.metrics_json)
    if not (taken and shared.quiet):
        click.echo(_text(outcome), err=taken)


def _model(settings: ForecastSettings) -> Any:
    """Return a fresh forecaster, or the one that is gone on with.

    Raises
    ------
    click.UsageError
        If options do not fit together, or the model is another one.
    """
    from streamrnn import RNNForecaster

    shared = settings.shared
    if shared.model is not None:
        model = load_model(shared.model)
        if not isinstance(model, RNNForecaster):
            raise click.UsageError(f"--model: it is an {type(model).__name__}, no RNNForecaster.")
        if model.direct is not None and settings.horizon > model.direct:
            raise click.UsageError(
                f"the model forecasts {model.direct} values at once (--direct), so -H "
                f"{settings.horizon} is too far."
            )
        return model
    parameters = _parameters(settings)
    try:
        return RNNForecaster(**parameters)
    except (TypeError, ValueError) as error:
        raise click.UsageError(as_options(str(error), parameters)) from None
    except MemoryError:
        raise click.UsageError("a network of that size does not fit into memory.") from None


def _parameters(settings: ForecastSettings) -> dict[str, Any]:
    shared = settings.shared
    names = ("cell", "hidden_size", "num_layers", "truncation", "optimizer", "lr", "seed")
    found = {name: getattr(shared, name) for name in names}
    found |= {"lags": settings.lags, "direct": settings.horizon if settings.direct else None}
    if settings.cycles is not None:
        given = "" if settings.cycles == "none" else settings.cycles
        found["calendar"] = tuple(cycles_of((given,)))
    return found


def _learn(
    session: Session,
    learner: Learner,
    encoding: Encoding | None,
    stack: ExitStack,
) -> Series:
    console = session.console

    series = Series(learner, session.roles.time)
    console.progress("getting the network ready (the first time, its code is compiled)")
    _warm_up(learner.model)

    def so_far(seconds: float) -> str:
        return f"{series.rows:,} rows, {series.rows / max(seconds, 1e-9):,.0f} rows/s"

    series.took, series.skipped = play_once(
        session, series, encoding, stack, so_far, is_series=True
    )
    learner.finish()
    return series


def _warm_up(model: Any) -> None:
    """Have the code compiled, or loaded, on a throw-away copy: that is no time a sample."""
    copy = model.clone()
    copy.learn_one(0.0)
    copy.forecast(1)


def _records(values: list[float], future: Future) -> tuple[tuple[str, ...], list[list[Any]]]:
    finite = [value if math.isfinite(value) else None for value in values]
    steps = list(range(1, len(values) + 1))
    if future.times is None:
        return ("step", "forecast"), [list(one) for one in zip(steps, finite, strict=True)]
    columns = ("step", "time", "forecast")
    return columns, [list(one) for one in zip(steps, future.times, finite, strict=True)]


def _outcome(
    session: Session, series: Series, learner: Learner, settings: ForecastSettings
) -> dict[str, Any]:
    names = [learner.name, *learner.past.names]
    return {
        "version": version(),
        "source": session.source.name,
        "target": session.roles.target,
        "horizon": settings.horizon,
        "rows": {
            "used": series.rows,
            "skipped": series.skipped,
            "without_target": series.without_target,
        },
        "forecasts": learner.tried,
        "seconds": series.took,
        "us_per_sample": 1e6 * learner.seconds / series.rows,
        "models": [
            {"name": name, "metrics": errors.values()}
            for name, errors in zip(names, learner.errors, strict=True)
        ],
    }


def _text(outcome: dict[str, Any]) -> str:
    models, rows = outcome["models"], outcome["rows"]
    head = (
        f"{outcome['source']}: {outcome['horizon']} values after {rows['used']:,} of "
        f"{outcome['target']!r}"
    )
    missing = f", {rows['without_target']:,} of them missing" if rows["without_target"] else ""
    skipped = f", {rows['skipped']:,} rows skipped" if rows["skipped"] else ""
    cost = (
        f"{models[0]['name']}: {outcome['us_per_sample']:.1f} us to learn a value, "
        f"{outcome['seconds']:.1f} s in all"
    )
    if not outcome["forecasts"]:
        why = "The series is too short to try forecasts of that length along the way."
        return "\n".join([head + missing + skipped, why, cost])
    table = render(
        ["model", *models[0]["metrics"]],
        [[one["name"], *map(number, one["metrics"].values())] for one in models],
    )
    told = (
        f"Errors of {outcome['forecasts']:,} forecasts made along the way, each before its values:"
    )
    return "\n".join([head + missing + skipped, told, "", table, "", cost])
