"""Targets: from the user's units into the ring, and predictions back into these units."""

from __future__ import annotations

import math

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.changes import changed, expected, keep_and_scale_change, note_value
from streamrnn.lags import VALUES
from streamrnn.layout import Sizes
from streamrnn.scaling import clipped, is_usable, keep_and_scale_target, scaled_by, unscale
from streamrnn.statistics import SAMPLES, Statistics
from streamrnn.updates import Settings


@glue
def write_in_units(
    sizes: Sizes, settings: Settings, statistics: Statistics, out: np.ndarray
) -> None:
    """Take a decoded prediction, (n_outputs,), to the target's units, in place."""
    if sizes.is_change != 0:
        for k in range(out.size):
            out[k] = changed(sizes, settings, statistics, out[k], k)
    elif settings.scale_target != 0.0:
        for k in range(out.size):
            out[k] = unscale(out[k], statistics.targets, k, settings.scale_clip)


@glue
def keep_target(
    sizes: Sizes,
    settings: Settings,
    statistics: Statistics,
    slot: int,
    ring: np.ndarray,
    target: np.ndarray,
    age: int,
    is_late: bool,
    keeps: bool,
) -> bool:
    """Write the scaled target and its weight to a row of the ring; say if anything is known.

    A late one of which nothing is known leaves the row alone. A change that starts from nowhere,
    as the first, is not known to the ring although the target is. A target that is only observed is
    not kept: moments stay, and its weight is negative, so steps to come know it as the last one and
    no gradient ever comes from it.
    """
    scale, last = settings.scale_target != 0.0, sizes.n_targets
    weight = ring.dtype.type(target[last])  # as the ring has it: too small a weight is 0 there
    known = False
    for k in range(last):
        known |= is_usable(target[k], scale)
    known = known and 0 < weight < math.inf
    if is_late and not known:
        return False
    for k in range(last):
        if not known or not is_usable(target[k], scale):
            ring[k] = math.nan
        elif sizes.is_change != 0:
            serial = statistics.counters[SAMPLES] - age
            ring[k] = keep_and_scale_change(settings, statistics, slot, target[k], k, serial, keeps)
        elif scale and keeps:
            ring[k] = keep_and_scale_target(
                target[k], statistics.targets, k, settings.scale_clip, settings.scale_memory
            )
        elif scale:
            ring[k] = scaled_by(target[k], statistics.targets, k, settings.scale_clip)
        else:
            ring[k] = target[k]
    ring[last] = 0.0
    if known:
        ring[last] = weight if keeps else -weight
    return known


@glue
def assume_prediction(
    sizes: Sizes, settings: Settings, statistics: Statistics, ring: np.ndarray, z: np.ndarray
) -> None:
    """Let what was predicted stand for the target in the steps after it."""
    if sizes.lags_as != VALUES:
        return
    for k in range(sizes.n_targets):
        ring[k] = clipped(z[k], settings.scale_clip) if settings.scale_target != 0.0 else z[k]
        if sizes.is_change != 0:
            ring[k] = expected(settings, statistics, z[k], k)
            value = changed(sizes, settings, statistics, z[k], k)
            note_value(statistics, value, k, statistics.counters[SAMPLES])
    ring[sizes.n_targets] = 1


@glue
def teaches(sizes: Sizes, ring: np.ndarray) -> bool:
    """Say whether a row of the ring has a target, or part of one, that can be learnt."""
    any_known = False
    for k in range(sizes.n_targets):
        any_known |= ring[k] == ring[k]
    return any_known
