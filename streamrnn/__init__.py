"""Recurrent networks that learn from streams, sample by sample, at the speed of compiled code."""

from streamrnn._cache import CacheInfo, cache_info
from streamrnn.estimators.classifier import RNNClassifier
from streamrnn.estimators.keyed import KeyedModel
from streamrnn.estimators.regressor import RNNRegressor

__all__ = ["CacheInfo", "KeyedModel", "RNNClassifier", "RNNRegressor", "cache_info"]
__version__ = "0.1.0"
