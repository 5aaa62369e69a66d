"""Rows of text: lines in one of the text formats, from wherever the lines come."""

from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

from ..lines import Pause, TextLines
from .protocol import Item, Position, Source


class TextSource(Source):
    """A stream of lines in a text format; where it is, is counted in bytes and lines.

    Parameters
    ----------
    binary
        The lines as bytes, from the first one on; one that is being written may raise `Pause`.
    name
        For messages and reports.
    formats
        The formats that it may have; if there are several, the first line tells.
    is_live
        Whether lines come when they come.
    """

    def __init__(
        self,
        binary: Iterable[bytes],
        name: str,
        formats: Sequence[ModuleType],
        *,
        is_live: bool = False,
    ) -> None:
        super().__init__(name)
        self.is_live = is_live
        self._lines = TextLines(binary, name, in_blocks=not is_live)
        self._formats = formats
        self._position = {"byte": 0, "line": 0}
        self._start = 0

    def items(self) -> Iterator[Item]:
        """Give the rows."""
        while len(self._formats) > 1:
            try:
                self._formats = [_sniffed(self._lines.first(), self._formats)]
            except Pause:
                yield None
        yield from self._formats[0].read(self._lines, self.name, self._start)

    def passed(self, offsets: Sequence[Any]) -> None:
        """Take note that these rows have been used or left out."""
        byte, line = offsets[-1]
        self._position = {"byte": byte, "line": line}

    def position(self) -> Position:
        """Return how many bytes and lines have been passed."""
        return dict(self._position)

    def seek(self, position: Position) -> None:
        """Begin behind the bytes that an earlier run has passed."""
        self._position = dict(position)
        self._start = position["byte"]


def _sniffed(first: str, formats: Sequence[ModuleType]) -> ModuleType:
    """Choose the format whose files begin like this one, the most particular first."""
    begins = first.lstrip()
    fitting = [module for module in formats if begins.startswith(module.FIRST)]
    return max(fitting, key=lambda module: max(map(len, module.FIRST)))
