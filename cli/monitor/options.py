"""The option ``--report``, for every command that runs a model."""

import click

from ..compression import suffixes
from .page import check_available


def check_report(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    """Refuse, before anything is read, what could not be written at the end."""
    if path is not None:
        if path != "-" and suffixes(path)[0] not in (".html", ".htm"):
            raise click.BadParameter("must end in .html (and perhaps .gz, .bz2, .xz), or be -")
        check_available()
    return path


report_option = click.option(
    "--report",
    metavar="FILE",
    callback=check_report,
    help="Write how the run went to FILE (.html) at its end: one page with charts of predictions, "
    "errors, gradients and speed. It needs streamrnn[report].",
)
