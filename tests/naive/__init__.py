"""The slow, obvious truth: every formula of the engine again, in NumPy float64.

Nothing here looks at the engine. Weights are dictionaries with PyTorch's names and layout.
"""

from naive.cells import CELLS
from naive.changes import Changes
from naive.forecasting import ForecastingTwin
from naive.gradients import complex_step, credit_tensor, masked_sum, random_weights, run_stream
from naive.losses import LOSSES
from naive.online import Twin
from naive.optimizers import OPTIMIZERS

__all__ = [
    "CELLS",
    "LOSSES",
    "OPTIMIZERS",
    "Changes",
    "ForecastingTwin",
    "Twin",
    "complex_step",
    "credit_tensor",
    "masked_sum",
    "random_weights",
    "run_stream",
]
