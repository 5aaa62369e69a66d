"""Running standardisation of inputs and targets, in float64 (Welford 1962).

The current value takes part in the moments it is scaled with: on learning they are then kept, on
predicting they are not, so both see the same scaled input. It also bounds what a spike can do: the
n-th value lies within sqrt(n - 1) standard deviations of a mean that it is part of.
"""

from __future__ import annotations

import math

import numpy as np

from streamrnn._dispatch import glue

COUNT, MEAN, M2 = range(3)

#: Numbers beyond this are treated as missing: their squares would overflow float64.
LIMIT = 1e100
#: Numbers beyond this are treated as missing where nothing scales them: their products would
#: overflow float32.
UNSCALED_LIMIT = 1e10


@glue
def _moments(moments: np.ndarray, i: int, value: float) -> tuple[float, float, float]:
    """Return column `i` of `moments`, (3, n), as it would be with `value`."""
    count = moments[COUNT, i] + 1.0
    change = value - moments[MEAN, i]
    mean = moments[MEAN, i] + change / count
    return count, mean, moments[M2, i] + change * (value - mean)


@glue
def _standardised(value: float, count: float, mean: float, m2: float) -> float:
    return (value - mean) / math.sqrt(m2 / count) if m2 > 0.0 else 0.0


@glue
def is_usable(value: float, scale: bool) -> bool:
    """Say whether a number can be worked with: it is finite and not absurdly large."""
    return abs(value) <= (LIMIT if scale else UNSCALED_LIMIT)


@glue
def scale_inputs(values: np.ndarray, moments: np.ndarray, scale: bool, out: np.ndarray) -> None:
    """Write the scaled `values`, (n,), to `out`, (n,); a missing one becomes 0, its mean."""
    for i in range(out.size):
        value = values[i]
        if not is_usable(value, scale):
            out[i] = 0
        elif scale:
            count, mean, m2 = _moments(moments, i, value)
            out[i] = _standardised(value, count, mean, m2)
        else:
            out[i] = value


@glue
def keep_inputs(values: np.ndarray, moments: np.ndarray, scale: bool) -> int:
    """Take `values`, (n,), into the moments, (3, n); return how many of them were missing."""
    missing = 0
    for i in range(moments.shape[1]):
        value = values[i]
        if not is_usable(value, scale):
            missing += 1
        elif scale:
            moments[COUNT, i], moments[MEAN, i], moments[M2, i] = _moments(moments, i, value)
    return missing


@glue
def keep_and_scale_target(value: float, moments: np.ndarray, i: int) -> float:
    """Take a target into column `i` of the moments and return it scaled by them."""
    count, mean, m2 = _moments(moments, i, value)
    moments[COUNT, i], moments[MEAN, i], moments[M2, i] = count, mean, m2
    return _standardised(value, count, mean, m2)


@glue
def unscale(value: float, moments: np.ndarray, i: int) -> float:
    """Take a prediction back to the target's units."""
    count = moments[COUNT, i]
    if count == 0.0:
        return value
    return moments[MEAN, i] + value * math.sqrt(moments[M2, i] / count)
