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
from ..lines import TextLines
from ..suggestions import did_you_mean
from .protocol import Row, Source

__all__ = ["Row", "Source", "formats", "open_source"]


@cache
def _modules() -> list[ModuleType]:
    names = (found.name for found in pkgutil.iter_modules(__path__) if found.name != "protocol")
    return [importlib.import_module(f".{name}", __name__) for name in names]


@cache
def formats() -> dict[str, ModuleType]:
    """Return the text formats by their names."""
    return {module.FORMAT: module for module in _modules() if hasattr(module, "FORMAT")}


@cache
def _schemes() -> dict[str, ModuleType]:
    return {module.SCHEME: module for module in _modules() if hasattr(module, "SCHEME")}


def open_source(spec: str, format: str | None = None) -> AbstractContextManager[Source]:
    """Open a file, standard input (``-``) or what a scheme such as ``river:`` stands for.

    Parameters
    ----------
    spec
        The source, as given on the command line.
    format
        The name of a text format; None to tell it by the suffix, else by the first line.
    """
    scheme, colon, rest = spec.partition(":")
    if colon and scheme in _schemes():
        return _schemes()[scheme].open_source(rest)
    return _open_text(spec, format)


@contextmanager
def _open_text(path: str, format: str | None) -> Iterator[Source]:
    by_suffix = {suffix: m for m in formats().values() for suffix in m.SUFFIXES}
    suffix, compressed_as = suffixes(path)
    name = "standard input" if path == "-" else path
    stream = sys.stdin.buffer if path == "-" else open_file(path)
    try:
        lines = TextLines(decompressed(stream, compressed_as), name)
        reader = formats()[format] if format else by_suffix.get(suffix) or _sniffed(lines)
        yield reader.read(lines, name)
    finally:
        if path != "-":
            stream.close()


def _sniffed(lines: TextLines) -> ModuleType:
    """Choose the format whose files begin like this one, the most particular first."""
    first = lines.first().lstrip()
    fitting = [module for module in formats().values() if first.startswith(module.FIRST)]
    return max(fitting, key=lambda module: max(map(len, module.FIRST)))


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
