"""The statistics of a model: counters and running moments, in float64, where they do not round."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.layout import Sizes
from streamrnn.views import matrix, vector


class Change(NamedTuple):
    """What is kept where changes are predicted; see `streamrnn.changes`. Nothing otherwise."""

    last: np.ndarray  # (n,): last known value of each target
    last_at: np.ndarray  # (n,): counter of samples after its step, 0: none is known
    levels: np.ndarray  # (3, n): running moments of the values
    fit: np.ndarray  # (4, n): sums that give the shrinkage
    bases: np.ndarray  # (K, n): for each step of the ring, what its targets change from
    guesses: np.ndarray  # (K, n): and the changes that were predicted, scaled


#: The sums over predicted and true changes, both scaled, and how many they are.
BOTH, GUESSED, CAME, N_FIT = range(4)


class Statistics(NamedTuple):
    """The parts of the statistics: counters, and running moments as (count, mean, M2) rows.

    Where changes are predicted, the moments of the targets are those of their changes.
    """

    counters: np.ndarray  # (len(COUNTERS),)
    inputs: np.ndarray  # (3, n_inputs)
    targets: np.ndarray  # (3, n_targets)
    change: Change


#: What is counted. The first seven are for users; the others are the position in the ring, how many
#: of its steps are filled, how many targets came since the last update, and how many updates the
#: optimizer has made since it started or was reset.
COUNTERS = (
    "samples",
    "updates",
    "clipped",
    "skipped",
    "missing_values",
    "missing_targets",
    "state_resets",
    "position",
    "filled",
    "pending",
    "optimizer_updates",
)
SAMPLES, UPDATES, CLIPPED, SKIPPED, MISSING_VALUES, MISSING_TARGETS = range(6)
STATE_RESETS, POSITION, FILLED, PENDING, OPTIMIZER_UPDATES = range(6, 11)


@glue
def statistics_size(sizes: Sizes) -> int:
    """Return the length of the statistics."""
    n = sizes.n_targets if sizes.is_change else 0
    moments = 3 * sizes.n_inputs + 3 * sizes.n_targets
    return len(COUNTERS) + moments + (9 + 2 * sizes.truncation) * n


@glue
def statistics_parts(sizes: Sizes, statistics: np.ndarray) -> Statistics:
    """View the parts of the statistics."""
    at_inputs = len(COUNTERS)
    at_targets = at_inputs + 3 * sizes.n_inputs
    start = at_targets + 3 * sizes.n_targets
    n, K = sizes.n_targets if sizes.is_change else 0, sizes.truncation
    change = Change(
        vector(statistics, start, n),
        vector(statistics, start + n, n),
        matrix(statistics, start + 2 * n, 3, n),
        matrix(statistics, start + 5 * n, 4, n),
        matrix(statistics, start + 9 * n, K, n),
        matrix(statistics, start + (9 + K) * n, K, n),
    )
    return Statistics(
        vector(statistics, 0, at_inputs),
        matrix(statistics, at_inputs, 3, sizes.n_inputs),
        matrix(statistics, at_targets, 3, sizes.n_targets),
        change,
    )
