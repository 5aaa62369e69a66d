"""How wrong a model was, over the rows of a stream of any length, as a few hundred points."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: Points kept at most.
MOST = 512


class Curve:
    """Sums of errors over pieces of equal length, ever longer ones as the stream goes on.

    Attributes
    ----------
    width : int
        Errors in a piece.
    """

    def __init__(self) -> None:
        self.width = 1
        self._sums: list[float] = []
        self._open, self._count = 0.0, 0

    def add(self, errors: np.ndarray) -> None:
        """Take in the errors of the next rows, (rows,)."""
        for error in errors.tolist():
            self._open += error
            self._count += 1
            if self._count == self.width:
                self._close()

    def _close(self) -> None:
        self._sums.append(self._open)
        self._open, self._count = 0.0, 0
        if len(self._sums) == MOST:
            sums = self._sums
            self._sums = [a + b for a, b in zip(sums[::2], sums[1::2], strict=True)]
            self.width *= 2

    def means(self, window: int) -> tuple[list[int], list[float]]:
        """Return the mean error of the last pieces, at the end of each piece.

        Parameters
        ----------
        window
            How many pieces.

        Returns
        -------
        list, list
            How many errors came before each end, and the means.

        Examples
        --------
        >>> import numpy as np
        >>> curve = Curve()
        >>> curve.add(np.array([1.0, 3.0, 5.0]))
        >>> curve.means(2)
        ([1, 2, 3], [1.0, 2.0, 4.0])
        """
        ends = [(i + 1) * self.width for i in range(len(self._sums))]
        found = []
        for i in range(len(ends)):
            piece = self._sums[max(0, i + 1 - window) : i + 1]
            found.append(sum(piece) / (len(piece) * self.width))
        return ends, found

    def __len__(self) -> int:
        return len(self._sums)
