"""How the command ends: errors shown in one line, and the exit code that shells expect."""

import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from .colour import forced, red
from .errors import DataError

#: 128 and the number of the signal, as shells count: SIGINT; SIGPIPE, which Python ignores.
INTERRUPTED, PIPE_CLOSED = 130, 141


class PipeClosedError(Exception):
    """Nobody reads any more what is written."""


@contextmanager
def pipes_watched() -> Iterator[None]:
    """Give a closed pipe a name of its own: click ends with 1 if it is an error of the system.

    Raises
    ------
    PipeClosedError
        In place of the error.
    """
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise PipeClosedError from None
        raise


def exit_code(run: Callable[[], Any]) -> int:
    """Run the command and return its exit code; show what went wrong on standard error."""
    try:
        with pipes_watched():
            code = run()
            # A reader who has gone, and a disk that is full, are found out here at the latest.
            sys.stdout.flush()
    except click.ClickException as error:
        show(error)
        return error.exit_code
    except click.Abort:
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except PipeClosedError:
        # Quietly: that is how `head` says that it has enough.
        _forget(sys.stdout)
        _forget(sys.stderr)
        return PIPE_CLOSED
    except OSError as error:
        return _cannot_write(error)
    return code if isinstance(code, int) else 0


def show(error: click.ClickException) -> None:
    """Write what click has to say about an error, the word ``Error:`` in red."""
    said = io.StringIO()
    error.show(said)
    word = red("Error:", sys.stderr)
    text = re.sub("^Error:", lambda _: word, said.getvalue(), count=1, flags=re.MULTILINE)
    click.echo(text, err=True, nl=False, color=forced())


def _cannot_write(error: OSError) -> int:
    """Say in one line that the disk is full; any other error of the system is none of ours."""
    from .atomic import DISK

    if error.errno not in DISK:
        raise error
    _forget(sys.stdout)
    said = DataError(f"cannot be written ({error.strerror})", source="standard output")
    show(said)
    return said.exit_code


def _forget(stream: Any) -> None:
    """Let what is still in a stream's buffer go nowhere: Python writes it on the way out."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
