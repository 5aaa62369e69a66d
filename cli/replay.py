"""``streamrnn replay``: the options, and a call of `session.run`."""

import math
import os
from typing import Any

import click

from .compression import BY_SUFFIX as COMPRESSIONS
from .predictions import BY_SUFFIX as TABLES
from .predictions import writer_for
from .settings import Settings
from .sources import formats

EPILOG = """Exit codes: 0 done, 2 wrong use, 3 wrong data, 130 interrupted."""

POSITIVE = click.IntRange(min=1)
NOT_NEGATIVE = click.IntRange(min=0)


def check_predictions(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    """Refuse a file whose suffix names no format, before anything is read."""
    if path is not None:
        try:
            writer_for(path)
        except KeyError:
            endings = " or ".join(TABLES)
            more = ", ".join(COMPRESSIONS)
            raise click.BadParameter(
                f"must end in {endings} (and perhaps {more}), or be -"
            ) from None
    return path


def check_finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """Refuse what is no number: every comparison with it fails, those of a range included."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("must be a finite number")
    return value


def check_files(settings: Settings) -> None:
    """Refuse to write one file twice, or over the source."""
    written = [path for path in (settings.predictions, settings.metrics_json) if path]
    if len({os.path.realpath(path) for path in written}) < len(written):
        raise click.UsageError("--predictions and --metrics-json name the same file.")
    for path in written:
        if path != "-" and os.path.realpath(path) == os.path.realpath(settings.source):
            raise click.UsageError(f"{path!r} is the source: it would be overwritten.")


@click.command(epilog=EPILOG, context_settings={"show_default": True})
@click.argument("source", default=Settings.source)
@click.option(
    "--format",
    type=click.Choice(sorted(formats())),
    help="Format of a file.  [default: by its suffix, else by its first line]",
)
@click.option(
    "--target",
    metavar="COLUMN",
    help="Column to predict.  [default: that of the data set; a file needs it]",
)
@click.option(
    "--time",
    metavar="COLUMN",
    help="Column that is the time stamp: no feature, but copied into the predictions.",
)
@click.option(
    "--drop",
    metavar="COLUMNS",
    multiple=True,
    help="Columns to leave out, with commas in between; may be repeated.",
)
@click.option(
    "--task",
    type=click.Choice(["auto", "regression", "classification"]),
    default=Settings.task,
    help="What the target is: numbers or labels. auto looks at the first rows.",
)
@click.option(
    "--cell",
    metavar="NAME",
    default=Settings.cell,
    help="Recurrent cell: rnn (Elman's, with tanh), rnn_relu, gru, lstm, or any other file "
    "in streamrnn/cells.",
)
@click.option(
    "--hidden-size",
    type=POSITIVE,
    default=Settings.hidden_size,
    help="Units in each layer.",
)
@click.option(
    "--num-layers",
    type=POSITIVE,
    default=Settings.num_layers,
    help="Layers, one above the other.",
)
@click.option(
    "--truncation",
    type=POSITIVE,
    default=Settings.truncation,
    help="How many rows back the gradient goes.",
)
@click.option(
    "--update-every",
    type=POSITIVE,
    default=Settings.update_every,
    help="Rows between two updates of the weights.",
)
@click.option(
    "--optimizer",
    metavar="NAME",
    default=Settings.optimizer,
    help="How a gradient changes the weights: sgd, momentum, nesterov, rmsprop, adagrad, adam, "
    "adamw, obgd, intentional, or any other file in streamrnn/optimizers.",
)
@click.option(
    "--lr",
    type=click.FloatRange(min=0, min_open=True),
    callback=check_finite,
    help="Learning rate, the size of a step.  [default: the optimizer's own, adam's is 0.002]",
)
@click.option(
    "--clip-norm",
    type=click.FloatRange(min=0),
    callback=check_finite,
    default=Settings.clip_norm,
    help="Largest norm of the gradient; a longer one is shortened. 0: no limit.",
)
@click.option(
    "--lags",
    type=NOT_NEGATIVE,
    default=Settings.lags,
    help="How many of the last targets become features, for every model. 0: none, beside those "
    "that the network looks at by itself.",
)
@click.option("--seed", type=NOT_NEGATIVE, default=Settings.seed, help="Seed of the first weights.")
@click.option("--limit", type=POSITIVE, help="Rows to use at most.  [default: all]")
@click.option(
    "--predictions",
    metavar="FILE",
    callback=check_predictions,
    help="Write row, time, target and prediction to FILE (.csv or .jsonl, may end in .gz, "
    ".bz2 or .xz); - is standard output, and the table goes to standard error.",
)
@click.option(
    "--metrics-json",
    metavar="FILE",
    help="Write all figures to FILE as JSON; - is standard output.",
)
@click.option(
    "--on-error",
    type=click.Choice(["stop", "skip"]),
    default=Settings.on_error,
    help="What a row that cannot be used does: end the run, or be counted and left out.",
)
@click.option("--quiet", "-q", is_flag=True, help="No progress and no remarks, only errors.")
def replay(**options: Any) -> None:
    """Replay a recorded stream: predict each row, then learn from it.

    SOURCE is a CSV file (commas, semicolons or tabs) or a JSON Lines file, also .gz, .bz2 or
    .xz; - for standard input; or river:NAME for a data set that comes with River. Without it,
    river:WaterFlow.

    The table shows the network beside simple models on the same rows. An empty cell, NA, NaN,
    null, None and ? are missing values.
    """
    settings = Settings(**options)
    check_files(settings)

    from .session import run

    run(settings)
