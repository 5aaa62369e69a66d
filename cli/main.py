"""The ``streamrnn`` command: its sub-commands, its version, and how it ends."""

import codecs
import io
import signal
import sys
from typing import Any

import click

from .replay import replay
from .serve import serve
from .version import version
from .warmup import warmup


class Commands(click.Group):
    """A group of commands that ends quietly on Ctrl-C, as shells expect it: with code 130."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command; say one line if the user interrupts it."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted: no output file was changed.", err=True)
            ctx.exit(130)


def show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version and end, if it was asked for."""
    if wanted and not ctx.resilient_parsing:
        click.echo(f"streamrnn {version()}")
        ctx.exit()


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
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


commands.add_command(replay)
commands.add_command(serve)
commands.add_command(warmup)


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
