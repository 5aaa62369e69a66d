"""Find plug-ins: every NamedTuple with a ``name`` in a plug-in package's modules.

A new file in the folder is all it takes: it is imported here, its classes appear in the package and
in its registry, and with that in the constructors, the command line and the tests.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
import reprlib
from collections.abc import Callable
from types import ModuleType
from typing import Any, TypeVar

from streamrnn._checks import check_choice, check_number
from streamrnn._dispatch import Generic

Plugin = TypeVar("Plugin")


def plugin(**attributes: Any) -> Callable[[type[Plugin]], type[Plugin]]:
    """Return a class decorator that gives a plug-in its ``name`` and what its contract asks.

    ``limits={field: (least, greatest)}`` bounds the numbers that users may give.
    """

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


def resolve(kind: str, choice: Any, registry: dict[str, Any], contract: Generic) -> Any:
    """Turn a name, a plug-in class or a plug-in object into an object.

    Parameters
    ----------
    kind
        What it is to be, for messages: the name of the constructor's argument.
    choice
        The name, class or object.
    registry
        The classes by name.
    contract
        A function that every plug-in of this kind implements.

    Raises
    ------
    ValueError
        If `choice` is an unknown name, or one of its numbers is out of range.
    TypeError
        If `choice` is neither a name nor a plug-in of this kind.
    """
    if isinstance(choice, str):
        check_choice(kind, choice, tuple(registry))
        return registry[choice]()
    plugin = choice() if is_plugin(choice) else choice
    if type(plugin) not in contract.registry:
        if type(choice).__module__.startswith("river."):
            raise TypeError(
                f"{kind}={choice!r} is River's; give a name, one of "
                f"{', '.join(map(repr, registry))}, or an object of streamrnn"
            )
        raise TypeError(
            f"{kind} must be one of {', '.join(map(repr, registry))} or a plug-in of that kind, "
            f"got {reprlib.repr(choice)} of type {type(choice).__name__}"
        )
    limits = getattr(plugin, "limits", {})
    for name, number in zip(plugin._fields, plugin, strict=True):
        if name != "lr" or not hasattr(number, "get"):  # it may be a schedule
            least, greatest = limits.get(name, (-math.inf, math.inf))
            check_number(f"{name} of {plugin.name}", number, least, most=greatest)
    return plugin
