"""What is written, and what is said meanwhile."""

import click

from ..compression import written
from ..live_view.options import live_view_option
from ..monitor.options import report_option
from ..sinks import endings, has_format
from .group import group
from .values import Choice, Count


def check_predictions(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    """Refuse a file whose suffix names no format, before anything is read."""
    if path is not None and not has_format(path):
        named, more = " or ".join(endings()), ", ".join(written())
        raise click.BadParameter(f"must end in {named} (and perhaps {more}), or be -")
    return path


def check_serve(_: click.Context, __: click.Parameter, port: int | None) -> int | None:
    """Refuse before the run what could not be shown."""
    if port is not None:
        from ..serving.server import check_available

        check_available()
    return port


METRICS_JSON = click.option(
    "--metrics-json",
    metavar="FILE",
    help="Write all figures to FILE as JSON; - is standard output.",
)

BASELINES = click.option(
    "--baselines",
    type=Choice(["all", "simple", "none"]),
    help="Who plays beside the network: simple looks at past targets only, all has a linear "
    "model, too.  [default: all; simple with --checkpoint, --key, --id and --delay]",
)

QUIET = click.option("--quiet", "-q", is_flag=True, help="No progress and no remarks, only errors.")

output_options = group(
    click.option(
        "--predictions",
        metavar="FILE",
        callback=check_predictions,
        help="Write row, time, target and prediction to FILE (.csv or .jsonl, may end in .gz, "
        ".bz2, .xz or .zst); - is standard output, and the table goes to standard error; "
        "kafka:, mqtt:, redis: and tcp: as for sources.",
    ),
    METRICS_JSON,
    report_option,
    BASELINES,
    live_view_option,
    click.option(
        "--serve",
        metavar="PORT",
        type=Count(0, 65535),
        callback=check_serve,
        help="Show the run on a web page of this machine while it goes on; 0 takes a free port. "
        "It needs streamrnn[serve].",
    ),
    QUIET,
)
