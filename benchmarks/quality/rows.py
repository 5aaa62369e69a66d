"""A row of a table: a model, and how it is run on a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from quality.protocol import Contestant, prequential
from quality.streams import Stream

#: Predictions, and the seconds that predicting and learning took.
Run = Callable[[Stream, int], tuple[list[Any], float]]


class Row(NamedTuple):
    """One model on all streams of a kind.

    Attributes
    ----------
    run
        Predict and learn a stream, with a seed.
    library
        What it comes from; its version is told.
    family
        ``"ours"``, ``"tuned"`` (ours, not with the defaults), ``"baseline"`` or ``"peer"``.
    seeded
        Whether the seed makes a difference, so that several count.
    slow
        Left out by ``--quick``.
    streams
        On which streams; None for all.
    limit
        How many steps are run; None for all.
    """

    run: Run
    library: str = "numpy"
    family: str = "baseline"
    seeded: bool = False
    slow: bool = False
    streams: tuple[str, ...] | None = None
    limit: int | None = None


def in_process(make: Callable[[Stream, int], Contestant]) -> Run:
    """Return the run of models that are made here."""

    def run(stream: Stream, seed: int) -> tuple[list[Any], float]:
        return prequential(stream, make(stream, seed))

    return run
