"""Predictions in files and on standard output."""

import contextlib
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import IO

import click

from ..atomic import replacing
from ..compression import suffixes
from ..errors import DataError
from .protocol import HEAD, Record, Written


class TextSink:
    """A stream of text in one of the formats.

    Parameters
    ----------
    name
        For messages.
    stream
        Where the text goes.
    format
        The module of the format.
    is_new
        Whether nothing has been written there yet.
    """

    def __init__(self, name: str, stream: IO[str], format: ModuleType, *, is_new: bool) -> None:
        self.name = name
        self.note: Callable[[str], None] = lambda text: None
        self._stream = stream
        self._format = format
        self._is_new = is_new

    def write(self, columns: tuple[str, ...], records: Sequence[Record]) -> None:
        """Write some records."""
        if self._is_new:
            self._is_new = False
            self._stream.write(self._format.header(columns))
        self._stream.write(self._format.lines(columns, records))

    def flush(self) -> None:
        """Hand all over to the system."""
        self._stream.flush()

    def written(self) -> Written | None:
        """Return None: what is behind this stream cannot be cut."""
        return None


class _FileSink(TextSink):
    """A file that is written where it stands."""

    def write(self, columns: tuple[str, ...], records: Sequence[Record]) -> None:
        """Write some records."""
        with self._disk():
            super().write(columns, records)

    def flush(self) -> None:
        """Hand all over to the system."""
        with self._disk():
            super().flush()

    def written(self) -> Written:
        """Return what the file holds, once it is on the disk."""
        self.flush()
        handle = self._stream.fileno()
        with self._disk():
            os.fsync(handle)
            size = os.fstat(handle).st_size
            return Written(size, _head(handle, size))

    @contextmanager
    def _disk(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise DataError(f"cannot be written ({error.strerror})", source=self.name) from None


@contextmanager
def file_sink(path: str, format: ModuleType) -> Iterator[TextSink]:
    """Open a file that takes its name only if the block ends well, or standard output."""
    with replacing(path) as stream:
        yield TextSink("standard output" if path == "-" else path, stream, format, is_new=True)


@contextmanager
def in_place(path: str, format: ModuleType, held: Written | None) -> Iterator[TextSink]:
    """Open a file that is written where it stands, from a certain size on.

    Parameters
    ----------
    path
        The file.
    format
        The module of its format.
    held
        What of it to keep; None: it begins anew.
    """
    if suffixes(path)[1]:
        what = f"{path!r} cannot be written bit by bit as it is compressed: leave the suffix off."
        raise click.UsageError(what)
    size = 0 if held is None else held.size
    stream = _opened(path, size, held)
    sink = _FileSink(path, stream, format, is_new=not size)
    try:
        yield sink
        sink.flush()
    finally:
        # What could not be written has been told already.
        with contextlib.suppress(OSError):
            stream.close()


def _opened(path: str, size: int, held: Written | None) -> IO[str]:
    """Open a file to be written behind so many bytes, which are those of an earlier run."""
    try:
        handle = os.open(path, os.O_RDWR | (0 if size else os.O_CREAT), 0o666)
    except FileNotFoundError:
        if not size:
            raise click.UsageError(f"cannot write {path!r}: there is no such folder.") from None
        what = f"is gone, but the checkpoint knows of {size:,} bytes in it"
        remedy = "Put it back, or start afresh without --resume"
        raise DataError(what, source=path, remedy=remedy) from None
    except OSError as error:
        raise click.UsageError(f"cannot write {path!r}: {error.strerror}.") from None
    try:
        if held is not None:
            _check_held(path, handle, held)
        os.ftruncate(handle, size)
        os.lseek(handle, 0, os.SEEK_END)
    except OSError as error:
        os.close(handle)
        raise click.UsageError(f"cannot write {path!r}: {error.strerror}.") from None
    except DataError:
        os.close(handle)
        raise
    return open(handle, "w", encoding="utf-8", errors="backslashreplace", newline="")


def _check_held(path: str, handle: int, held: Written) -> None:
    """Refuse a file that is not the one of the checkpoint: what it holds would be cut off."""
    if os.fstat(handle).st_size < held.size:
        what = f"is shorter than the {held.size:,} bytes that the checkpoint knows of"
    elif _head(handle, held.size) != held.head:
        what = "does not begin as the file that the checkpoint knows of"
    else:
        return
    remedy = "It belongs to another run: start afresh without --resume"
    raise DataError(what, source=path, remedy=remedy)


def _head(handle: int, size: int) -> int:
    """Return the CRC-32 of how a file of that size begins."""
    position = os.lseek(handle, 0, os.SEEK_CUR)
    try:
        os.lseek(handle, 0, os.SEEK_SET)
        return zlib.crc32(os.read(handle, min(size, HEAD)))
    finally:
        os.lseek(handle, position, os.SEEK_SET)
