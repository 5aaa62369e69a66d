"""When a key was last seen, and whether that is too long ago."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np


class Segment(NamedTuple):
    """Rows of a block that one model learns, in their order."""

    key: Hashable
    rows: np.ndarray  # (n,) integers
    fresh: bool  # whether the key's model, if it has one, has expired before the first row


class Expiry:
    """The times at which keys were last seen.

    Parameters
    ----------
    ttl
        A key that has not been seen for longer has expired. None: that never happens, and no times
        are kept.
    """

    def __init__(self, ttl: Any) -> None:
        self.ttl = ttl
        self._seen: OrderedDict[Hashable, Any] = OrderedDict()

    def is_stale(self, key: Hashable, now: Any) -> bool:
        """Say whether a key was seen before, and has expired."""
        return key in self._seen and now - self._seen[key] > self.ttl

    def see(self, key: Hashable, now: Any) -> None:
        """Note that a key was seen."""
        if self.ttl is not None:
            self._seen[key] = now
            self._seen.move_to_end(key)

    def drop(self, now: Any) -> Iterator[Hashable]:
        """Yield keys that have expired and forget about them, longest unseen first."""
        while self._seen:
            key = next(iter(self._seen))
            if not self.is_stale(key, now):
                return
            del self._seen[key]
            yield key

    def forget(self, key: Hashable) -> None:
        """Forget that a key was ever seen."""
        self._seen.pop(key, None)

    def rounds(self, keys: Sequence[Hashable], times: Sequence[Any]) -> list[list[Segment]]:
        """Sort the rows of a block by the models that will learn them.

        A key that expires in mid-block has a model before and another one after: the second is in a
        later round. Nothing is noted yet.

        Parameters
        ----------
        keys, times
            Of each row.

        Returns
        -------
        list
            Rounds, one after the other; no key is twice in one.
        """
        groups = _rows_of(keys)
        if self.ttl is None:
            return [[Segment(key, rows, False) for key, rows in groups.items()]] if groups else []
        segments = {key: self._segments(key, rows, times) for key, rows in groups.items()}
        deepest = max(map(len, segments.values()), default=0)
        return [[own[r] for own in segments.values() if len(own) > r] for r in range(deepest)]

    def _segments(self, key: Hashable, rows: np.ndarray, times: Sequence[Any]) -> list[Segment]:
        """Cut the rows of a key where it has expired in between."""
        listed: list[int] = rows.tolist()
        cuts = [
            i for i in range(1, len(listed)) if times[listed[i]] - times[listed[i - 1]] > self.ttl
        ]
        first, *others = np.split(rows, cuts)
        begun = Segment(key, first, self.is_stale(key, times[listed[0]]))
        return [begun, *(Segment(key, part, True) for part in others)]

    def packed(self) -> list[tuple[Hashable, Any]]:
        """Return keys and times, for `unpack`."""
        return list(self._seen.items())

    def unpack(self, packed: list[tuple[Hashable, Any]]) -> None:
        """Take over what `packed` returned."""
        self._seen = OrderedDict(packed)


def _rows_of(keys: Sequence[Hashable]) -> dict[Hashable, np.ndarray]:
    """Return the rows of each key, in their order; keys in the order of their first rows."""
    codes_of: dict[Hashable, int] = {}
    codes = np.fromiter((codes_of.setdefault(key, len(codes_of)) for key in keys), np.intp)
    bounds = np.cumsum(np.bincount(codes, minlength=len(codes_of)))
    parts = np.split(np.argsort(codes, kind="stable"), bounds[:-1])
    return dict(zip(codes_of, parts, strict=False))
