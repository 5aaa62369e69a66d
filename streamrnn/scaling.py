"""Running standardisation of inputs and targets, in float64 (Welford 1962).

The current value takes part in the moments it is scaled with: on learning they are then kept, on
predicting they are not, so both see the same scaled input. It also bounds what a spike can do: the
n-th value lies within sqrt(n - 1) standard deviations of a mean that it is part of.

Two numbers make the moments robust and let them forget; both are infinite where that is off.
`clip`: what lies further off, in standard deviations, counts as lying there (Huber 1964), and takes
a tenth of their weight from the moments: single spikes hardly move them, and a level that stays has
overcome the past after some tens of values. `memory`: values that the moments rest on; once so many
were seen, older ones fade.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from streamrnn._dispatch import glue, kernel, standalone

COUNT, MEAN, M2 = range(3)

#: Numbers beyond this are treated as missing: their squares would overflow float64.
LIMIT = 1e100
#: Numbers beyond this are treated as missing where nothing scales them: their products would
#: overflow float32.
UNSCALED_LIMIT = 1e10
#: As how many samples moments count that are to stay as they are: far more than any stream has,
#: and float64 still tells one sample from the next.
FOREVER = 2.0**50
#: Moments of so few values are rough: twice the distance is allowed. The past keeps that weight.
FEW = 10.0
#: What a value beyond the clip leaves of the weight of the past.
LEFT = 0.9
#: While a size rests on so few values, those that are far smaller halve the weight of the past: a
#: bad reading at the start is soon forgotten.
START = 30.0
#: Of the first three values one counts as at most so many times as far off as the others are apart.
STRAY = 30.0


@glue
def reach(count: Any, deviation: Any, clip: Any) -> Any:
    """Return how far from the mean a value may lie; numbers, arrays or tensors, count above 0."""
    return clip * (1.0 + (FEW / count) ** 2) * deviation


@kernel
def _within_reach(value: float, moments: np.ndarray, i: int, clip: float) -> float:
    """Return a value, or the nearest within reach; nothing is beyond it while all are equal."""
    standalone()
    count, mean, m2 = moments[COUNT, i], moments[MEAN, i], moments[M2, i]
    if m2 > 0.0:
        most = reach(count, math.sqrt(m2 / count), clip)
        if abs(value - mean) > most:
            return mean + math.copysign(most, value - mean)
    return value


@glue
def _moments(moments: np.ndarray, i: int, value: float) -> tuple[float, float, float]:
    """Return column `i` of `moments`, (3, n), as it would be with `value`."""
    count = moments[COUNT, i] + 1.0
    change = value - moments[MEAN, i]
    mean = moments[MEAN, i] + change / count
    return count, mean, moments[M2, i] + change * (value - mean)


@glue
def clipped(scaled: float, clip: float) -> float:
    """Return a scaled number, or the nearest within the clip."""
    return math.copysign(clip, scaled) if abs(scaled) > clip else scaled


@glue
def _without_stray(value: float, mean: float, m2: float) -> tuple[float, float]:
    """Return mean and M2 of the third value and the two before, which have these moments.

    One of the three that is far from the others is drawn near: a bad first reading has no past to
    be held against, but the next two show it.
    """
    half = math.sqrt(m2 / 2.0)
    low, middle, high = mean - half, value, mean + half
    if value < low:
        low, middle = value, low
    elif value > high:
        middle, high = high, value
    below, above = middle - low, high - middle
    if below > 0.0 and above > STRAY * below:
        high = middle + STRAY * below
    elif above > 0.0 and below > STRAY * above:
        low = middle - STRAY * above
    mean = (low + middle + high) / 3.0
    return mean, (low - mean) ** 2 + (middle - mean) ** 2 + (high - mean) ** 2


@glue
def _weight_left(count: float, is_beyond: bool, memory: float) -> float:
    """Return by what a count is multiplied; `is_beyond`: the last value was clipped."""
    left = 1.0
    if is_beyond and count > FEW:
        left = LEFT if count * LEFT > FEW else FEW / count
    return left if count * left <= memory else memory / count


@kernel
def _keep_some(value: float, moments: np.ndarray, i: int, clip: float, memory: float) -> None:
    """Take a value into column `i` of moments that clip or forget."""
    standalone()  # so that those that do neither are spared the code
    taken = _within_reach(value, moments, i, clip) if clip < math.inf else value
    count, mean, m2 = _moments(moments, i, taken)
    before, left = moments[COUNT, i], 1.0
    if before < FOREVER:
        if clip < math.inf and m2 == 0.0:
            count = 1.0  # equal values tell of a spread no more than one does
        elif clip < math.inf and before == 2.0 and moments[M2, i] > 0.0:
            mean, m2 = _without_stray(taken, moments[MEAN, i], moments[M2, i])
        left = _weight_left(count, taken != value, memory)
    moments[COUNT, i], moments[MEAN, i], moments[M2, i] = count * left, mean, m2 * left


@glue
def _keep(value: float, moments: np.ndarray, i: int, clip: float, memory: float) -> None:
    """Take a value into column `i` of the moments."""
    if clip < math.inf or memory < math.inf:
        _keep_some(value, moments, i, clip, memory)
    else:
        moments[COUNT, i], moments[MEAN, i], moments[M2, i] = _moments(moments, i, value)


@glue
def scaled_by(value: float, moments: np.ndarray, i: int, clip: float) -> float:
    """Return a value scaled by column `i` of the moments and itself."""
    if clip < math.inf:
        value = _within_reach(value, moments, i, clip)
    count, mean, m2 = _moments(moments, i, value)
    scaled = (value - mean) / math.sqrt(m2 / count) if m2 > 0.0 else 0.0
    return clipped(scaled, clip)


@glue
def is_usable(value: float, scale: bool) -> bool:
    """Say whether a number can be worked with: it is finite and not absurdly large."""
    return abs(value) <= (LIMIT if scale else UNSCALED_LIMIT)


@glue
def scale_inputs(
    values: np.ndarray, moments: np.ndarray, scale: bool, clip: float, out: np.ndarray
) -> None:
    """Write the scaled `values`, (n,), to `out`, (n,); a missing one becomes 0, its mean."""
    for i in range(out.size):
        value = values[i]
        if not is_usable(value, scale):
            out[i] = 0
        elif scale:
            out[i] = scaled_by(value, moments, i, clip)
        else:
            out[i] = value


@glue
def keep_inputs(
    values: np.ndarray, moments: np.ndarray, scale: bool, clip: float, memory: float
) -> int:
    """Take `values`, (n,), into the moments, (3, n); return how many of them were missing."""
    missing = 0
    for i in range(moments.shape[1]):
        value = values[i]
        if not is_usable(value, scale):
            missing += 1
        elif scale:
            _keep(value, moments, i, clip, memory)
    return missing


@glue
def n_missing(values: np.ndarray, n: int, scale: bool) -> int:
    """Return how many of `values`, (n,), are missing."""
    missing = 0
    for i in range(n):
        if not is_usable(values[i], scale):
            missing += 1
    return missing


@glue
def keep_and_scale_target(
    value: float, moments: np.ndarray, i: int, clip: float, memory: float
) -> float:
    """Take a target into column `i` of the moments and return it scaled by them and itself."""
    scaled = scaled_by(value, moments, i, clip)
    _keep(value, moments, i, clip, memory)
    return scaled


@kernel
def scale_about_zero(
    value: float, moments: np.ndarray, i: int, clip: float, memory: float, keeps: bool
) -> float:
    """Do as `keep_and_scale_target` with a mean that is 0 for ever: so changes are scaled.

    The moments stay as they are unless it `keeps` the value.
    """
    standalone()
    taken = _within_reach(value, moments, i, clip) if clip < math.inf else value
    count, squares = moments[COUNT, i] + 1.0, moments[M2, i] + taken * taken
    scaled = taken / math.sqrt(squares / count) if squares > 0.0 else 0.0
    # What is clipped takes no weight from the past: the size grows fast enough by what is left.
    left = _weight_left(count, False, memory)
    if clip < math.inf and count <= START and 0.0 < abs(scaled) < 1.0 / STRAY:
        left = 0.5
    if keeps:
        moments[COUNT, i], moments[M2, i] = count * left, squares * left
    return clipped(scaled, clip)


@glue
def unscale(value: float, moments: np.ndarray, i: int, clip: float) -> float:
    """Take a prediction to the target's units; what was learnt from lies within the clip, too."""
    value = clipped(value, clip)
    count = moments[COUNT, i]
    if count == 0.0:
        return value
    return moments[MEAN, i] + value * math.sqrt(moments[M2, i] / count)
