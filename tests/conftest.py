"""Fixtures and markers that many test files share."""

from __future__ import annotations

import numpy as np
import pytest
from estimator_helpers import SMALL, plain

from streamrnn import RNNClassifier, RNNRegressor


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def stream(rng):
    """Forty samples of three features with some memory in the target, as River dicts."""
    X = rng.normal(size=(40, 3))
    y = np.convolve(X[:, 0], [0.5, 0.3, 0.2])[:40] + 2.0
    return [(dict(zip("abc", row, strict=True)), float(t)) for row, t in zip(X, y, strict=True)]


@pytest.fixture(params=["regressor", "plain regressor", "classifier"])
def case(request, stream):
    """An estimator and a stream with targets of its kind."""
    if request.param == "regressor":
        return RNNRegressor(**SMALL), stream
    if request.param == "plain regressor":
        return plain(RNNRegressor, **SMALL), stream
    labels = ["low", 7, ("high", 1)]
    return RNNClassifier(**SMALL), [(x, labels[int(3 * y) % 3]) for x, y in stream]
