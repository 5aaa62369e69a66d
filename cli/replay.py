"""``streamrnn replay``: the options, and a call of `session.run`."""

from typing import Any

import click

from .checks import check
from .options import (
    backend_option,
    keeping_options,
    network_options,
    output_options,
    source_argument,
    source_options,
)
from .settings import Settings

EPILOG = """Exit codes: 0 done, 2 wrong use, 3 wrong data, 130 interrupted, 143 terminated."""


@click.command(epilog=EPILOG, context_settings={"show_default": True})
@source_argument
@source_options
@network_options
@backend_option
@keeping_options
@output_options
def replay(**options: Any) -> None:
    """Replay a recorded stream: predict each row, then learn from it.

    SOURCE is a CSV file (commas, semicolons or tabs) or a JSON Lines file, also .gz, .bz2, .xz,
    .zst or .zip; a Parquet or Arrow file; - for standard input; or river:NAME for a data set that
    comes with River. Without it, river:WaterFlow.

    The table shows the network beside simple models on the same rows. An empty cell, NA, NaN,
    null, None and ? are missing values.
    """
    settings = Settings(**options)
    check(settings)

    from .session import run

    raise click.exceptions.Exit(run(settings))
