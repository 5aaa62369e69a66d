"""Where rows come from, and how they are read."""

import click

from ..settings import Settings
from ..sources import formats
from .group import group
from .values import POSITIVE, Choice

source_argument = click.argument("source", default=Settings.source)

source_options = group(
    click.option(
        "--format",
        type=Choice(sorted(formats())),
        help="Format of a file.  [default: by its suffix, else by its first line]",
    ),
    click.option(
        "--target",
        metavar="COLUMN",
        help="Column to predict.  [default: that of the data set; a file needs it]",
    ),
    click.option(
        "--time",
        metavar="COLUMN",
        help="Column that is the time stamp: no feature, but copied into the predictions.",
    ),
    click.option(
        "--drop",
        metavar="COLUMNS",
        multiple=True,
        help="Columns to leave out, with commas in between; may be repeated.",
    ),
    click.option(
        "--task",
        type=Choice(["auto", "regression", "classification"]),
        default=Settings.task,
        help="What the target is: numbers or labels. auto looks at the first rows.",
    ),
    click.option(
        "--on-error",
        type=Choice(["stop", "skip"]),
        default=Settings.on_error,
        help="What a row that cannot be used does: end the run, or be counted and left out.",
    ),
    click.option("--limit", type=POSITIVE, help="Rows to use at most.  [default: all]"),
)
