"""Standard input as it comes: rows are used when they are there, not when a buffer is full."""

import os
import select
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from ..lines import Pause
from ..retrying import TURN
from .passing import PassingText
from .pieces import CHUNK, LineBuffer
from .protocol import Source

NAME = "standard input"


@contextmanager
def open_live(format: str | None = None) -> Iterator[Source]:
    """Open standard input: a pipe, a terminal or a file; its end is that of the stream.

    Parameters
    ----------
    format
        The name of a text format; None to tell it by the first line.
    """
    from . import formats

    chosen = [formats()[format]] if format else list(formats().values())
    yield PassingText(_lines(), NAME, chosen)


def _lines() -> Iterable[bytes]:
    try:
        descriptor = sys.stdin.fileno()
    except OSError:
        # Replaced by something that is no file: there is nothing to wait for.
        return sys.stdin.buffer
    return DescriptorLines(descriptor, NAME)


class DescriptorLines(Iterator[bytes]):
    """The lines of an open file descriptor; raises `Pause` while there is none.

    Parameters
    ----------
    descriptor
        Its number.
    name
        For messages.
    """

    def __init__(self, descriptor: int, name: str) -> None:
        self._descriptor = descriptor
        self._buffer = LineBuffer(name)
        self._ended = False
        #: Whether lines were given since the last pause: they are used before others are awaited.
        self._gave = False

    def __next__(self) -> bytes:
        while (line := self._buffer.take()) is None:
            if self._ended:
                raise StopIteration
            if not select.select([self._descriptor], [], [], 0 if self._gave else TURN)[0]:
                self._gave = False
                raise Pause
            chunk = os.read(self._descriptor, CHUNK)
            if chunk:
                self._buffer.feed(chunk)
            else:
                self._ended = True
                self._buffer.finish()
        self._gave = True
        return line
