"""Rows of text: lines in one of the text formats, from wherever the lines come."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType
from typing import Any

from ..errors import DataError
from ..lines import HEAD, Pause, TextLines
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
    in_blocks
        Whether all is there already, so that many lines may be read at once.
    """

    def __init__(
        self,
        binary: Iterable[bytes],
        name: str,
        formats: Sequence[ModuleType],
        *,
        is_live: bool = False,
        in_blocks: bool = False,
    ) -> None:
        super().__init__(name)
        self.is_live = is_live
        self._lines = TextLines(binary, name, in_blocks=in_blocks)
        self._formats = formats
        self._position = {"byte": 0, "line": 0}
        self._start = 0
        self._expected: Position = {}

    def items(self) -> Iterator[Item]:
        """Give the rows."""
        while len(self._formats) > 1:
            try:
                self._formats = [_sniffed(self._lines.first(), self._formats)]
            except Pause:
                yield None
        rows = self._formats[0].read(self._lines, self.name, self._start)
        yield from self._checked(rows) if self._expected else rows

    def _checked(self, rows: Iterator[Item]) -> Iterator[Item]:
        """Give the rows behind those that were passed over, if that was the same text."""
        is_same = False
        for item in rows:
            if item is not None and not is_same:
                self._check()
                is_same = True
            yield item
        self._check()

    def _check(self) -> None:
        if fingerprint(self._lines.head, self._start) != self._expected:
            what = "does not begin as it did when the last run read it"
            remedy = "It has been changed, or is another one: start afresh without --resume"
            raise DataError(what, source=self.name, remedy=remedy)

    def passed(self, offsets: Sequence[Any]) -> None:
        """Take note that these rows have been used or left out."""
        byte, line = offsets[-1]
        self._position = {"byte": byte, "line": line}

    def position(self) -> Position:
        """Return how many bytes and lines have been passed, and how they begin."""
        has_read = self._lines.offset >= self._position["byte"]
        head = fingerprint(self._lines.head, self._position["byte"])
        return {**self._position, **(head if has_read else self._expected)}

    def seek(self, position: Position) -> None:
        """Begin behind the bytes that an earlier run has passed."""
        self._position = {name: int(position[name]) for name in ("byte", "line")}
        self._start = self._position["byte"]
        if self._start and "crc32" in position:
            self._expected = {name: position[name] for name in ("head", "crc32")}


def fingerprint(head: bytes, length: int) -> Position:
    """Return what tells a text of that many bytes from others that begin otherwise."""
    kept = head[: min(length, HEAD)]
    return {"head": len(kept), "crc32": zlib.crc32(kept)}


def _sniffed(first: str, formats: Sequence[ModuleType]) -> ModuleType:
    """Choose the format whose files begin like this one, the most particular first."""
    begins = first.lstrip()
    fitting = [module for module in formats if begins.startswith(module.FIRST)]
    return max(fitting, key=lambda module: max(map(len, module.FIRST)))
