"""A file that grows, as ``tail:FILE``: its rows, and then those that are written to it.

A file that is replaced is read to its end before the new one is begun; one that is cut off is
begun again. Files may be written by anybody, a line that is not complete yet is left alone.
"""

import os
import stat
import time
import zlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from types import ModuleType

from ..compression import BY_SUFFIX as COMPRESSIONS
from ..compression import suffixes
from ..errors import DataError
from ..lines import HEAD, Pause
from ..retrying import TURN, said
from .pieces import CHUNK, LineBuffer
from .protocol import Position, Source
from .text import TextSource, fingerprint

SCHEME = "tail"
IS_LIVE = True


@contextmanager
def open_source(rest: str) -> Iterator[Source]:
    """Follow the file of that path."""
    with open_tail(rest) as source:
        yield source


@contextmanager
def open_tail(path: str, format: str | None = None) -> Iterator[Source]:
    """Follow a file, from its beginning; one that does not exist yet is waited for.

    Parameters
    ----------
    path
        The file.
    format
        The name of a text format; None to tell it by the suffix, else by the first line.
    """
    from . import formats

    suffix, compressed_as = suffixes(path)
    if compressed_as:
        what = f"a file that ends in {', '.join(COMPRESSIONS)} cannot be followed"
        raise DataError(what, source=path, remedy="Is it complete? Then: streamrnn replay")
    by_suffix = {end: [m] for m in formats().values() for end in m.SUFFIXES}
    chosen = [formats()[format]] if format else by_suffix.get(suffix, list(formats().values()))
    with closing(TailSource(path, chosen)) as source:
        yield source


@dataclass
class _Piece:
    """One file of those that had the path, and where it begins in the stream of all lines."""

    inode: int
    head: bytes = b""
    byte: int = 0
    line: int = 0
    header: int = 0


class TailSource(TextSource):
    """The lines of a file, and of those that come in its place."""

    def __init__(self, path: str, formats: Sequence[ModuleType]) -> None:
        self._tail = _Tail(path, lambda remark: self.note(remark))
        super().__init__(self._tail, path, formats, is_live=True)

    def position(self) -> Position:
        """Return how much of which file has been passed."""
        piece = self._tail.piece_of(self._position["byte"])
        if piece is None:
            return {"byte": 0, "line": 0}
        byte = self._position["byte"] - piece.byte + piece.header
        line = self._position["line"] - piece.line + bool(piece.header)
        return {"byte": byte, "line": line, "inode": piece.inode, **fingerprint(piece.head, byte)}

    def seek(self, position: Position) -> None:
        """Go on in the file that was read, even if it has another name by now."""
        if position["byte"] and self._tail.begin_with(position):
            super().seek({name: position[name] for name in ("byte", "line")})

    def close(self) -> None:
        """Close the file."""
        self._tail.close()


class _Tail(Iterator[bytes]):
    """The lines of the file; raises `Pause` while there is none."""

    def __init__(self, path: str, note: Callable[[str], None]) -> None:
        self._path = path
        self._note = note
        self._buffer = LineBuffer(path)
        self._file: int | None = None
        self._at = 0
        self._replaced = self._missed = False
        self._pieces: deque[_Piece] = deque()
        self._given = [0, 0]
        self._remarks: list[str] = []
        self._gave = False

    def __next__(self) -> bytes:
        while self._remarks:
            self._note(self._remarks.pop(0))
        while (line := self._buffer.take()) is None:
            if not (self._opened(self._path) if self._file is None else self._read()):
                # Lines that were given are used before others are awaited.
                if not self._gave:
                    time.sleep(TURN)
                self._gave = False
                raise Pause
        if self._given == [self._pieces[-1].byte, self._pieces[-1].line]:
            self._pieces[-1].header = self._buffer.header
        self._given[0] += len(line)
        self._given[1] += 1
        self._gave = True
        return line

    def piece_of(self, byte: int) -> _Piece | None:
        """Return the file that the byte before this one is of; earlier ones are forgotten."""
        while len(self._pieces) > 1 and self._pieces[1].byte < byte:
            self._pieces.popleft()
        return self._pieces[0] if self._pieces else None

    def begin_with(self, position: Position) -> bool:
        """Open the file of a position; return False if it is no more."""
        same: list[str] = []
        with suppress(FileNotFoundError), os.scandir(os.path.dirname(self._path) or ".") as entries:
            same = [entry.path for entry in entries if entry.inode() == position["inode"]]
        # The path itself, too, under another number: a file that was copied to and fro.
        for path in (*same, self._path):
            if _is_file_of(position, path) and self._opened(path):
                return True
        what = "is not the file that was read before, and that one is not beside it"
        self._remarks.append(f"{self._path}: {what}; begins with the new one")
        return False

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
        self._file = None

    def _opened(self, path: str) -> bool:
        """Open the file, if it is there."""
        try:
            # Not to hang at a pipe that nobody writes to.
            self._file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            self._miss("does not exist yet; waiting for it")
            return False
        except OSError as error:
            raise DataError(f"cannot be opened ({said(error)})", source=path) from None
        about = os.fstat(self._file)
        if not stat.S_ISREG(about.st_mode):
            remedy = f"From a pipe: streamrnn live - < {path}"
            raise DataError("is not a file that can grow", source=path, remedy=remedy)
        self._begin(about.st_ino)
        return True

    def _begin(self, inode: int) -> None:
        self._at = 0
        self._replaced = self._missed = False
        byte, line = self._given
        # What was read and not taken yet is of the piece before: there is none left by now.
        self._pieces.append(_Piece(inode, byte=byte, line=line))

    def _read(self) -> bool:
        """Read on; return whether there can be more right now."""
        assert self._file is not None
        chunk = os.read(self._file, CHUNK)
        if chunk:
            self._at += len(chunk)
            head = self._pieces[-1].head
            self._pieces[-1].head += chunk[: max(0, HEAD - len(head))]
            self._buffer.feed(chunk)
            return True
        about = os.fstat(self._file)
        if about.st_size < self._at:
            self._note(f"{self._path}: has been cut off; begins again with what it holds now")
            os.lseek(self._file, 0, os.SEEK_SET)
            self._buffer.begin()
            self._begin(about.st_ino)
            return True
        return self._at_end(about)

    def _at_end(self, about: os.stat_result) -> bool:
        """Look whether there is another file in the place of the one that has been read."""
        try:
            now = os.stat(self._path)
        except FileNotFoundError:
            self._miss("has been moved away or removed; waiting for a new one")
            return False
        if (now.st_ino, now.st_dev) == (about.st_ino, about.st_dev):
            return False
        if not self._replaced:
            # Who was writing when it was moved may need a moment to notice.
            self._replaced = True
            return False
        self._buffer.finish()
        if self._buffer.holds():
            return True
        self.close()
        self._buffer.begin()
        return self._opened(self._path)

    def _miss(self, what: str) -> None:
        if not self._missed:
            self._missed = True
            self._note(f"{self._path}: {what}")


def _is_file_of(position: Position, path: str) -> bool:
    """Say whether a file begins as that of a position, and goes on at least as far."""
    if not os.path.isfile(path):
        return False
    try:
        with open(path, "rb") as file:
            head = file.read(position["head"])
            long_enough = file.seek(0, os.SEEK_END) >= position["byte"]
    except OSError:
        return False
    return long_enough and zlib.crc32(head) == position["crc32"]
