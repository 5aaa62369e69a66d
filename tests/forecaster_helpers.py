"""Forecasters that are quick to run, and a series for them."""

import datetime
import math

import pytest
from estimator_helpers import SMALL, plain

from streamrnn import RNNForecaster

MODES = pytest.mark.parametrize("direct", [None, 4], ids=["recursive", "direct"])
LAGS = (1, 3)


def small(direct=None, **arguments):
    return RNNForecaster(**{**SMALL, "lags": LAGS, "direct": direct, **arguments})


def small_plain(direct=None, **arguments):
    return plain(RNNForecaster, **{**SMALL, "lags": LAGS, "direct": direct, **arguments})


def moments(n, start=0):
    """What is known of some hours: a number and the time."""
    first = datetime.datetime(2024, 2, 28)
    return [
        {"load": math.cos(t), "time": first + datetime.timedelta(hours=t)}
        for t in range(start, start + n)
    ]


def wave(n):
    return [50.0 + 7.0 * math.sin(0.7 * t) + t % 3 for t in range(n)]


def learn(model, ys, xs=None):
    for y, x in zip(ys, xs or [None] * len(ys), strict=True):
        model.learn_one(y, x)
    return model


def taught(direct=None, n=30, make=small, **arguments):
    return learn(make(direct, **arguments), wave(n), moments(n))
