"""``--config run.toml``, a file that says what options say; ``--show-config`` writes one.

``reading`` opens the file and knows on which line a key stands, ``matching`` finds the options
that the keys mean and checks the values, ``writing`` is the way back.
"""

from functools import wraps
from typing import Any

import click

from .matching import settings_from
from .reading import read
from .writing import as_toml


def apply(ctx: click.Context, _: click.Parameter, path: str | None) -> str | None:
    """Let the file say what options are without a word on the command line."""
    if path is not None and not ctx.resilient_parsing:
        ctx.default_map = {**(ctx.default_map or {}), **settings_from(read(path), ctx)}
    return path


OPTIONS = (
    click.Option(
        ["--config"],
        metavar="FILE",
        # First of all: the other options ask it for their values.
        is_eager=True,
        expose_value=False,
        callback=apply,
        help="Take options from a TOML file: names as here, source for the argument; a table "
        "named like the command goes before what stands above all tables, and the command "
        "line before both. Paths in it are relative to the working directory.",
    ),
    click.Option(
        ["--show-config"],
        is_flag=True,
        show_default=False,
        help="Print all values as such a file, which asks for the same run, and exit.",
    ),
)


def configurable(command: click.Command) -> click.Command:
    """Give a command ``--config`` and ``--show-config``.

    Parameters
    ----------
    command
        A command, which is changed and returned. What it does itself is not told of either.
    """
    run = command.callback
    assert run is not None

    @wraps(run)
    def callback(*args: Any, show_config: bool, **options: Any) -> Any:
        if not show_config:
            return run(*args, **options)
        click.echo(as_toml(click.get_current_context()), nl=False)
        return None

    command.callback = callback
    command.params.extend(OPTIONS)
    return command
