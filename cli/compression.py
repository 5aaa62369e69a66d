"""Compressed files: told by their suffix, or by their first bytes if they have none of ours."""

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable
from typing import IO, Any, BinaryIO, NamedTuple


class Compression(NamedTuple):
    """One way of compressing: the first bytes of its files and how to open them."""

    magic: bytes
    open: Callable[..., IO[Any]]


BY_SUFFIX = {
    ".gz": Compression(b"\x1f\x8b", gzip.open),
    ".bz2": Compression(b"BZh", bz2.open),
    ".xz": Compression(b"\xfd7zXZ\x00", lzma.open),
}


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


def decompressed(stream: Any, suffix: str) -> BinaryIO:
    """Return a binary stream of what is inside ``stream``, or itself if it is not compressed."""
    # Only buffered readers can look ahead; standard input may be replaced by something simpler.
    buffered = stream if hasattr(stream, "peek") else io.BufferedReader(stream)
    if suffix:
        return _buffered(BY_SUFFIX[suffix].open(buffered))
    start = buffered.peek(8)
    for compression in BY_SUFFIX.values():
        if start.startswith(compression.magic):
            return _buffered(compression.open(buffered))
    return buffered


def compressing(stream: BinaryIO, suffix: str) -> IO[str]:
    """Return a text stream that writes into ``stream``, compressed as the suffix says."""
    inner: Any = BY_SUFFIX[suffix].open(stream, "wb") if suffix else stream
    # A label may hold a lone surrogate (JSON can spell one): written as an escape, not refused.
    return io.TextIOWrapper(inner, encoding="utf-8", errors="backslashreplace", newline="")


def _buffered(stream: Any) -> BinaryIO:
    """Add a buffer: the decompressors' own reading by line is written in Python."""
    return io.BufferedReader(stream, 1 << 16)
