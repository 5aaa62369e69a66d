"""Squashing functions of the cells, precise in float64 and vectorisable in float32."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from streamrnn._dispatch import compiled_as, glue, is_float32

# tanh(x) / x as a ratio of polynomials in x², coefficients in ascending order. Fitted to the least
# greatest relative error on |x| <= 9 (2.1e-8 before rounding) by iteratively reweighted least
# squares; evaluated in float32 it is off by 3.4e-7 at most. The library tanh is scalar code and
# does not vectorise.
_P = (
    np.float32(0.9999999794722175),
    np.float32(0.13381024379595852),
    np.float32(0.0034955866545498416),
    np.float32(2.0609059439899716e-05),
    np.float32(1.3354632636805975e-08),
)
_Q = (
    np.float32(1.0),
    np.float32(0.46714339976242136),
    np.float32(0.025876976525327732),
    np.float32(0.00032856324655764364),
    np.float32(7.776545880230618e-07),
)
_RANGE = np.float32(9.0)
_ONE = np.float32(1.0)
_HALF = np.float32(0.5)


#: Pre-activations beyond these are near an end: a sigmoid within .05, a tanh within .05.
_SIGMOID_END, _TANH_END = math.log(19.0), math.atanh(0.95)


def near_ends_of_sigmoid(pre: np.ndarray) -> np.ndarray:
    """Say of each pre-activation whether its sigmoid is below .05 or above .95."""
    return np.asarray(abs(pre) > _SIGMOID_END)


def near_ends_of_tanh(pre: np.ndarray) -> np.ndarray:
    """Say of each pre-activation whether its tanh is beyond .95 on either side."""
    return np.asarray(abs(pre) > _TANH_END)


@glue
def _tanh_float32(x: Any) -> Any:
    # Not min() and max(), each a function to compile; NaN passes through.
    x = -_RANGE if x < -_RANGE else x
    x = _RANGE if x > _RANGE else x
    u = x * x
    p = (((_P[4] * u + _P[3]) * u + _P[2]) * u + _P[1]) * u + _P[0]
    q = (((_Q[4] * u + _Q[3]) * u + _Q[2]) * u + _Q[1]) * u + _Q[0]
    y = x * p / q
    y = -_ONE if y < -_ONE else y
    return _ONE if y > _ONE else y


@glue
def _sigmoid_float32(x: Any) -> Any:
    return _HALF * _tanh_float32(_HALF * x) + _HALF


@glue
def _sigmoid_float64(x: Any) -> Any:
    return 0.5 * math.tanh(0.5 * x) + 0.5


def tanh(x: Any) -> Any:
    """Hyperbolic tangent of a scalar."""
    return _tanh_float32(x) if isinstance(x, np.float32) else math.tanh(x)


def sigmoid(x: Any) -> Any:
    """Logistic function 1 / (1 + exp(-x)) of a scalar, as a shifted tanh: it cannot overflow."""
    return _sigmoid_float32(x) if isinstance(x, np.float32) else _sigmoid_float64(x)


@compiled_as(tanh)
def _choose_tanh(x):
    def tanh_float32(x):
        return _tanh_float32(x)

    def tanh_float64(x):
        return math.tanh(x)

    return tanh_float32 if is_float32(x) else tanh_float64


@compiled_as(sigmoid)
def _choose_sigmoid(x):
    def sigmoid_float32(x):
        return _sigmoid_float32(x)

    def sigmoid_float64(x):
        return _sigmoid_float64(x)

    return sigmoid_float32 if is_float32(x) else sigmoid_float64
