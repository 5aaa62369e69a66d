"""Models that are gone on with, and runs that survive a crash."""

import click

from ..pace import Pace
from ..settings import Settings
from .group import group


def check_pace(_: click.Context, __: click.Parameter, every: str) -> str:
    """Refuse what is neither a number of rows nor a time."""
    try:
        Pace(every)
    except ValueError:
        what = f"{every!r} is no number of rows, as 1000, and no time, as 30s, 5m or 1h."
        raise click.BadParameter(what) from None
    return every


keeping_options = group(
    click.option(
        "--model",
        metavar="FILE",
        help="Go on with a saved model; what it is made of is in the file.",
    ),
    click.option("--save", metavar="FILE", help="Save the model to FILE at the end."),
    click.option(
        "--checkpoint",
        metavar="FILE",
        help="Keep the run in FILE, model and all: --resume goes on from there after a crash.",
    ),
    click.option(
        "--checkpoint-every",
        metavar="N|TIME",
        callback=check_pace,
        default=Settings.checkpoint_every,
        help="Rows, as 1000, or time, as 30s or 5m, between two checkpoints.",
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Go on from the checkpoint, if there is one; else begin.",
    ),
)
