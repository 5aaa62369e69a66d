"""``streamrnn live``: the options, and a call of `session.run`."""

from typing import Any

import click

from .checks import check
from .options import keeping_options, network_options, output_options, source_options
from .settings import Settings

EPILOG = """Exit codes: 0 the source ended, 2 wrong use, 3 wrong data, 130 interrupted, 143
terminated."""


@click.command(epilog=EPILOG, context_settings={"show_default": True})
@click.argument("source")
@source_options
@network_options
@keeping_options
@output_options
def live(**options: Any) -> None:
    """Learn from a stream while it comes: predict each event, then learn from it.

    SOURCE is - for lines of CSV or JSON on standard input; a file that grows; tcp://HOST:PORT;
    kafka://HOST:PORT/TOPIC; mqtt://HOST:PORT/TOPIC; or redis://HOST:PORT/STREAM.

    Predictions go to standard output, one JSON object a line, or where --predictions says. Ctrl-C
    and SIGTERM end the run after the event that is being learnt.
    """
    if options["predictions"] is None:
        options["predictions"] = "-"
    settings = Settings(**options, is_live=True)
    check(settings)

    from .session import run

    raise click.exceptions.Exit(run(settings))
