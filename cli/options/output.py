"""What is written, and what is said meanwhile."""

import click

from ..compression import BY_SUFFIX as COMPRESSIONS
from ..monitor.options import report_option
from ..sinks import endings, has_format
from .group import group
from .values import Choice


def check_predictions(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    """Refuse a file whose suffix names no format, before anything is read."""
    if path is not None and not has_format(path):
        named, more = " or ".join(endings()), ", ".join(COMPRESSIONS)
        raise click.BadParameter(f"must end in {named} (and perhaps {more}), or be -")
    return path


output_options = group(
    click.option(
        "--predictions",
        metavar="FILE",
        callback=check_predictions,
        help="Write row, time, target and prediction to FILE (.csv or .jsonl, may end in .gz, "
        ".bz2 or .xz); - is standard output, and the table goes to standard error; "
        "kafka:, mqtt:, redis: and tcp: as for sources.",
    ),
    click.option(
        "--metrics-json",
        metavar="FILE",
        help="Write all figures to FILE as JSON; - is standard output.",
    ),
    report_option,
    click.option(
        "--baselines",
        type=Choice(["all", "simple", "none"]),
        help="Who plays beside the network: simple looks at past targets only, all has a linear "
        "model, too.  [default: all; simple with --checkpoint, --key, --id and --delay]",
    ),
    click.option(
        "--live-view", is_flag=True, help="Show the run in the terminal while it goes on."
    ),
    click.option("--quiet", "-q", is_flag=True, help="No progress and no remarks, only errors."),
)
