"""The ``streamrnn`` command: the list of its sub-commands, its version, and how it is started."""

import codecs
import io
import signal
import sys

import click

from .commands import Commands

#: Each command lies in the module of its name. To add one, write its file and a line here.
TEXTS = {
    "replay": "Replay a recorded stream: predict each row, then learn from it.",
    "live": "Learn from a stream while it comes: predict each event, then learn from it.",
    "compare": "Find out which network is best on a stream: all play it at once, row by row.",
    "forecast": "Learn a recorded series, and forecast the values after it.",
    "predict": "Predict with a model that is to stay as it is: nothing is learnt.",
    "inspect": "Tell what a saved model is, what it has learnt from, and whether it looks healthy.",
    "plot": "Draw predictions that were written: a picture or a page.",
    "serve": "Serve one model over HTTP, with a page that shows how it does.",
    "warmup": "Compile ahead of time, for container images.",
}


def show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and end, if it was asked for."""
    if wanted and not ctx.resilient_parsing:
        from .version import version

        click.echo(f"streamrnn {version()}")
        ctx.exit()


@click.group(cls=Commands, texts=TEXTS, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=show_version,
    help="Show the version and exit.",
)
def commands() -> None:
    """Recurrent networks that learn from streams, one sample at a time."""


def _take_any_letter(stream: io.TextIOWrapper) -> None:
    """Keep a name that the stream's encoding lacks from ending a run with a traceback."""
    if codecs.lookup(stream.encoding).name == "ascii":
        # Hardly ever meant: it is what a system without a language says.
        stream.reconfigure(encoding="utf-8")
    stream.reconfigure(errors="backslashreplace")


def main() -> None:
    """Run the command line (the console script)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            _take_any_letter(stream)
    # Turned into an exception, so that temporary files are removed on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    commands(prog_name="streamrnn")
