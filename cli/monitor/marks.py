"""Events of a run: drifts, checkpoints, breaks."""

from collections import Counter
from typing import Any

#: Marks kept at most: of the oldest and of the newest, half each.
LIMIT = 400


class Marks:
    """What happened at which row; all are counted, the first and the last are kept."""

    def __init__(self) -> None:
        self._kept: list[dict[str, Any]] = []
        self._counts: Counter[str] = Counter()

    def add(self, kind: str, row: int, text: str) -> None:
        """Note an event."""
        self._counts[kind] += 1
        self._kept.append({"kind": kind, "row": int(row), "text": text})
        if len(self._kept) > LIMIT:
            del self._kept[LIMIT // 2]

    def snapshot(self) -> dict[str, Any]:
        """Return ``marks``, those kept, and ``mark_counts``, of all by kind."""
        return {"marks": [dict(m) for m in self._kept], "mark_counts": dict(self._counts)}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a snapshot."""
        self._kept = [dict(mark) for mark in state["marks"]]
        self._counts = Counter(state["mark_counts"])
