"""``streamrnn predict``: the options, and a call of `session.run`."""

from typing import Any

import click

from .checks import check
from .options import output_options, recorded_options
from .settings import Settings

EPILOG = """Exit codes: 0 done, 2 wrong use, 3 wrong data, 130 interrupted, 143 terminated."""


@click.command(epilog=EPILOG, context_settings={"show_default": True})
@click.argument("model")
@click.argument("source", required=False)
@recorded_options
@output_options
def predict(**options: Any) -> None:
    """Predict with a model that is to stay as it is: nothing is learnt.

    MODEL is a file that --save or --checkpoint wrote; it is only read. A checkpoint knows which
    column is the target, the time or the key, and how words are encoded; options go before.

    SOURCE is as for streamrnn replay. Targets need not be there: one that is, is known to the
    model as the last one with the rows after it, and is scored.

    Predictions go to standard output as CSV, or where --predictions says.
    """
    # Not a required argument: MODEL may be in a file of options, and the source as well.
    if options["source"] is None:
        raise click.UsageError("what is to be predicted? Give SOURCE after MODEL.")
    if options["predictions"] is None:
        options["predictions"] = "-"
    check(Settings(**options, frozen=True))

    from .known import Known
    from .session import run

    known = Known.load(options["model"])
    settings = known.adopted(Settings(**options, frozen=True))
    raise click.exceptions.Exit(run(settings, known))
