"""Where predictions go. Every module of this package is a place or a format: see ``protocol``.

The modules are found by looking into the package, so a new one needs no entry anywhere.
"""

import sys
from contextlib import AbstractContextManager
from functools import cache
from types import ModuleType

from ..compression import suffixes, written
from ..schemes import modules_of, scheme_of
from .files import file_sink, in_place
from .protocol import Record, Sink, Written

__all__ = ["Record", "Sink", "Written", "endings", "has_format", "is_file", "open_sink"]


@cache
def _modules() -> list[ModuleType]:
    return modules_of(sys.modules[__name__])


@cache
def _schemes() -> dict[str, ModuleType]:
    return {module.SCHEME: module for module in _modules() if hasattr(module, "SCHEME")}


@cache
def _formats() -> dict[str, ModuleType]:
    return {module.SUFFIX: module for module in _modules() if hasattr(module, "SUFFIX")}


def is_file(spec: str) -> bool:
    """Say whether a sink is a file, and neither standard output nor a scheme."""
    return spec != "-" and _scheme(spec) is None


def has_format(spec: str) -> bool:
    """Say whether it is known how to write there."""
    suffix, compressed_as = suffixes(spec)
    can_be = not compressed_as or compressed_as in written()
    return not is_file(spec) or (suffix in _formats() and can_be)


def endings() -> list[str]:
    """Return the suffixes of the files that can be written."""
    return list(_formats())


def open_sink(
    spec: str, standard: str = ".csv", *, keeps: bool = False, held: Written | None = None
) -> AbstractContextManager[Sink]:
    """Open a file, standard output (``-``) or what a scheme such as ``kafka:`` stands for.

    Parameters
    ----------
    spec
        The sink, as given on the command line.
    standard
        The suffix of the format for standard output.
    keeps
        Whether a file is written where it stands, so that what is there stays if the run ends
        badly; otherwise it takes its name only if the block ends well.
    held
        What a file held at the last checkpoint: what follows is cut off. None for a new one.
    """
    scheme = _scheme(spec)
    if scheme is not None:
        return scheme.open_sink(spec.partition(":")[2])
    format = _formats()[standard if spec == "-" else suffixes(spec)[0]]
    if keeps and spec != "-":
        return in_place(spec, format, held)
    return file_sink(spec, format)


def _scheme(spec: str) -> ModuleType | None:
    return scheme_of(spec, _schemes())
