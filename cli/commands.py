"""The group of sub-commands: a command's module is imported when the command is named."""

import importlib
import sys
from collections.abc import Mapping
from functools import partial
from typing import Any

import click

from .colour import bold, forced
from .config import configurable
from .ending import INTERRUPTED, exit_code, pipes_watched
from .stopping import Impatience
from .suggestions import did_you_mean, listed


class Formatter(click.HelpFormatter):
    """Help with bold headings."""

    def write_heading(self, heading: str) -> None:
        """Write a heading, such as ``Options:``."""
        self.write(f"{'':>{self.current_indent}}{bold(f'{heading}:', sys.stdout)}\n")


class Context(click.Context):
    """What click knows of a run, with colours as the environment wants them."""

    formatter_class = Formatter

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.color is None:
            self.color = forced()


class Commands(click.Group):
    """Sub-commands by their names, found without importing them.

    The command ``replay`` is called that in the module ``replay`` beside this one; the module
    is imported when the command is named. Each of them has ``--config`` and ``--show-config``.

    Parameters
    ----------
    texts
        What the list of commands says of each, in its order.
    options
        What ``click.Group`` takes.
    """

    context_class = Context

    def __init__(self, *, texts: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.texts = texts

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the list."""
        return list(self.texts)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, None if there is none of this name."""
        if cmd_name in self.texts and cmd_name not in self.commands:
            module = importlib.import_module(f".{cmd_name}", __package__)
            command = configurable(getattr(module, cmd_name))
            command.context_class = Context
            self.add_command(command, cmd_name)
        return super().get_command(ctx, cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is named first; say which one it could be if there is none."""
        name = args[0]
        # What looks like an option is one to click, and in completion all may be half written.
        known = name in self.texts or name.startswith("-") or ctx.resilient_parsing
        if not known:
            near = did_you_mean(name, self.texts) or f"There are {listed(self.texts)}."
            raise click.UsageError(f"No such command {name!r}. {near}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.texts.items()))

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the command line; what ``--help`` asks for is already written here."""
        with pipes_watched():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the sub-command; say one line if the user interrupts it."""
        try:
            with pipes_watched():
                return super().invoke(ctx)
        except Impatience:
            click.echo("Interrupted: what was done since the last checkpoint is lost.", err=True)
            ctx.exit(INTERRUPTED)
        except KeyboardInterrupt:
            click.echo("Interrupted: no output file was changed.", err=True)
            ctx.exit(INTERRUPTED)

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run what the command line says, and end the process unless told not to."""
        run = partial(super().main, *args, standalone_mode=False, **extra)
        if not standalone_mode:
            return run()
        sys.exit(exit_code(run))
