"""Whether a model's numbers can be worked with: compiled code goes by some of them unchecked."""

from __future__ import annotations

import numpy as np

from streamrnn.blueprint import Blueprint
from streamrnn.layout import Sizes, arena_parts, common_size
from streamrnn.statistics import COUNTERS, FILLED, POSITION

#: Beyond this, float64 counts no more.
_GREATEST_COUNT = 2.0**53


def check_counters(sizes: Sizes, statistics: np.ndarray) -> None:
    """Raise ValueError unless all counters are counts and all positions lie in the ring.

    Parameters
    ----------
    sizes
        Of the models.
    statistics
        A row for each model.
    """
    counters = statistics[:, : len(COUNTERS)]
    with np.errstate(invalid="ignore"):
        good = (counters >= 0) & (counters <= _GREATEST_COUNT) & (counters == np.floor(counters))
    good[:, POSITION] &= counters[:, POSITION] < sizes.truncation
    good[:, FILLED] &= counters[:, FILLED] <= sizes.truncation
    if not good.all():
        row, i = np.argwhere(~good)[0]
        raise ValueError(f"the counter {COUNTERS[i]!r} cannot be {counters[row, i]}")


def check_outputs(blueprint: Blueprint, sizes: Sizes) -> None:
    """Raise ValueError unless the loss gives rise to as many outputs as the sizes say."""
    loss = blueprint.plugins.loss
    is_classifier = loss.task == "classification"
    n_targets = n_codes(blueprint, sizes) if is_classifier else sizes.n_targets
    if loss.n_outputs(n_targets) != sizes.n_outputs:
        raise ValueError(f"a model with loss={loss.name!r} has no {sizes.n_outputs} outputs")


def check_codes(blueprint: Blueprint, sizes: Sizes, own: np.ndarray) -> None:
    """Raise ValueError unless the labels in the rings are ones that the model knows.

    Parameters
    ----------
    blueprint, sizes
        Of the models.
    own
        The half of its arena that is a stream's own, a row for each model.
    """
    if blueprint.plugins.loss.task != "classification" or not len(own):
        return
    limit = n_codes(blueprint, sizes)
    common = np.zeros(common_size(sizes), own.dtype)
    for row in own:
        ring = arena_parts(sizes, common, row).targets
        codes = ring[ring[:, -1] != 0, 0]
        if not np.isin(codes, np.arange(limit)).all():
            raise ValueError(f"a target in the ring is none of {limit} labels: {codes}")


def n_codes(blueprint: Blueprint, sizes: Sizes) -> int:
    """Return how many labels a classifier with so many outputs tells apart."""
    # One output may do for two labels.
    most = blueprint.n_columns(sizes)
    serves_most = blueprint.plugins.loss.n_outputs(most) == sizes.n_outputs
    return most if serves_most else sizes.n_outputs
