"""What the inputs of a step are, column by column: features, lags, then what the head alone reads.

The head's own are the features of the step before, the levels of the last targets, and the last
targets, the newest first.
"""

from __future__ import annotations

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.layout import Sizes, layer_inputs, row_width


@glue
def n_told(sizes: Sizes) -> int:
    """Return how many inputs tell one target: an output each, or the series' value."""
    return 1 if sizes.is_series else sizes.n_outputs


@glue
def n_levels(sizes: Sizes) -> int:
    """Return how many levels of last targets the head reads."""
    return n_told(sizes) if sizes.is_change and sizes.recent_targets else 0 * n_told(sizes)


def places_of_inputs(old: Sizes, new: Sizes) -> np.ndarray:
    """Return where the first layer's inputs of `old` sizes are among those of `new` sizes."""
    return np.r_[: old.n_inputs, new.n_inputs : new.n_inputs + old.n_lags]


def places_of_columns(old: Sizes, new: Sizes) -> np.ndarray:
    """Return the same of all that is kept of a step: inputs, then what the head alone reads."""
    places, start = [places_of_inputs(old, new)], layer_inputs(new, 0)
    if old.recent_inputs:
        places.append(start + np.arange(old.n_inputs))
        start += new.n_inputs
    for _ in range(old.recent_targets + (n_levels(old) > 0)):
        places.append(start + np.arange(n_told(old)))
        start += n_told(new)
    return np.concatenate(places)


def ages_of_columns(sizes: Sizes) -> np.ndarray:
    """Return how old the target is that a column tells, 1 for the last; 0 for all other columns."""
    n = sizes.recent_targets * n_told(sizes)
    ages = np.zeros(row_width(sizes, 0), int)
    ages[ages.size - n :] = 1 + np.arange(n) // max(n_told(sizes), 1)
    return ages
