"""Where rows come from. Every module of this package is a source: see ``protocol``.

The modules are found by looking into the package, so a new one needs no entry anywhere.
"""

import importlib
import os
import pkgutil
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cache
from types import ModuleType
from typing import BinaryIO

from ..compression import decompressed, suffixes
from ..errors import DataError
from ..schemes import scheme_of
from ..suggestions import did_you_mean
from .protocol import Batch, Item, Row, Source
from .standard_input import open_live
from .tail import open_tail
from .text import TextSource

__all__ = ["Batch", "Item", "Row", "Source", "formats", "is_live", "open_source"]


@cache
def _modules() -> list[ModuleType]:
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    return [importlib.import_module(f".{name}", __name__) for name in names]


@cache
def formats() -> dict[str, ModuleType]:
    """Return the text formats by their names."""
    return {module.FORMAT: module for module in _modules() if hasattr(module, "FORMAT")}


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
        The name of a text format; None to tell it by the suffix, else by the first line.
    live
        Whether a file grows, and lines of standard input come when they come.
    """
    scheme = scheme_of(spec, _schemes())
    if scheme is not None:
        return scheme.open_source(spec.partition(":")[2])
    if live:
        return open_live(format) if spec == "-" else open_tail(spec, format)
    return _open_text(spec, format)


@contextmanager
def _open_text(path: str, format: str | None) -> Iterator[Source]:
    by_suffix = {suffix: m for m in formats().values() for suffix in m.SUFFIXES}
    suffix, compressed_as = suffixes(path)
    name = "standard input" if path == "-" else path
    stream = sys.stdin.buffer if path == "-" else open_file(path)
    try:
        chosen = formats()[format] if format else by_suffix.get(suffix)
        readers = [chosen] if chosen else list(formats().values())
        yield TextSource(decompressed(stream, compressed_as), name, readers)
    finally:
        if path != "-":
            stream.close()


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
