"""Where rows come from. Every module of this package is a source: see ``protocol``.

The modules are found by looking into the package, so a new one needs no entry anywhere.
"""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from functools import cache
from types import ModuleType
from typing import Any, BinaryIO

from ..compression import decompressed, looking_ahead, suffixes
from ..errors import DataError
from ..schemes import modules_of, scheme_of
from ..suggestions import did_you_mean
from .protocol import Batch, Item, Row, Source
from .standard_input import open_live
from .tail import open_tail
from .text import TextSource

__all__ = ["Batch", "Item", "Row", "Source", "file_formats", "formats", "is_live", "open_source"]


@cache
def _modules() -> list[ModuleType]:
    return modules_of(sys.modules[__name__])


@cache
def formats() -> dict[str, ModuleType]:
    """Return the text formats by their names."""
    return {module.FORMAT: module for module in _modules() if hasattr(module, "FIRST")}


@cache
def file_formats() -> dict[str, ModuleType]:
    """Return the formats of files that are no text, by their names."""
    return {module.FORMAT: module for module in _modules() if hasattr(module, "MAGIC")}


@cache
def _text_suffixes() -> dict[str, ModuleType]:
    return {suffix: module for module in formats().values() for suffix in module.SUFFIXES}


@cache
def _schemes() -> dict[str, ModuleType]:
    return {module.SCHEME: module for module in _modules() if hasattr(module, "SCHEME")}


@cache
def is_live(spec: str) -> bool:
    """Say whether a source is of a kind that never ends by itself."""
    return getattr(scheme_of(spec, _schemes()), "IS_LIVE", False)


def open_source(
    spec: str, format: str | None = None, *, live: bool = False
) -> AbstractContextManager[Source]:
    """Open a file, standard input (``-``) or what a scheme such as ``river:`` stands for.

    Parameters
    ----------
    spec
        The source, as given on the command line.
    format
        The name of a format; None to tell it by the suffix, else by how the file begins.
    live
        Whether a file grows, and lines of standard input come when they come.
    """
    scheme = scheme_of(spec, _schemes())
    if scheme is not None:
        return scheme.open_source(spec.partition(":")[2])
    if not live:
        return _open_file(spec, format)
    whole = _wholly_written(format, suffixes(spec)[0])
    if whole is not None:
        what = f"{whole.FORMAT} is written as a whole, and does not grow"
        raise DataError(what, source=spec, remedy="Use: streamrnn replay")
    return open_live(format) if spec == "-" else open_tail(spec, format)


def _wholly_written(format: str | None, suffix: str) -> ModuleType | None:
    """Return the file format that is asked for, or else told by the suffix."""
    by_suffix = {suffix: m for m in file_formats().values() for suffix in m.SUFFIXES}
    return file_formats().get(format) if format else by_suffix.get(suffix)


@contextmanager
def _open_file(path: str, format: str | None) -> Iterator[Source]:
    name = "standard input" if path == "-" else path
    with _stream(path) as stream, ExitStack() as stack:
        table = _table_format(stream, path, format)
        if table is None:
            yield _text(stream, path, name, format)
        elif path == "-":
            remedy = "Give its path"
            raise DataError(
                f"{table.FORMAT} cannot be read from a pipe", source=name, remedy=remedy
            )
        else:
            yield stack.enter_context(table.open_file(path))


def _table_format(stream: Any, path: str, format: str | None) -> ModuleType | None:
    """Return the file format of a stream, None if it is text."""
    suffix, compressed_as = suffixes(path)
    found = _wholly_written(format, suffix)
    if found is not None and compressed_as:
        what = f"{found.FORMAT} within {compressed_as} cannot be read"
        raise DataError(what, source=path, remedy="Unpack it: the format compresses by itself")
    if found is not None or format or compressed_as or suffix in _text_suffixes():
        return found
    start = stream.peek(8)
    fitting = (m for m in file_formats().values() if start.startswith(m.MAGIC))
    return next(fitting, None)


def _text(stream: Any, path: str, name: str, format: str | None) -> Source:
    suffix, compressed_as = suffixes(path)
    chosen = formats()[format] if format else _text_suffixes().get(suffix)
    readers = [chosen] if chosen else list(formats().values())
    inner = decompressed(stream, compressed_as, name)
    # Whoever writes into a pipe may be slow, and what came is used first.
    return TextSource(inner, name, readers, in_blocks=_is_regular(stream))


def _is_regular(stream: Any) -> bool:
    """Say whether a stream is that of a file on a disk."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, AttributeError):
        return False


@contextmanager
def _stream(path: str) -> Iterator[Any]:
    if path == "-":
        yield looking_ahead(sys.stdin.buffer)
        return
    with open_file(path) as stream:
        yield stream


def open_file(path: str) -> BinaryIO:
    """Open a file for reading.

    Raises
    ------
    DataError
        If there is none, or it cannot be opened.
    """
    try:
        return open(path, "rb")
    except FileNotFoundError:
        raise _no_such_file(path) from None
    except IsADirectoryError:
        remedy = "Name one of the files in it"
        raise DataError("is a directory", source=path, remedy=remedy) from None
    except PermissionError:
        remedy = "Ask for the right to read it"
        raise DataError("may not be read", source=path, remedy=remedy) from None
    except OSError as error:
        raise DataError(f"cannot be opened ({error.strerror})", source=path) from None


def _no_such_file(path: str) -> DataError:
    """Explain that there is no such file; a mistyped scheme is a likely reason."""
    folder, name = os.path.split(path)
    around: list[str] = []
    with suppress(OSError):
        around = os.listdir(folder or ".")
    schemes = [f"{scheme}:" for scheme in _schemes()]
    near = did_you_mean(name, around) or did_you_mean(f"{path.partition(':')[0]}:", schemes)
    return DataError("no such file", source=path, remedy=near)
