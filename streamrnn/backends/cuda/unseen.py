"""What is no part of a model, although the model holds it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Unseen:
    """An attribute that River's figure of a model's memory does not look into.

    River passes over functions, and this keeps the value in one. Behind a compiled kernel lies all
    of Numba, behind an array on the device all that is there.

    Examples
    --------
    >>> from streamrnn.backends.cuda.unseen import Unseen
    >>> class Box:
    ...     content = Unseen()
    >>> box = Box()
    >>> box.content = "much"
    >>> box.content, [callable(value) for value in vars(box).values()]
    ('much', [True])
    """

    _name: str

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = f"{name}_held"

    def __get__(self, holder: Any, owner: type | None = None) -> Any:
        if holder is None:
            return self
        held: Callable[[], Any] = vars(holder)[self._name]
        return held()

    def __set__(self, holder: Any, value: Any) -> None:
        vars(holder)[self._name] = lambda: value
