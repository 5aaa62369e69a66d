"""The option ``--live-view``, for the commands that run for long."""

import click

from .view import check_available


def check(_: click.Context, __: click.Parameter, wanted: bool) -> bool:
    """Refuse before the run what could not be shown."""
    if wanted:
        check_available()
    return wanted


live_view_option = click.option(
    "--live-view",
    is_flag=True,
    callback=check,
    help="Show the run on the terminal while it goes on: targets and predictions, errors, speed, "
    "gradients. On standard error; if that is no terminal, a line every ten seconds.",
)
