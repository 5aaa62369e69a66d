"""The constructor's arguments stay as they were given: the model was made of them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar


@cache
def arguments_of(kind: Any) -> Mapping[str, inspect.Parameter]:
    """Return the arguments of an estimator's class and of those that it derives from, by name.

    They are attributes of its objects.
    """
    parameters: dict[str, inspect.Parameter] = {}
    for one in kind.__mro__:
        if "__init__" in vars(one) and issubclass(one, Settled):
            parameters = dict(inspect.signature(one.__init__).parameters) | parameters
    parameters.pop("self", None)
    bundles = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return {name: one for name, one in parameters.items() if one.kind not in bundles}


@cache
def _own(kind: Any) -> frozenset[str]:
    """Return the arguments that the classes of this package have."""
    ours = [one for one in kind.__mro__ if one.__module__.startswith(__name__.partition(".")[0])]
    return frozenset(arguments_of(ours[0]))


class Settled:
    """Refuses new values for arguments once the model is there, which would not follow them."""

    #: The attribute that is there once the model is.
    _last_made: ClassVar[str] = "_model"

    #: Arguments that may change at any time: they say how a model runs, and not what it is.
    _mutable_attributes: ClassVar[frozenset[str]] = frozenset()

    def __setattr__(self, name: str, value: Any) -> None:
        kind: Any = type(self)
        is_made = self._last_made in vars(self)
        if is_made and name in _own(kind) and name not in self._mutable_attributes:
            raise AttributeError(
                f"{name} cannot be changed: the model was made of its arguments; "
                f"clone({{{name!r}: ...}}) makes another one"
            )
        super().__setattr__(name, value)
