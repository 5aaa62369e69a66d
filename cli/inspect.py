"""``streamrnn inspect``: the options, and a call of `inspection.run`."""

from dataclasses import dataclass
from typing import Any

import click

EPILOG = """Exit codes: 0 done, 2 wrong use, 3 the file holds no model, 130 interrupted."""


@dataclass(frozen=True)
class InspectSettings:
    """The options of ``streamrnn inspect``, by their names on the command line."""

    model: str
    key: str | None = None
    json: bool = False


@click.command(epilog=EPILOG)
@click.argument("model")
@click.option(
    "--key", metavar="KEY", help="Look at the model of this key, if the file has one for each key."
)
@click.option("--json", is_flag=True, help="Write everything as JSON.")
def inspect(**options: Any) -> None:
    """Tell what a saved model is, what it has learnt from, and whether it looks healthy.

    MODEL is a file that save() wrote, or a checkpoint. Arguments are shown that are not the
    defaults; then the names of features and targets, the counters, how far back the gradient of the
    newest sample reaches, how many gates are stuck near an end, and the size of the weights.
    """
    settings = InspectSettings(**options)

    from .inspection import run

    run(settings)
