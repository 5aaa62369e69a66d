"""From a River sample, a dict, to a row of numbers: which feature goes to which column."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date, time, timedelta
from operator import is_, itemgetter
from typing import Any

import numpy as np

from streamrnn.estimators.limits import Limit


class FeatureIndex:
    """The features seen so far, each with its column.

    Columns are given in the order in which names appear, and sorted where several appear at once,
    so ``{"a": 1, "b": 2}`` and ``{"b": 2, "a": 1}`` make the same model.

    Parameters
    ----------
    ignored
        Names that never get a column, such as that of a key.
    limit
        Names that get a column at most; later ones are passed over, with one warning. None for any
        number.
    own
        Names that have the first columns from the start, and do not count towards the limit.
    """

    def __init__(
        self,
        ignored: Iterable[Hashable] = (),
        limit: int | None = None,
        own: Sequence[Hashable] = (),
    ) -> None:
        self.names: list[Hashable] = list(own)
        self.ignored = frozenset(ignored)
        self._n_own = len(own)
        self.limit = Limit(limit, "max_features", "feature {!r} is passed over")
        self._prepare()

    def _prepare(self) -> None:
        """Make what is needed to fill a row in one go."""
        n = len(self.names)
        self._known = self.ignored.union(self.names)
        self._pack: Callable[..., None] = struct.Struct(f"{n}d").pack_into
        self._get = itemgetter(*self.names) if n > 1 else None
        self._row: np.ndarray | None = None  # the one filled last, and with what
        self._values: tuple[Any, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        kept = ("names", "ignored", "limit", "_n_own")
        return {name: vars(self)[name] for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._prepare()

    def restore(self, names: list[Hashable], ignored: Iterable[Hashable]) -> None:
        """Take over names of columns and names without one; ValueError if they cannot be.

        An index without a column so far takes them.
        """
        own = self.names[: self._n_own]
        if names[: self._n_own] != own:
            raise ValueError(f"the first features must be {own}, got {names[: self._n_own]}")
        self.names, self.ignored = names, frozenset(ignored)
        self._prepare()

    def unseen(self, names: Iterable[Hashable]) -> list[Hashable]:
        """Return the names that are to get a column, sorted."""
        n_given = len(self.names) - self._n_own
        return self.limit.fitting(self._without_column(names), n_given)

    def _without_column(self, names: Iterable[Hashable]) -> list[Hashable]:
        return sorted((name for name in names if name not in self._known), key=order)

    def add(self, names: Iterable[Hashable]) -> None:
        """Give new names the next columns."""
        self.names = [*self.names, *names]
        self._prepare()

    def pass_over(self, names: Iterable[Hashable]) -> None:
        """Warn, once, if some names have no column after all that there is room for were added."""
        for name in self._without_column(names)[:1]:
            self.limit.warn(name)

    def fill(self, x: Mapping[Hashable, Any], row: np.ndarray) -> bool:
        """Write the sample's numbers to `row`, float64; NaN where a feature is missing.

        Features without a column are passed over; returns whether none of them is to get one.

        Raises
        ------
        TypeError
            If a feature with a column is no number; it names the feature.
        """
        # Only of a plain dict: others, such as defaultdict, may invent and keep what is missing.
        if type(x) is dict and self._get is not None:
            try:
                values = self._get(x)
                # A sample is learnt from after it was predicted: the row may still hold it.
                same = row is self._row and all(map(is_, values, self._values))
                if same or self._put(values, row):
                    return self.limit.has_warned or len(x) == len(values) or x.keys() <= self._known
            except (KeyError, OverflowError):
                pass  # something is missing or huge: look at each value
        self._row = None
        check_sample(x)
        for i, name in enumerate(self.names):
            row[i] = feature(name, x[name]) if name in x else math.nan
        return self.limit.has_warned or x.keys() <= self._known

    def _put(self, values: tuple[Any, ...], row: np.ndarray) -> bool:
        """Write values to `row` if all are plain numbers; say whether they are."""
        if not PLAIN.issuperset(map(type, values)):
            return False
        self._row = None
        self._pack(row, 0, *values)
        self._row, self._values = row, values
        return True


def check_sample(x: Any) -> None:
    """Raise TypeError unless `x` is a sample: features by name."""
    if not isinstance(x, Mapping):
        raise TypeError(
            f"a sample must be a dict of features by name, got {x!r}, a {type(x).__name__}"
        )


def order(name: Hashable) -> tuple[str, str]:
    """Sort names of any types: those that come together are lined up in this order."""
    return type(name).__name__, name if isinstance(name, str) else repr(name)


def feature(name: Hashable, value: Any) -> float:
    """Turn a feature's value into a float; None and NA become NaN.

    Raises
    ------
    TypeError
        If the value is a string or anything else that is no number.
    """
    try:
        return number(value)
    except TypeError:
        raise TypeError(
            f"feature {name!r} is {value!r}, a {type(value).__name__}, not a number; "
            f"{_advice(value)}"
        ) from None


def _advice(value: Any) -> str:
    """Say what can be done about a value that is no number."""
    if isinstance(value, str):
        return (
            "encode it before the model, for example with compose.SelectType(str) | "
            "preprocessing.OneHotEncoder(), or leave it out"
        )
    if isinstance(value, (date, time, timedelta, np.datetime64, np.timedelta64)):
        return "give what matters of it as numbers, such as the hour, or leave it out"
    return "make it one, or leave it out"


def target(value: Any, what: str = "the target") -> float:
    """Turn a target into a float; None and NA become NaN. Messages call it `what`.

    Raises
    ------
    TypeError
        If it is no number.
    """
    if type(value) is float:  # most are, and every sample has one
        return value
    try:
        return number(value)
    except TypeError:
        hint = "; labels are for a classifier, or a loss for labels" if type(value) is str else ""
        raise TypeError(
            f"{what} is {value!r}, a {type(value).__name__}, not a number{hint}"
        ) from None


#: What has a number inside but is none.
_NOT_NUMBERS = (
    str,
    bytes,
    bytearray,
    memoryview,
    complex,
    np.complexfloating,
    np.datetime64,
    np.timedelta64,
    np.ndarray,
)

#: Types that are numbers beyond doubt: a dict of these is read in one go.
PLAIN = frozenset({float, int, bool, np.float64, np.float32, np.int64, np.int32, np.bool_})


def number(value: Any) -> float:
    """Turn a number of any type into a float; None and NA become NaN, too large ones infinite.

    Raises
    ------
    TypeError
        If it is none.
    """
    if is_missing(value):
        return math.nan
    if isinstance(value, _NOT_NUMBERS):
        raise TypeError
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except ValueError:
        raise TypeError from None


def is_missing(value: Any) -> bool:
    """Say whether a value is None or pandas' NA (told by name, pandas is not imported)."""
    return value is None or type(value).__name__ == "NAType"
