"""Several options as one decorator."""

from collections.abc import Callable
from typing import Any

Decorator = Callable[[Any], Any]


def group(*options: Decorator) -> Decorator:
    """Return a decorator that gives a command these options, in this order.

    Parameters
    ----------
    options
        What ``click.option`` and ``click.argument`` return.

    Examples
    --------
    >>> import click
    >>> @click.command()
    ... @group(click.option("--first"), click.option("--second"))
    ... def command(**options): ...
    >>> [option.name for option in command.params]
    ['first', 'second']
    """

    def decorate(command: Any) -> Any:
        # As if written above the function: the decorator that stands last is applied first.
        for option in reversed(options):
            command = option(command)
        return command

    return decorate
