"""Which events were seen, and which step of the network each of them was."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, NamedTuple

import numpy as np

from streamrnn.estimators.blocks import check_hashable
from streamrnn.estimators.limits import depth_of_the_user
from streamrnn.estimators.outline import count, only

#: Events that are remembered, the latest: their labels may be that many samples late before an
#: event counts as a new one. About 240 bytes each, and 32 more for each output.
KEPT = 10_000


class Event(NamedTuple):
    """One event."""

    sample: int  # the counter of samples with it
    answer: tuple[float, ...]  # what was predicted for it


class Events:
    """The events that came with an id, the latest `KEPT`."""

    def __init__(self) -> None:
        self._events: OrderedDict[Hashable, Event] = OrderedDict()
        self.late_targets = 0

    def get(self, t: Hashable) -> Event | None:
        """Return the event with that id, None if it was not seen.

        Raises
        ------
        TypeError
            If the id is not hashable.
        """
        check_hashable("the event id t", t)
        return self._events.get(t)

    def saw(self, t: Hashable, sample: int, answer: np.ndarray) -> None:
        """Remember an event, and what was predicted for it."""
        self._events[t] = Event(sample, tuple(answer.tolist()))
        if len(self._events) > KEPT:
            self._events.popitem(last=False)

    def count_late(self, t: Hashable, truncation: int) -> None:
        """Count a target whose step has left the window; warn of the first."""
        self.late_targets += 1
        if self.late_targets == 1:
            warnings.warn(
                f"the target of event {t!r} came when its step had left the window, and teaches "
                f"nothing: truncation={truncation} must be more than the delay",
                stacklevel=depth_of_the_user(),
            )

    def kept(self) -> dict[str, Any]:
        """Return all of it as plain data."""
        events = [(t, event.sample, event.answer) for t, event in self._events.items()]
        return {"events": events, "late_targets": self.late_targets}

    def restore(self, kept: dict[str, Any]) -> None:
        """Take over what `kept` returned; ValueError if it is something else."""
        events, late_targets = only(kept, "events", "late_targets")
        self._events = OrderedDict(
            (t, Event(count(sample, "the sample of an event"), tuple(map(float, answer))))
            for t, sample, answer in events
        )
        self.late_targets = count(late_targets, "late targets")
