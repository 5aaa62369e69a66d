"""The models of many keys: looked at, seated, learnt, forgotten."""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from itertools import accumulate
from operator import itemgetter
from typing import Any

import numpy as np

from streamrnn.bank import FRESH, Bank
from streamrnn.expiry import Expiry, Segment
from streamrnn.learner import LEARN, OBSERVE
from streamrnn.roster import Roster
from streamrnn.routing import run_groups


class Population:
    """A bank whose models go by keys.

    Whoever works with it holds the lock of its bank.

    Parameters
    ----------
    bank
        The models.
    max_keys
        Models in memory at most, None for no limit; the others are on disk.
    ttl
        How long a key is kept without being seen; None for ever.
    folder
        Where models lie that are on disk; None for the system's folder of temporary files.
    """

    def __init__(
        self,
        bank: Bank,
        max_keys: int | None,
        ttl: Any,
        folder: str | os.PathLike[str] | None,
    ) -> None:
        self.bank = bank
        self.roster = Roster(bank, max_keys, folder)
        self.expiry = Expiry(ttl)
        self.samples = self.expired = 0
        self._latest: Any = None  # the time of the newest sample

    def _now(self, time: Any) -> Any:
        """Return the time of a sample: time never runs back."""
        return time if self._latest is None or time > self._latest else self._latest

    def look(self, key: Hashable, time: Any) -> None:
        """Select the model that answers for a key: its own, or a new one. Changes no model."""
        stale = self.expiry.is_stale(key, self._now(time))
        self.bank.select(FRESH if stale else self.roster.look(key))

    def select(self, key: Hashable, time: Any) -> bool:
        """Select a key's model if it is in memory and has not expired; say whether that is so."""
        slot = self.roster.resident.get(key)
        if slot is None or self.expiry.is_stale(key, self._now(time)):
            return False
        self.bank.select(slot)
        return True

    def seat(self, key: Hashable, time: Any) -> None:
        """Select a key's model for learning: bring it to memory, or make it."""
        if self.expiry.is_stale(key, self._now(time)):
            self._expire(key)
        self.bank.select(self.roster.seat([key])[0])

    def saw(self, key: Hashable, time: Any) -> None:
        """Note that the selected model, that of the key, has learnt from a sample."""
        self._latest = self._now(time)
        self.samples += 1
        self.roster.touch(key)
        self.expiry.see(key, self._latest)
        self._drop_stale(self._latest)

    def observe_rows(
        self,
        keys: Sequence[Hashable],
        times: Sequence[Any],
        X: np.ndarray,
        Y: np.ndarray,
        out: np.ndarray,
        n_threads: int,
        backend: str = "cpu",
    ) -> None:
        """Let rows of many keys predict and take their steps; nothing is learnt.

        Keys without a model get none: a new one answers for them. The arguments are those of
        `learn_rows`.
        """
        is_known = np.array([key in self.roster for key in keys], bool)
        known, others = np.flatnonzero(is_known), np.flatnonzero(~is_known)
        part = np.empty((len(known), out.shape[1]))
        listed: list[int] = known.tolist()
        mine, then = [keys[i] for i in listed], [times[i] for i in listed]
        self.learn_rows(mine, then, X[known], Y[known], part, n_threads, backend, OBSERVE)
        out[known] = part
        part = np.empty((len(others), out.shape[1]))
        self.bank.select(FRESH)
        self.bank.run(X[others], Y[others], part, False)
        out[others] = part

    def learn_rows(
        self,
        keys: Sequence[Hashable],
        times: Sequence[Any],
        X: np.ndarray,
        Y: np.ndarray,
        out: np.ndarray,
        n_threads: int,
        backend: str = "cpu",
        task: int = LEARN,
    ) -> None:
        """Let rows of many keys predict and learn.

        An exception, such as an interrupt, leaves each key with the rows that it has learnt so far.

        Parameters
        ----------
        keys, times
            Of each row.
        X, Y, out, n_threads, task
            As for `Bank.run_groups`, the rows in the order in which they came.
        backend
            Where they do so.
        """
        if not len(keys):
            return
        times = list(accumulate(times, max, initial=self._now(times[0])))[1:]
        last_rows: dict[Hashable, int] = {}
        try:
            for segments in self.expiry.rounds(keys, times):
                segments.sort(key=_last_row)
                step = self.roster.max_resident or len(segments)
                for first in range(0, len(segments), step):
                    chunk = segments[first : first + step]
                    last_rows |= {segment.key: _last_row(segment) for segment in chunk}
                    self._learn_segments(chunk, X, Y, out, n_threads, backend, task)
        finally:
            for key, i in sorted(last_rows.items(), key=itemgetter(1)):
                self.expiry.see(key, times[i])
                self.roster.touch(key)
        self._latest = times[-1]
        self._drop_stale(self._latest)

    def _learn_segments(
        self,
        segments: list[Segment],
        X: np.ndarray,
        Y: np.ndarray,
        out: np.ndarray,
        n_threads: int,
        backend: str,
        task: int,
    ) -> None:
        for segment in segments:
            if segment.fresh:
                self._expire(segment.key)
        slots = np.array(self.roster.seat([segment.key for segment in segments]))
        bounds = np.cumsum([0, *(len(segment.rows) for segment in segments)])
        rows = np.concatenate([segment.rows for segment in segments])
        part = np.empty((len(rows), out.shape[1]))
        self.samples += len(rows)
        run_groups(self.bank, backend, slots, bounds, X[rows], Y[rows], part, n_threads, task)
        out[rows] = part

    def forget(self, key: Hashable) -> None:
        """Drop a key's model, if it has one."""
        self.roster.forget(key)
        self.expiry.forget(key)

    def _expire(self, key: Hashable) -> None:
        self.roster.forget(key)
        self.expired += 1

    def _drop_stale(self, now: Any) -> None:
        for key in self.expiry.drop(now):
            self._expire(key)

    @property
    def counters(self) -> dict[str, int]:
        """What was counted so far, for users."""
        return {
            "samples": self.samples,
            "keys": len(self.roster),
            "resident": len(self.roster.resident),
            "spilled": len(self.roster.spilled),
            "expired": self.expired,
        }

    def packed(self) -> dict[str, Any]:
        """Return all but the bank, for `unpack`; what lies on disk is read."""
        return {
            "roster": self.roster.packed(),
            "seen": self.expiry.packed(),
            "samples": self.samples,
            "expired": self.expired,
            "latest": self._latest,
        }

    def unpack(self, packed: dict[str, Any]) -> None:
        """Take over what `packed` returned of the population of an equal bank."""
        self.roster.unpack(packed["roster"])
        self.expiry.unpack(packed["seen"])
        self.samples, self.expired = packed["samples"], packed["expired"]
        self._latest = packed["latest"]


def _last_row(segment: Segment) -> int:
    return int(segment.rows[-1])
