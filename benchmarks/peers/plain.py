"""The plain network, which other libraries have too; it is what most figures here are of.

A network under a linear layer, which is told of no target, predicts the target itself and learns
by the squared error. By default our estimators do more.
"""

from __future__ import annotations

from typing import Any

#: Arguments of ``RNNClassifier`` that make it one, and of ``RNNRegressor``.
LABELS: dict[str, Any] = {"head": "linear", "lagged_target": False, "scale_clip": None}
NUMBERS: dict[str, Any] = {**LABELS, "loss": "squared", "predict_change": False}
