"""River's wrappers for scikit-learn take the estimators as they are."""

import pickle

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import SMALL
from river.compat import convert_river_to_sklearn
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import TimeSeriesSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from streamrnn import RNNClassifier, RNNRegressor


@pytest.fixture
def data(rng):
    X = rng.normal(size=(200, 3))
    return X, np.convolve(X[:, 0], [0.5, 0.3, 0.2])[:200] + 2.0


def loop(model, X, y):
    """The same in River: learn the rows, then predict them all from the state at the end."""
    samples = [dict(enumerate(row)) for row in X.tolist()]
    for x, target in zip(samples, y, strict=True):
        model.learn_one(x, target)
    return [model.predict_one(x) for x in samples]


def test_fit_and_predict_do_what_the_loop_does(data):
    X, y = data
    wrapped = convert_river_to_sklearn(RNNRegressor(**SMALL))
    found = wrapped.fit(X, y).predict(X)
    assert (found == loop(RNNRegressor(**SMALL), X, y.tolist())).all()
    assert (wrapped.fit(X, y).predict(X) == found).all(), "fit starts afresh"
    assert (pickle.loads(pickle.dumps(wrapped)).predict(X) == found).all()


def test_partial_fit_goes_on(data):
    X, y = data
    whole = convert_river_to_sklearn(RNNRegressor(**SMALL)).fit(X, y).predict(X[:5])
    parts = convert_river_to_sklearn(RNNRegressor(**SMALL))
    for start in (0, 80):
        stop = start + 80 if start == 0 else 200
        parts.partial_fit(X[start:stop], y[start:stop])
    assert (parts.predict(X[:5]) == whole).all()


def test_in_a_pipeline_and_cross_validated(data):
    X, y = data
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = make_pipeline(StandardScaler(), convert_river_to_sklearn(RNNRegressor(**SMALL)))
    assert np.isfinite(model.fit(frame, y).predict(frame)).all()
    scores = cross_val_score(clone(model), frame, y, cv=TimeSeriesSplit(3), error_score="raise")
    assert np.isfinite(scores).all()
    TransformedTargetRegressor(model, transformer=StandardScaler()).fit(frame, y).predict(frame)


@pytest.mark.parametrize("labels", [["up", "down"], ["low", "middle", "high"], [0, 1]])
def test_a_classifier(data, labels):
    X, y = data
    y = np.array(labels)[np.searchsorted(np.quantile(y, [1 / 3, 2 / 3]), y) % len(labels)]
    wrapped = convert_river_to_sklearn(RNNClassifier(**SMALL)).fit(X, y)
    assert (wrapped.predict(X) == loop(RNNClassifier(**SMALL), X, y.tolist())).all()
    probabilities = wrapped.predict_proba(X)
    assert probabilities.shape == (200, len(labels))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    best = wrapped.classes_[probabilities.argmax(axis=1)]
    assert (best == wrapped.predict(X)).mean() > 0.95, "but for ties"
    wrapped.partial_fit(X[:20], y[:20])
