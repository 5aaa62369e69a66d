"""What targets are to the monitor: numbers with a distance, or labels that are right or wrong."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np


class Kind(Protocol):
    """How targets of one kind are kept, compared and written down."""

    error: str

    def column(self, cells: Sequence[Any]) -> "np.ndarray":
        """Return targets or predictions as an array, (rows,)."""

    def known(self, targets: "np.ndarray") -> "np.ndarray":
        """Return which targets are known, (rows,)."""

    def errors(self, targets: "np.ndarray", predictions: "np.ndarray") -> "np.ndarray":
        """Return how wrong each prediction of a known target is, (rows,); NaN: not defined."""

    def extremes(self, targets: "np.ndarray", predictions: "np.ndarray") -> "list[np.ndarray]":
        """Return what is greatest, (rows,) each, where a row must not be thinned out."""

    def plain(self, column: "np.ndarray") -> list[Any]:
        """Return a column as JSON can hold it, with None for what is missing."""


class Numbers:
    """Targets of a regression; NaN is one that is not known."""

    error = "mean absolute error"

    def column(self, cells: Sequence[Any]) -> "np.ndarray":
        """Return targets or predictions as float64, (rows,)."""
        import numpy as np

        return np.asarray(cells, dtype=np.float64)

    def known(self, targets: "np.ndarray") -> "np.ndarray":
        """Return which targets are known, (rows,)."""
        import numpy as np

        return np.isfinite(targets)

    def errors(self, targets: "np.ndarray", predictions: "np.ndarray") -> "np.ndarray":
        """Return the distances, (rows,); NaN where either is missing or not finite."""
        import numpy as np

        with np.errstate(over="ignore", invalid="ignore"):
            distances = np.abs(targets - predictions)
        return np.where(np.isinf(distances), math.nan, distances)

    def extremes(self, targets: "np.ndarray", predictions: "np.ndarray") -> "list[np.ndarray]":
        """Return both and their opposites: the highest and the lowest of each are kept."""
        return [targets, -targets, predictions, -predictions]

    def plain(self, column: "np.ndarray") -> list[Any]:
        """Return floats; None for what is not finite."""
        return [value if math.isfinite(value) else None for value in column.tolist()]


class Labels:
    """Targets of a classification; None is one that is not known."""

    error = "error rate"

    def column(self, cells: Sequence[Any]) -> "np.ndarray":
        """Return targets or predictions as objects, (rows,)."""
        import numpy as np

        return np.array(cells, dtype=object)

    def known(self, targets: "np.ndarray") -> "np.ndarray":
        """Return which targets are known, (rows,)."""
        import numpy as np

        return np.not_equal(targets, np.array(None)).astype(bool)

    def errors(self, targets: "np.ndarray", predictions: "np.ndarray") -> "np.ndarray":
        """Return 1 for wrong and 0 for right, (rows,)."""
        import numpy as np

        return np.not_equal(targets, predictions).astype(np.float64)

    def extremes(self, targets: "np.ndarray", predictions: "np.ndarray") -> "list[np.ndarray]":
        """Return what is wrong: the first mistake is kept."""
        return [self.errors(targets, predictions) * self.known(targets)]

    def plain(self, column: "np.ndarray") -> list[Any]:
        """Return labels as text; None for what is missing."""
        return [value if value is None else str(value) for value in column.tolist()]


KINDS: dict[str, Kind] = {"regression": Numbers(), "classification": Labels()}
