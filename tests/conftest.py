"""Fixtures and markers that many test files share."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def stream(rng):
    """Forty samples of three features with some memory in the target, as River dicts."""
    X = rng.normal(size=(40, 3))
    y = np.convolve(X[:, 0], [0.5, 0.3, 0.2])[:40] + 2.0
    return [(dict(zip("abc", row, strict=True)), float(t)) for row, t in zip(X, y, strict=True)]
