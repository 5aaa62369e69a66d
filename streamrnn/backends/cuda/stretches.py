"""Which rounds of streams that share their weights go to the device together."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from streamrnn.backends.cuda.rounds import chunk_of, n_chunks_of


class Stretch(NamedTuple):
    """Rounds that follow each other."""

    order: np.ndarray  # the rows, round by round, (n,)
    streams: np.ndarray  # whose each is, of all that are run, (n,); ascending in a round
    bounds: np.ndarray  # round k has rows bounds[k] to bounds[k + 1] of these, (rounds + 1,)

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.order)

    @property
    def models(self) -> np.ndarray:
        """The streams: those of the first round, since one that has ended does not go on."""
        return self.streams[: self.bounds[1]]

    @property
    def counts(self) -> np.ndarray:
        """How many rows each round has, (rounds,)."""
        return np.diff(self.bounds)

    def rows(self) -> np.ndarray:
        """Return the rows, round by round."""
        return self.order

    def longest(self, at_once: int) -> int:
        """Return how many rows the block with the most has, of so many that are at work."""
        return sum(_rows_of_a_block(n, at_once) for n in self.counts.tolist())


def _rows_of_a_block(n: int, at_once: int) -> int:
    """Return how many of `n` streams one of so many blocks does in a round."""
    return -(-n_chunks_of(n) // at_once) * chunk_of(n)


class RoundCutter:
    """Puts the rows of streams in rounds, and cuts them between rounds.

    Parameters
    ----------
    bounds
        Stream i has the rows bounds[i] to bounds[i + 1], (n + 1,).

    Examples
    --------
    >>> cutter = RoundCutter(np.array([0, 3, 5]))
    >>> stretch = cutter.cut(4, 1, 100)
    >>> stretch.order.tolist(), stretch.streams.tolist(), stretch.bounds.tolist()
    ([0, 3, 1, 4], [0, 1, 0, 1], [0, 2, 4])
    >>> cutter.cut(4, 1, 100).order.tolist()
    [2]
    """

    def __init__(self, bounds: np.ndarray) -> None:
        lengths = np.diff(bounds)
        streams = np.repeat(np.arange(len(lengths)), lengths)
        rounds = np.arange(len(streams)) - (bounds[:-1] - bounds[0])[streams]
        places = np.argsort(rounds, kind="stable")
        self._order, self._streams = places + bounds[0], streams[places]
        self._bounds = np.append(0, np.cumsum(np.bincount(rounds)))
        self._done = 0  # rounds

    def cut(self, most: int, at_once: int, depth: int) -> Stretch | None:
        """Return the next rounds, at least one; None if nothing is left.

        Parameters
        ----------
        most
            Rows at most.
        at_once
            Blocks that the device works at together.
        depth
            Rows of a block at most.
        """
        # No more than that, since each round is a row of a block at least.
        bounds = self._bounds[self._done : self._done + depth + 2]
        if len(bounds) < 2:
            return None
        n = n_rows = in_turn = 0
        for start, stop in pairwise(bounds.tolist()):
            n_rows += stop - start
            in_turn += _rows_of_a_block(stop - start, at_once)
            if n and (n_rows > most or in_turn > depth):
                break
            n += 1
        self._done += n
        part = slice(bounds[0], bounds[n])
        return Stretch(self._order[part], self._streams[part], bounds[: n + 1] - bounds[0])
