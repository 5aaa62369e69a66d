"""What the network tells about itself: gradients through time, gates, and how far weights move."""

import time
from typing import TYPE_CHECKING, Any

from .plain import plain

if TYPE_CHECKING:
    import numpy as np

#: Diagnoses kept at most; of each pair of neighbours one is dropped when there are more.
LIMIT = 200
#: Each is followed by a pause so many times as long as it took, at first and in the long run: small
#: networks are asked often, large ones seldom, and a run of a few seconds shows something, too.
FIRST_PAUSE, PAUSE = 8, 100
#: What an estimator must have to be asked.
NEEDED = ("gradient_profile", "gate_saturation", "flat_weights")


class Diagnosis:
    """Asks a model now and then how it is.

    Parameters
    ----------
    model
        An estimator, or None. One without diagnostics, such as ``KeyedModel``, tells its
        memory only.

    Attributes
    ----------
    why_not : str or None
        Why there are no diagnostics.
    memory : int or None
        Bytes of the model when it was last asked.
    asked : int
        How often it was asked, in this process.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.why_not = _why_not(model)
        self.memory: int | None = None
        self.asked = 0
        self._kept: list[dict[str, Any]] = []
        self._stride, self._skipped = 1, 0
        self._weights: np.ndarray | None = None
        self._moved: float | None = None  # the largest change since the last one that was kept
        self._due = 0.0

    def ask(self, row: int) -> None:
        """Ask the model, unless that would take too much of the time."""
        started = time.perf_counter()
        if self._model is None or started < self._due:
            return
        self.asked += 1
        self.memory = getattr(self._model, "_raw_memory_usage", None)
        if self.why_not is None:
            self._measure(row)
        ended = time.perf_counter()
        self._due = ended + min(FIRST_PAUSE + self.asked, PAUSE) * (ended - started)

    def _measure(self, row: int) -> None:
        moved = self._change()
        if moved is not None:
            self._moved = max(moved, self._moved or 0.0)
        self._skipped += 1
        if self._skipped >= self._stride:
            self._keep(row)

    def _change(self) -> float | None:
        """Return by how much the weights changed since last time, relative to their norm."""
        import numpy as np

        before, now = self._weights, np.array(self._model.flat_weights(), dtype=np.float64)
        self._weights = now
        if before is None or before.shape != now.shape:  # the network grew
            return None
        norm = float(np.linalg.norm(before))
        change = float(np.linalg.norm(now - before))
        return change / norm if norm > 0 else None

    def _keep(self, row: int) -> None:
        entry = {
            "row": row,
            "gradient": self._model.gradient_profile()[-1],
            "saturation": self._model.gate_saturation(),
            "update_size": self._moved,
        }
        self._kept.append(plain(entry))
        self._moved, self._skipped = None, 0
        if len(self._kept) > LIMIT:
            self._halve()

    def _halve(self) -> None:
        """Drop every second diagnosis; the larger change of weights of both is kept."""
        pairs = zip(self._kept[0::2], self._kept[1::2], strict=False)
        halved = [{**b, "update_size": _larger(a, b)} for a, b in pairs]
        # Of an odd number the newest one has no partner.
        self._kept = halved + self._kept[2 * len(halved) :]
        self._stride *= 2

    def snapshot(self) -> dict[str, Any]:
        """Return ``gradient``, ``saturation``, ``update_size`` and ``no_diagnostics``: why not."""
        gates: dict[str, None] = {}
        for entry in self._kept:
            gates.update(dict.fromkeys(entry["saturation"]))
        rows = [entry["row"] for entry in self._kept]
        return {
            "gradient": [[entry["row"], entry["gradient"]] for entry in self._kept],
            "saturation": {
                "row": rows,
                "gates": {g: [e["saturation"].get(g) for e in self._kept] for g in gates},
            },
            "update_size": {"row": rows, "value": [e["update_size"] for e in self._kept]},
            "no_diagnostics": self.why_not,
        }

    def state(self) -> dict[str, Any]:
        """Return everything but the weights, which the model has, as JSON can hold it."""
        return {"kept": self._kept, "stride": self._stride, "memory": self.memory}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._kept, self._stride = list(state["kept"]), state["stride"]
        self.memory = state["memory"]


def _larger(a: dict[str, Any], b: dict[str, Any]) -> float | None:
    sizes = [e["update_size"] for e in (a, b) if e["update_size"] is not None]
    return max(sizes, default=None)


def _why_not(model: Any) -> str | None:
    """Return why a model cannot be asked, or None."""
    if model is None:
        return "The run has no network that could be asked."
    lacking = [name for name in NEEDED if not hasattr(model, name)]
    if not lacking:
        return None
    # By name, since importing it brings all of the package along.
    if any(kind.__name__ == "KeyedModel" for kind in type(model).__mro__):
        return "A KeyedModel is many networks, one a key: there is no gradient of all of them."
    return f"{type(model).__name__} does not tell about itself: it has no {lacking[0]}()."
