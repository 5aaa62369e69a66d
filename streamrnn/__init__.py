"""Recurrent networks that learn from streams, sample by sample, at the speed of compiled code."""

from typing import TYPE_CHECKING, Any

from streamrnn._cache import CacheInfo, cache_info
from streamrnn._version import __version__ as __version__
from streamrnn.backends.errors import DeviceError
from streamrnn.estimators.anomaly import RNNAnomalyDetector
from streamrnn.estimators.classifier import RNNClassifier
from streamrnn.estimators.drift import RaiseLearningRate
from streamrnn.estimators.keyed import KeyedModel
from streamrnn.estimators.multi_label import RNNMultiLabelClassifier
from streamrnn.estimators.multi_target import RNNMultiTargetRegressor
from streamrnn.estimators.persistence import from_bytes, load
from streamrnn.estimators.regressor import RNNRegressor
from streamrnn.estimators.transformer import RNNTransformer
from streamrnn.routing import cuda_missing
from streamrnn.storage import FormatError

if TYPE_CHECKING:
    from streamrnn.estimators.forecaster import RNNForecaster

__all__ = [
    "CacheInfo",
    "DeviceError",
    "FormatError",
    "KeyedModel",
    "RNNAnomalyDetector",
    "RNNClassifier",
    "RNNForecaster",
    "RNNMultiLabelClassifier",
    "RNNMultiTargetRegressor",
    "RNNRegressor",
    "RNNTransformer",
    "RaiseLearningRate",
    "cache_info",
    "cuda_missing",
    "from_bytes",
    "load",
]


def __getattr__(name: str) -> Any:
    """Import the forecaster when it is asked for: River's time series take most of a second."""
    if name == "RNNForecaster":
        from streamrnn.estimators.forecaster import RNNForecaster

        return RNNForecaster
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
