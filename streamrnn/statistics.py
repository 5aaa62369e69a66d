"""The statistics of a model: counters and running moments, in float64, where they do not round."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.layout import Sizes
from streamrnn.views import matrix, vector


class Statistics(NamedTuple):
    """The parts of the statistics: counters, and running moments as (count, mean, M2) rows."""

    counters: np.ndarray  # (len(COUNTERS),)
    inputs: np.ndarray  # (3, n_inputs)
    targets: np.ndarray  # (3, n_targets)


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
    return len(COUNTERS) + 3 * sizes.n_inputs + 3 * sizes.n_targets


@glue
def statistics_parts(sizes: Sizes, statistics: np.ndarray) -> Statistics:
    """View the parts of the statistics."""
    n = len(COUNTERS)
    return Statistics(
        vector(statistics, 0, n),
        matrix(statistics, n, 3, sizes.n_inputs),
        matrix(statistics, n + 3 * sizes.n_inputs, 3, sizes.n_targets),
    )
