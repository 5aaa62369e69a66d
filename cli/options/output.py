"""What is written, and what is said meanwhile."""

import click

from ..compression import BY_SUFFIX as COMPRESSIONS
from ..predictions import BY_SUFFIX as TABLES
from ..predictions import writer_for
from .group import group


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


output_options = group(
    click.option(
        "--predictions",
        metavar="FILE",
        callback=check_predictions,
        help="Write row, time, target and prediction to FILE (.csv or .jsonl, may end in .gz, "
        ".bz2 or .xz); - is standard output, and the table goes to standard error.",
    ),
    click.option(
        "--metrics-json",
        metavar="FILE",
        help="Write all figures to FILE as JSON; - is standard output.",
    ),
    click.option("--quiet", "-q", is_flag=True, help="No progress and no remarks, only errors."),
)
