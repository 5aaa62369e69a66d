"""What one launch does: some rows of some models, so much that it takes a fraction of a second."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Seconds that a launch should take: an interrupt is heard between two, and what a launch costs by
#: itself is a thousandth of that.
_SECONDS = 0.1

#: Parameters x truncation x rows that the first launch may give a block, and rows: nobody knows yet
#: how long one takes.
_FIRST_WORK, _FIRST_ROWS = 1 << 28, 64

#: Rows that a block does in one launch at most.
_MOST_ROWS = 1 << 13


class Piece(NamedTuple):
    """Rows that follow each other, of several models."""

    models: np.ndarray  # which of all that are run, (n,)
    firsts: np.ndarray  # the first row of each, (n,)
    counts: np.ndarray  # and how many, at least one, (n,)

    def rows(self) -> np.ndarray:
        """Return the rows, those of a model one behind the other."""
        ends = np.cumsum(self.counts)
        return np.arange(ends[-1]) + np.repeat(self.firsts - (ends - self.counts), self.counts)

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return int(self.counts.sum())

    def longest(self, at_once: int) -> int:
        """Return how many rows the block with the most has, of so many that are at work."""
        return int(_in_turn(self.counts, at_once)[-at_once:].max())


def _in_turn(counts: np.ndarray, at_once: int) -> np.ndarray:
    """Return how many rows a block has done after each model: block b does b, b + at_once, ..."""
    turns = np.append(counts, np.zeros(-len(counts) % at_once, counts.dtype))
    return np.cumsum(turns.reshape(-1, at_once), axis=0).ravel()


class Cutter:
    """Cuts the rows of many models into pieces; each model's come in their order.

    Models with many rows come first, since whoever begins last should end soon, and several are
    done in turns, so that no multiprocessor is idle while one model has all of a piece.

    Parameters
    ----------
    bounds
        Model i has the rows bounds[i] to bounds[i + 1], (n + 1,).

    Examples
    --------
    >>> cutter = Cutter(np.array([0, 3, 8]))
    >>> piece = cutter.cut(4, 2, 100)
    >>> piece.models.tolist(), piece.rows().tolist()
    ([1, 0], [3, 4, 0, 1])
    """

    def __init__(self, bounds: np.ndarray) -> None:
        lengths = np.diff(bounds)
        order = np.argsort(-lengths, kind="stable")
        self._models = order[lengths[order] > 0]
        self._firsts = np.asarray(bounds)[self._models]
        self._left = lengths[self._models]

    def cut(self, most: int, at_once: int, depth: int) -> Piece | None:
        """Return the next piece, None if nothing is left.

        Parameters
        ----------
        most
            Rows of a piece at most.
        at_once
            Models that the device works at together.
        depth
            Rows of a block at most.
        """
        if not len(self._models):
            return None
        at_once = min(len(self._models), at_once)
        counts = np.minimum(self._left, max(1, min(depth, most // at_once)))
        in_turn = _in_turn(counts, at_once)[: len(counts)]
        too_many = (np.cumsum(counts) > most) | (in_turn > depth)
        n = int(np.argmax(too_many)) or 1 if too_many.any() else len(counts)
        counts = counts[:n]
        piece = Piece(self._models[:n], self._firsts[:n], counts)
        self._firsts = np.append(self._firsts[:n] + counts, self._firsts[n:])
        self._left = np.append(self._left[:n] - counts, self._left[n:])
        remains = self._left > 0
        self._models, self._firsts = self._models[remains], self._firsts[remains]
        self._left = self._left[remains]
        return piece


class Pace:
    """How many rows a block may do in one launch, learnt from how long launches take.

    Parameters
    ----------
    work
        Parameters x truncation of a model.

    Examples
    --------
    >>> pace = Pace(1000)
    >>> pace.passed(pace.depth, 0.2)
    >>> pace.depth
    32
    """

    def __init__(self, work: int) -> None:
        self.depth = max(1, min(_FIRST_ROWS, _FIRST_WORK // max(work, 1)))

    def passed(self, rows: int, seconds: float) -> None:
        """Note how long a launch took whose busiest block had so many rows."""
        fitting = rows * _SECONDS / max(seconds, 1e-6)
        self.depth = int(max(1, min(fitting, 4 * self.depth, _MOST_ROWS)))
