"""How wrong each contestant was, overall and along the run."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .kinds import Kind
from .ledger import Ledger

if TYPE_CHECKING:
    import numpy as np

#: Rows in a stretch at first: short runs still get a curve.
WIDTH = 16


class Errors:
    """Sums of the contestants' errors over stretches of rows.

    A row counts if it has a target and an earlier row had one, too: nobody can know the first.

    Parameters
    ----------
    kind
        What targets are.
    names
        The contestants.
    """

    def __init__(self, kind: Kind, names: Sequence[str]) -> None:
        self._kind = kind
        self._names = list(names)
        self._begun = False
        # Of each contestant how many errors are defined, and their sum.
        self._ledger = Ledger(2 * len(self._names), WIDTH)

    def add(
        self, rows: Sequence[int], targets: "np.ndarray", predictions: "Sequence[np.ndarray]"
    ) -> int:
        """Take in consecutive rows; return how many had no target."""
        import numpy as np

        known = self._kind.known(targets)
        errors = np.array([self._kind.errors(targets, each) for each in predictions])
        n_known = int(np.count_nonzero(known))
        errors[:, ~known] = math.nan
        if n_known and not self._begun:
            self._begun = True
            errors[:, int(np.argmax(known))] = math.nan
        defined = ~np.isnan(errors)
        values = np.concatenate([defined, np.where(defined, errors, 0.0)])
        self._ledger.spread(values, rows)
        return len(rows) - n_known

    def snapshot(self) -> dict[str, Any]:
        """Return ``measure``, ``overall``, ``width``, ``row``, ``rows`` and ``values``."""
        last, _, sums = self._ledger.columns()
        half = len(self._names)
        counts, totals = sums[:half], sums[half:]
        means = [_means(t, c) for t, c in zip(totals, counts, strict=True)]
        overall = _means(totals.sum(axis=1), counts.sum(axis=1))
        return {
            "measure": self._kind.error,
            "overall": dict(zip(self._names, overall, strict=True)),
            "width": self._ledger.width,
            "row": last.tolist(),
            "rows": counts[0].astype(int).tolist(),
            "values": dict(zip(self._names, means, strict=True)),
        }

    def state(self) -> dict[str, Any]:
        """Return everything, as JSON can hold it."""
        return {"begun": self._begun, **self._ledger.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._begun = state["begun"]
        self._ledger.restore(state)


def _means(sums: "np.ndarray", counts: "np.ndarray") -> list[float | None]:
    """Return sums over counts; None where nothing was counted, or the sum is too large."""
    pairs = zip(sums.tolist(), counts.tolist(), strict=True)
    return [s / n if n and math.isfinite(s) else None for s, n in pairs]
