"""A learner's team on a device: many lanes, which do together what one thread hands to them.

One thread, *main*, runs the same compiled engine as a processor does. Where there is much to do
alike, it writes a job into memory that all see, and waits; the lanes, which wait for jobs, do it. A
job has one or more phases: what lanes write in one, others read in the next, and never in the same.
So nothing depends on which lane is first, and between two phases all meet at a barrier.

How they meet is a type: on a device the threads of a block, or of the whole grid. `InTurn` is one
thread that is every lane in turn: the same numbers on any processor.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from streamrnn._dispatch import by_type, glue, kernel
from streamrnn.views import keep, matrix_at, row, vector

#: Words of a job: what kind it is, how many phases it has, and its own; the last word says how much
#: room there is for parts of products.
N_WORDS = 32
KIND, PHASES, JOB = range(3)
ROOM = N_WORDS - 1

#: The kinds of jobs.
STEP, SWEEP, GRADIENT, BELOW, PRODUCT, TRANSPOSED, EACH, TOTAL = range(8)

#: Numbers that go with a job; from `TOTALS` on, what it adds up to, in so many segments.
N_FIGURES, N_TOTALS = 128, 32
TOTALS = N_FIGURES - N_TOTALS

#: What main says when all is done.
STOP = -1


class Lanes(NamedTuple):
    """The lanes, and what they share."""

    how: Any  # how they meet
    words: Any  # (1, N_WORDS) int64: the job
    figures: Any  # (1, N_FIGURES) float64: numbers that go with a job or come of it
    sums: Any  # (1, lanes) float64: what each lane adds up
    partial: Any  # (1, n): parts of products, in the model's precision
    cell: Any  # these tell their types
    optimizer: Any
    real: Any

    # (1, n) since what is at an address is viewed as a matrix.


_INTEGER, _DOUBLE = np.int64(0), np.float64(0)


def bytes_shared(lanes: int, room: int, itemsize: int) -> int:
    """Return the bytes of what so many lanes share, with room for so many parts of products."""
    return 8 * (N_WORDS + N_FIGURES + lanes) + room * itemsize


@glue
def lanes_at(pattern: Lanes, address: int, n: int) -> Lanes:
    """View what `n` lanes share from an address on; the room for parts is written there."""
    figures = address + 8 * N_WORDS
    sums = figures + 8 * N_FIGURES
    words = matrix_at(address, 1, N_WORDS, _INTEGER)
    return Lanes(
        pattern.how,
        words,
        matrix_at(figures, 1, N_FIGURES, _DOUBLE),
        matrix_at(sums, 1, n, _DOUBLE),
        matrix_at(sums + 8 * n, 1, words[0, ROOM], pattern.real),
        pattern.cell,
        pattern.optimizer,
        pattern.real,
    )


@glue
def n_lanes(team: Lanes) -> int:
    """Return how many lanes there are."""
    return team.sums.shape[1]


@glue
def split(unit: int, n: int) -> tuple[Any, Any]:
    """Return the quotient and the remainder of two numbers below 2^32.

    Without a sign, and so few bits: a device divides these at once, and knows that no index made of
    them is negative.
    """
    small = np.uint32(unit)
    quotient = small // np.uint32(n)
    return np.int64(quotient), np.int64(small - quotient * np.uint32(n))


@by_type
def perform(team: tuple, phase: int, lane: int) -> None:
    """Do one lane's part of one phase of the job that is written."""


@by_type
def do_phases(how: tuple, team: tuple, n: int) -> None:
    """See to it that all lanes do the phases of the job that is written.

    Parameters
    ----------
    how
        How they meet, ``team.how``; its type chooses the implementation.
    team
        The lanes.
    n
        Phases.
    """


@glue
def hand_out(team: Lanes, kind: int, n_phases: int, job: tuple) -> None:
    """Let the lanes do a job."""
    words = row(team.words, 0)
    keep((kind, n_phases), words, KIND)
    keep(job, words, JOB)
    do_phases(team.how, team, n_phases)


class InTurn(NamedTuple):
    """One thread is every lane, one after the other; an odd number begins with the last one."""

    turn: Any = 0


@kernel
def _in_turn(team, n, turn):
    lanes = n_lanes(team)
    for phase in range(n):
        for i in range(lanes):
            perform(team, phase, lanes - 1 - i if (turn + phase) % 2 == 1 else i)


@do_phases.register(InTurn)
def _(how, team, n):
    _in_turn(team, n, how.turn)


# --- adding up what lanes have added up


@kernel
def do_total(team: Lanes, lane: int) -> None:
    """Add up a segment of the lanes' sums."""
    totals = vector(row(team.figures, 0), TOTALS, team.figures.shape[1] - TOTALS)
    lanes, n = n_lanes(team), totals.size
    for segment in range(lane, n, lanes):
        total = 0.0
        for i in range(segment * lanes // n, (segment + 1) * lanes // n):
            total += team.sums[0, i]
        totals[segment] = total
