"""Real streams, where ``STREAMRNN_DATA`` points to a folder that holds them; see docs/data.md."""

import os
from pathlib import Path

import numpy as np
import pytest
from estimator_helpers import plain

from streamrnn import RNNClassifier

FOLDER = os.environ.get("STREAMRNN_DATA")

pytestmark = pytest.mark.skipif(
    FOLDER is None, reason="STREAMRNN_DATA does not point to a folder of real streams"
)


def test_electricity_prices_beat_the_last_label():
    """New South Wales, half-hourly, up or down; the last label alone is right in 85.3 %."""
    folder = Path(FOLDER) / "elec2"
    X = np.loadtxt(folder / "elec2_data.dat")
    y = np.loadtxt(folder / "elec2_label.dat").astype(int)
    accuracy = {}
    for lagged in (False, True):
        predicted = plain(RNNClassifier, lagged_target=lagged).replay(X, y.tolist())
        accuracy[lagged] = (predicted == y).mean()
    assert accuracy[True] > 0.915
    assert accuracy[False] < 0.853  # without it, worse than the last label
