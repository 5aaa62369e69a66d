"""Compressed files: told by their suffix, or by their first bytes if they have none of ours."""

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable
from typing import IO, Any, BinaryIO, NamedTuple

import click

from .extras import needed


class Compression(NamedTuple):
    """One way of compressing.

    Parameters
    ----------
    magic
        The first bytes of its files.
    read
        Opens a compressed stream; is given its name, too, for messages.
    write
        Opens a stream to be compressed; None if we do not write such files.
    """

    magic: bytes
    read: Callable[[Any, str], Any]
    write: Callable[[Any], Any] | None


def _read_zip(stream: Any, name: str) -> Any:
    # Here: the module of the standard library is a slow one to import.
    from .zipped import open_zip

    return open_zip(stream, name)


def _read_zstd(stream: Any, name: str) -> Any:
    return needed("pyarrow", "pyarrow", "arrow").CompressedInputStream(stream, "zstd")


def _write_zstd(stream: Any) -> Any:
    return needed("pyarrow", "pyarrow", "arrow").CompressedOutputStream(stream, "zstd")


def _of_python(magic: bytes, opened: Callable[..., Any]) -> Compression:
    return Compression(magic, lambda stream, _: opened(stream), lambda stream: opened(stream, "wb"))


BY_SUFFIX = {
    ".gz": _of_python(b"\x1f\x8b", gzip.open),
    ".bz2": _of_python(b"BZh", bz2.open),
    ".xz": _of_python(b"\xfd7zXZ\x00", lzma.open),
    ".zst": Compression(b"\x28\xb5\x2f\xfd", _read_zstd, _write_zstd),
    ".zip": Compression(b"PK\x03\x04", _read_zip, None),
}


def written() -> list[str]:
    """Return the suffixes of the compressed files that we write."""
    return [suffix for suffix, compression in BY_SUFFIX.items() if compression.write]


def suffixes(path: str) -> tuple[str, str]:
    """Split off the suffix of the format and that of the compression, in lower case.

    Examples
    --------
    >>> suffixes("flow.CSV.gz"), suffixes("flow.csv"), suffixes("flow.gz")
    (('.csv', '.gz'), ('.csv', ''), ('', '.gz'))
    """
    stem, last = os.path.splitext(path)
    if last.lower() in BY_SUFFIX:
        return os.path.splitext(stem)[1].lower(), last.lower()
    return last.lower(), ""


def looking_ahead(stream: Any) -> Any:
    """Return a stream with `peek`: standard input may be replaced by something without."""
    return stream if hasattr(stream, "peek") else io.BufferedReader(stream)


def decompressed(stream: Any, suffix: str, name: str) -> BinaryIO:
    """Return a binary stream of what is inside ``stream``, or itself if it is not compressed.

    Parameters
    ----------
    stream
        A binary stream with `peek`.
    suffix
        That of the compression, ``""`` to tell it by the first bytes.
    name
        For messages.
    """
    if suffix:
        return _buffered(BY_SUFFIX[suffix].read(stream, name))
    start = stream.peek(8)
    for compression in BY_SUFFIX.values():
        if start.startswith(compression.magic):
            return _buffered(compression.read(stream, name))
    return stream


def compressing(stream: BinaryIO, suffix: str) -> IO[str]:
    """Return a text stream that writes into ``stream``, compressed as the suffix says."""
    inner: Any = stream
    if suffix:
        write = BY_SUFFIX[suffix].write
        if write is None:
            raise click.UsageError(f"{suffix} files are only read: choose {', '.join(written())}.")
        inner = write(stream)
    # A label may hold a lone surrogate (JSON can spell one): written as an escape, not refused.
    return io.TextIOWrapper(inner, encoding="utf-8", errors="backslashreplace", newline="")


def _buffered(stream: Any) -> BinaryIO:
    """Add a buffer: the decompressors' own reading by line is written in Python."""
    return io.BufferedReader(stream, 1 << 16)
