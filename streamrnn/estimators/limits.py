"""How many names a model takes at most, and the one warning about those beyond."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Hashable
from typing import Any

#: Whose lines a warning does not point to: users have not written them.
_NOT_USERS = ("streamrnn", "river")


class Limit:
    """Names that get a place at most.

    Asking changes nothing; only `warn` remembers that it was called, and a pickle knows it too.

    Parameters
    ----------
    most
        How many, None for any number.
    argument
        What the estimator's constructor calls it.
    message
        What happens to a name beyond: ``"feature {!r} is passed over"``.
    """

    def __init__(self, most: int | None, argument: str, message: str) -> None:
        self.most, self.argument, self.message = most, argument, message
        self.has_warned = False

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        # As the literal was: a copy is to pickle to the bytes of what it was made from.
        self.argument = sys.intern(self.argument)

    def fitting(self, names: list[Hashable], taken: int) -> list[Hashable]:
        """Return the first ones of new names, for which there is room beside those `taken`."""
        return names if self.most is None else names[: max(0, self.most - taken)]

    def check(self, what: str, names: list[Hashable]) -> None:
        """Raise ValueError if names that somebody lists as `what` are more than fit."""
        if self.most is not None and len(names) > self.most:
            raise ValueError(f"{what} has {len(names)} names, but {self.argument}={self.most}")

    def warn(self, name: Hashable) -> None:
        """Warn of a name beyond the limit, the first time, at the user's own line."""
        if self.has_warned:
            return
        self.has_warned = True
        warnings.warn(
            f"{self.message.format(name)}: {self.argument}={self.most} is reached",
            stacklevel=depth_of_the_user(),
        )


def depth_of_the_user() -> int:
    """Count the frames from who calls this to the first that is neither ours nor River's."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] in _NOT_USERS:
        frame, depth = frame.f_back, depth + 1
    return depth
