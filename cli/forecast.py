"""``streamrnn forecast``: the options, and a call of `forecasting.run`."""

from typing import Any

import click

from .checks import check
from .forecasting.settings import ForecastSettings
from .options import POSITIVE, check_files, series_options, source_argument
from .options.cycles import are_cycles
from .options.lists import COUNTS
from .options.network import CELL, HIDDEN_SIZE, LR, NUM_LAYERS, OPTIMIZER, SEED
from .options.output import METRICS_JSON, QUIET, check_predictions
from .settings import Settings

EPILOG = """Exit codes: 0 done, 2 wrong use, 3 wrong data, 130 interrupted, 143 terminated."""


def check_cycles(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    """Refuse what names no cycles."""
    if given in (None, "none") or are_cycles(str(given)):
        return given
    raise click.BadParameter("must be none, or such as day:12,week:3,year")


@click.command(epilog=EPILOG, context_settings={"show_default": True})
@source_argument
@click.option("--horizon", "-H", type=POSITIVE, default=24, help="How many values after the last.")
@click.option(
    "--season",
    type=POSITIVE,
    help="Compare with the series so many rows before, such as 24 for an hourly one.",
)
@series_options
@click.option(
    "--future",
    metavar="FILE",
    help="What the other columns are in the rows to come, one row a value. Without it they are "
    "not used.",
)
@CELL
@HIDDEN_SIZE
@NUM_LAYERS
@click.option(
    "--truncation", type=POSITIVE, default=48, help="How many rows back the gradient goes."
)
@OPTIMIZER
@LR
@SEED
@click.option(
    "--lags",
    metavar="LIST",
    type=COUNTS,
    default="1",
    help="Which earlier values the network sees, with commas in between; 1 is the last.",
)
@click.option(
    "--calendar",
    metavar="CYCLES",
    callback=check_cycles,
    help="Cycles of the time stamps that the network sees, with their harmonics, or none.  "
    "[default: day:12,week:3,year]",
)
@click.option(
    "--direct",
    is_flag=True,
    help="Forecast all values at once, and not each from the one before.",
)
@click.option(
    "--try-every",
    type=POSITIVE,
    default=1,
    help="Rows between two forecasts along the way; one takes as long as learning some rows.",
)
@click.option(
    "--model",
    metavar="FILE",
    help="Go on with a saved forecaster. SOURCE has the rows after those that it has learnt: what "
    "is there again is learnt again.",
)
@click.option("--save", metavar="FILE", help="Save the forecaster to FILE at the end.")
@click.option(
    "--predictions",
    "-o",
    metavar="FILE",
    callback=check_predictions,
    default="-",
    help="Write the forecast to FILE (.csv or .jsonl); - is standard output, as CSV.",
)
@METRICS_JSON
@QUIET
def forecast(**options: Any) -> None:
    """Learn a recorded series, and forecast the values after it.

    SOURCE is as for streamrnn replay. Its times go on by their usual step, or by the calendar if
    that is months; a column of other values needs --future.

    Along the way the network forecasts what it has not read yet, and the table shows how far off
    that was, beside the last value and, with --season, the same values a season before.
    """
    written = {
        "--predictions": options["predictions"],
        "--metrics-json": options["metrics_json"],
        "--dead-letter": options["dead_letter"],
        "--save": options["save"],
    }
    check_files(options["source"], written)
    if options["future"] is not None:
        check_files(options["future"], written)
    own = {name: options.pop(name) for name in ("horizon", "season", "direct", "try_every")}
    own |= {name: options.pop(name) for name in ("future", "predictions")}
    own |= {"cycles": options.pop("calendar"), "lags": COUNTS.values(options.pop("lags"))}
    shared = Settings(**options, task="regression", alone=own["future"] is None)
    check(shared)
    if own["future"] == "-" == shared.source:
        raise click.UsageError("SOURCE and --future cannot both be standard input.")
    settings = ForecastSettings(shared, **own)

    from .forecasting.run import run

    run(settings)
