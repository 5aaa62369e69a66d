"""Predicting the change of a target from its last known value, in place of its level.

What the network and its head learn is the change, in units of its usual size: the root mean square
of the changes so far. Series near a random walk have changes far smaller than the spread of their
levels, which a network that predicts levels cannot resolve; and its first guess is the last value.

A predicted change is shrunk: it is multiplied by the regression coefficient of the changes that
came on those that were predicted, less its standard error, clipped to [0, 1]. Where predictions
tell nothing the forecast is the last value. The coefficient forgets, with a half-life of some
hundred samples.

The level itself, the last value standardised by the running moments of all, is an input of heads
that read recent targets: so the change can lead back to a mean.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from streamrnn._dispatch import glue
from streamrnn.layout import Sizes
from streamrnn.scaling import (
    COUNT,
    M2,
    MEAN,
    clipped,
    keep_and_scale_target,
    scale_about_zero,
)
from streamrnn.statistics import BOTH, CAME, GUESSED, N_FIT, Statistics
from streamrnn.updates import Settings

#: What the past of the coefficient is multiplied by with each sample, and as how many samples, of
#: changes as large as usual and all predicted, a new model counts.
_KEPT, _PRIOR = 0.995, 5.0
#: How many standard errors less than it is the coefficient counts: what predictions are worth is
#: rarely known well where they are worth little.
_DOUBT = 1.0
#: Changes enter the coefficient up to so many times their usual size.
_GREATEST = 5.0


@glue
def _told_by(sizes, k):
    """Return the target whose last value is that before target `k`."""
    return sizes.n_targets - 1 if sizes.is_series != 0 else k


@glue
def base_of(sizes: Sizes, statistics: Statistics, k: int) -> float:
    """Return the last known value from which target `k` changes, NaN if there is none."""
    i = _told_by(sizes, k)
    known: float = statistics.change.last[i]
    return known if statistics.change.last_at[i] > 0.0 else math.nan


@glue
def level(sizes: Sizes, statistics: Statistics, k: int) -> float:
    """Return the last known value of target `k`, standardised; 0 if there is none."""
    i = _told_by(sizes, k)
    change = statistics.change
    count, m2 = change.levels[COUNT, i], change.levels[M2, i]
    if not change.last_at[i] > 0.0 or not m2 > 0.0:
        return 0.0
    standardised: float = (change.last[i] - change.levels[MEAN, i]) / math.sqrt(m2 / count)
    return standardised


@glue
def shrinkage(fit: np.ndarray, k: int) -> float:
    """Return what predicted changes of target `k` are multiplied by, given the sums, (4, n)."""
    guessed = fit[GUESSED, k] + _PRIOR
    both, came = fit[BOTH, k] + _PRIOR, fit[CAME, k] + _PRIOR
    rest = max(came - both * both / guessed, 0.0) / (fit[N_FIT, k] + _PRIOR)
    share: float = (both - _DOUBT * math.sqrt(rest * guessed)) / guessed
    return min(max(share, 0.0), 1.0)


@glue
def expected(settings: Settings, statistics: Statistics, z: float, k: int) -> float:
    """Return the change of target `k` to be expected where the network says `z`; scaled.

    Only a scaled one is bound by the clip, which counts standard deviations.
    """
    share = shrinkage(statistics.change.fit, k) if settings.shrink != 0.0 else 1.0
    shrunk: float = share * np.float64(z)
    return clipped(shrunk, settings.scale_clip) if settings.scale_target != 0.0 else shrunk


@glue
def changed(sizes: Sizes, settings: Settings, statistics: Statistics, z: float, k: int) -> float:
    """Return the prediction of target `k`, in its units, where the network says `z`.

    It starts from the last known value; without one, as after a reset, from the mean of all.
    """
    change = expected(settings, statistics, z, k)
    if settings.scale_target != 0.0:
        count = statistics.targets[COUNT, k]
        change *= math.sqrt(statistics.targets[M2, k] / count) if count > 0.0 else 0.0
    base = base_of(sizes, statistics, k)
    return change + (base if base == base else statistics.change.levels[MEAN, _told_by(sizes, k)])


@glue
def note_prediction(sizes: Sizes, statistics: Statistics, slot: int, z: np.ndarray) -> None:
    """Keep, for a step of the ring, what its targets change from and what was predicted."""
    for k in range(sizes.n_targets):
        statistics.change.bases[slot, k] = base_of(sizes, statistics, k)
        statistics.change.guesses[slot, k] = z[k]


@glue
def note_value(statistics: Statistics, value: float, k: int, serial: float) -> None:
    """Take `value` for the last one of target `k`, unless a newer sample's is known.

    `serial` is what the counter of samples was after the step that it belongs to.
    """
    change = statistics.change
    if serial >= change.last_at[k]:
        change.last[k] = value
        change.last_at[k] = serial


@glue
def keep_and_scale_change(
    settings: Settings,
    statistics: Statistics,
    slot: int,
    value: float,
    k: int,
    serial: float,
    keeps: bool,
) -> float:
    """Take a target into all that is kept of targets; return its change, scaled.

    NaN if there is no value that it changes from.

    Parameters
    ----------
    settings, statistics
        The model's.
    slot
        Row of the rings that is the target's.
    value
        The target, in its units.
    k
        Which of the targets it is.
    serial
        As in `note_value`.
    keeps
        Whether moments and shrinkage learn from it; otherwise it is the last known value only.
    """
    change = statistics.change
    if keeps:
        keep_and_scale_target(value, change.levels, k, settings.scale_clip, settings.scale_memory)
    note_value(statistics, value, k, serial)
    base: Any = change.bases[slot, k]
    if base != base:
        return math.nan
    scaled = value - base
    if settings.scale_target != 0.0:
        clip, memory = settings.scale_clip, settings.scale_memory
        scaled = scale_about_zero(scaled, statistics.targets, k, clip, memory, keeps)
    if keeps and settings.shrink != 0.0:
        guess = min(max(change.guesses[slot, k], -_GREATEST), _GREATEST)
        came = min(max(scaled, -_GREATEST), _GREATEST)
        fit = change.fit
        fit[BOTH, k] = _KEPT * fit[BOTH, k] + guess * came
        fit[GUESSED, k] = _KEPT * fit[GUESSED, k] + guess * guess
        fit[CAME, k] = _KEPT * fit[CAME, k] + came * came
        fit[N_FIT, k] = _KEPT * fit[N_FIT, k] + 1.0
    return scaled
