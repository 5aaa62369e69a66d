"""What stands before the colon of a source or a sink, and whose password is none of a message's."""

import importlib
import pkgutil
import re
from collections.abc import Mapping
from types import ModuleType

import click

from .errors import shown
from .suggestions import did_you_mean, listed


def modules_of(package: ModuleType) -> list[ModuleType]:
    """Import all modules of a package, found by looking into its folder."""
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def scheme_of(spec: str, schemes: Mapping[str, ModuleType]) -> ModuleType | None:
    """Return the module of the scheme, None for what has no scheme, such as a file.

    Raises
    ------
    click.UsageError
        If it looks like an address, but of a scheme that does not exist: taken for a file, it
        would be waited for for ever.
    """
    scheme, colon, rest = spec.partition(":")
    if colon and scheme in schemes:
        return schemes[scheme]
    if rest.startswith("//"):
        near = did_you_mean(scheme, schemes) or f"There are {listed(schemes)}."
        raise click.UsageError(f"there is no scheme {shown(scheme)} here. {near}")
    return None


def without_login(spec: str) -> str:
    """Return a source or a sink as messages may show it.

    Examples
    --------
    >>> without_login("redis://me:secret@here/stream"), without_login("redis:me:secret@here/stream")
    ('redis://here/stream', 'redis:here/stream')
    >>> without_login("data/a@b.csv")
    'data/a@b.csv'
    """
    # Also with the slashes forgotten, which is told of, too.
    return re.sub(r"^(\w+:(?://)?).*@", r"\1", spec)
