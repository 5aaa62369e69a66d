"""Losses, one file each; `protocol` says what a loss owes the engine."""

import sys
from typing import Any

from streamrnn._registry import discover

_registry = discover(sys.modules[__name__])
__all__ = [*(plugin.__name__ for plugin in _registry.values()), "registry"]


def registry() -> dict[str, Any]:
    """Return the loss classes by name."""
    return dict(_registry)


def __getattr__(name: str) -> Any:
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
