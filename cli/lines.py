"""Numbered lines of text out of a binary stream, with everything that can go wrong on the way."""

import io
import lzma
import zlib
from collections import deque
from collections.abc import Iterable, Iterator

from .errors import DataError, RowError

#: What decompressors and disks raise.
_BROKEN = (zlib.error, lzma.LZMAError, OSError)

#: Bytes asked for at once: as many as a buffer has, so that damages show at the same place.
_PIECE = 1 << 16

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

#: That many bytes of the beginning tell whether a text is the one that was read before.
HEAD = 1024


#: Longest line, in bytes: what never ends would fill the memory.
LONGEST = 1 << 24


def endless(source: str, place: str | None = None) -> DataError:
    """Return what to say of a line that is longer than `LONGEST`."""
    what = f"a line of more than {LONGEST >> 20} MiB"
    return DataError(what, source=source, place=place, remedy="Is it text, with line ends?")


class Pause(Exception):  # noqa: N818  (no error)
    """There is no further line just now; asking again may give one."""


class TextLines(Iterator[str]):
    """Decode a stream line by line and know the number of the line.

    An error in one line, or a pause, leaves the iterator usable: a generator would be finished
    after it, and the rest of the stream would be lost in silence.

    Parameters
    ----------
    binary
        The lines as bytes; one that is being written may raise `Pause`.
    name
        The name of the source, for messages.
    in_blocks
        Whether `block` may wait for more than a line.

    Attributes
    ----------
    number : int
        The number of the line returned last; the first one is 1.
    offset : int
        The number of bytes up to the end of that line.
    head : bytes
        How the stream begins: at least its first `HEAD` bytes, as far as they have been taken.
    """

    def __init__(self, binary: Iterable[bytes], name: str, *, in_blocks: bool = False) -> None:
        self._lines = iter(binary)
        self.in_blocks = in_blocks
        self._read1 = getattr(binary, "read1", None) if in_blocks else None
        self._readline = getattr(binary, "readline", None) if in_blocks else None
        #: Lines that have been read and nobody has taken.
        self._ahead: deque[bytes] = deque()
        #: What has been read of the line behind them.
        self._begun = b""
        #: What came instead of what is behind that.
        self._failure: Exception | None = None
        self._name = name
        self.number = 0
        self.offset = 0
        self.head = b""

    def __next__(self) -> str:
        raw = self._next_raw()
        if self.number == 1:
            raw = _unmarked(raw)
        if b"\0" in raw:
            raise self._error(raw, "a NUL byte", "Is it a text file? From UTF-16: iconv -f UTF-16")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            what = f"byte 0x{raw[error.start]:02x} is not UTF-8"
            remedy = "Convert the file, as with: iconv -f LATIN1 -t UTF-8"
            raise self._error(raw, what, remedy) from None

    def first(self) -> str:
        """Return the first line that is not blank, without taking it; ``""`` if there is none."""
        try:
            while not (self._ahead and _unmarked(self._ahead[-1]).strip()):
                self._ahead.append(self._read())
        except StopIteration:
            pass
        return _unmarked(self._ahead[-1]).decode(errors="replace") if self._ahead else ""

    def holds(self) -> bool:
        """Say whether there are lines that have been read and not taken."""
        return bool(self._ahead)

    def block(self, size: int) -> bytes | None:
        """Take whole lines of at least `size` bytes at once.

        Returns
        -------
        bytes or None
            None if there are not that many, or they cannot be had at once: take what there is line
            by line.
        """
        if self._read1 is None or self._ahead or self._failure:
            return None
        piece = self._begun
        pieces, length = [piece], len(piece)
        while length < size or b"\n" not in piece:
            piece = self._piece()
            pieces.append(piece)
            length += len(piece)
            if not piece or length > size + LONGEST:
                break
        read = b"".join(pieces)
        cut = read.rfind(b"\n") + 1
        block, self._begun = read[:cut], read[cut:]
        if not piece:
            self._ahead.extend(_lines(block))
        if not piece or not block:
            return None
        self.number += block.count(b"\n")
        self._note_head(block)
        self.offset += len(block)
        return block

    def give_back(self, block: bytes) -> None:
        """Take back a block, the last thing taken: to be taken again line by line."""
        self._ahead.extend(_lines(block))
        self.number -= block.count(b"\n")
        self.offset -= len(block)
        self.head = self.head[: self.offset]

    def skip_to(self, offset: int) -> None:
        """Pass over the lines that end at an offset or before.

        Raises
        ------
        DataError
            If no line ends there: the stream is not what it was.
        """
        try:
            while self.offset < offset:
                self._next_raw()
        except StopIteration:
            what = f"ends after {self.offset:,} bytes, but {offset:,} had been read from it before"
            remedy = "Is it the same source? Start afresh without --resume"
            raise DataError(what, source=self._name, remedy=remedy) from None
        if self.offset > offset:
            what = f"has no line that ends at byte {offset:,}, where the last run came to"
            remedy = "It has been changed since: start afresh without --resume"
            raise DataError(what, source=self._name, remedy=remedy)

    def _next_raw(self) -> bytes:
        raw = self._ahead.popleft() if self._ahead else self._read()
        self.number += 1
        self._note_head(raw)
        self.offset += len(raw)
        return raw

    def _note_head(self, taken: bytes) -> None:
        if self.offset < HEAD:
            self.head += taken[:HEAD]

    def _error(self, raw: bytes, what: str, remedy: str) -> RowError:
        return RowError(
            what,
            source=self._name,
            place=f"line {self.number}",
            remedy=remedy,
            line=self.number,
            raw=raw.decode(errors="backslashreplace"),
        )

    def _piece(self) -> bytes:
        """Read some bytes; none at the end, and before an error, which comes when it is due."""
        assert self._read1 is not None
        try:
            return self._read1(_PIECE)
        except (EOFError, *_BROKEN) as error:
            self._failure = error
            return b""

    def _read(self) -> bytes:
        begun, self._begun = self._begun, b""
        try:
            if self._failure is not None:
                raise self._failure
            line = begun if len(begun) > LONGEST else begun + self._read_line()
        except StopIteration:
            if begun:
                return begun
            raise
        except EOFError:
            what = "the compressed data end too early"
            remedy = "Fetch or compress the file again"
        except _BROKEN as error:
            what = f"cannot be read ({error})"
            remedy = "Is it damaged, or is its suffix wrong?"
        else:
            if len(line) < LONGEST or line.endswith(b"\n"):
                return line
            raise endless(self._name, self._place())
        raise DataError(what, source=self._name, place=self._place(), remedy=remedy)

    def _place(self) -> str | None:
        return f"after line {self.number}" if self.number else None

    def _read_line(self) -> bytes:
        if self._readline is None:
            return next(self._lines)
        line: bytes = self._readline(LONGEST)
        if not line:
            raise StopIteration
        return line


def _lines(block: bytes) -> list[bytes]:
    """Split at line feeds only, which stay: bytes have other ends of lines, too."""
    return io.BytesIO(block).readlines()


def skipping(lines: TextLines, offset: int) -> Iterator[None]:
    """Pass over the lines up to an offset; give None while there is no further one just now."""
    while True:
        try:
            lines.skip_to(offset)
            return
        except Pause:
            yield None


def _unmarked(line: bytes) -> bytes:
    return line.removeprefix(BYTE_ORDER_MARK)
