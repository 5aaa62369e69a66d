"""Find plug-ins: every NamedTuple with a ``name`` in a plug-in package's modules.

A new file in the folder is all it takes: it is imported here, its classes appear in the package and
in its registry, and with that in the constructors, the command line and the tests.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

Plugin = TypeVar("Plugin")


def plugin(**attributes: Any) -> Callable[[type[Plugin]], type[Plugin]]:
    """Return a class decorator that gives a plug-in its ``name`` and what its contract asks."""

    def decorate(kind: type[Plugin]) -> type[Plugin]:
        for name, value in attributes.items():
            setattr(kind, name, value)
        return kind

    return decorate


def discover(package: ModuleType) -> dict[str, Any]:
    """Import the modules of `package`; return its plug-in classes by their ``name``.

    The classes also become attributes of the package.
    """
    found: dict[str, Any] = {}
    for info in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        for item in vars(importlib.import_module(info.name)).values():
            if is_plugin(item) and item.__module__ == info.name:
                found[item.name] = item
                setattr(package, item.__name__, item)
    return dict(sorted(found.items()))


def is_plugin(item: Any) -> bool:
    """Say whether `item` is a NamedTuple class that has a ``name``."""
    return isinstance(item, type) and issubclass(item, tuple) and hasattr(item, "name")


def resolve(kind: str, choice: Any, registry: dict[str, Any]) -> Any:
    """Turn a name, a plug-in class or a plug-in object into an object.

    Raises
    ------
    ValueError
        If `choice` is an unknown name.
    TypeError
        If `choice` is neither a name nor a plug-in.
    """
    if isinstance(choice, str):
        if choice not in registry:
            near = difflib.get_close_matches(choice, registry, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"{kind}={choice!r} is unknown{hint}; known: {', '.join(registry)}")
        return registry[choice]()
    if is_plugin(choice):
        return choice()
    if is_plugin(type(choice)):
        return choice
    raise TypeError(
        f"{kind} must be one of {', '.join(map(repr, registry))} or a plug-in object, "
        f"got {choice!r} of type {type(choice).__name__}"
    )
