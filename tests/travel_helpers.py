"""What the tests of travelling models share: streams with gaps, and steps that teach nothing."""

import numpy as np

from streamrnn.statistics import statistics_parts

NAMES = ["a", "b", "c"]


def gappy(rng, length):
    """Inputs of unlike scales, with NaN and infinity here and there."""
    X = rng.normal(size=(length, 3)) * [1.0, 20.0, 1e3] + [0.0, 5.0, 1e4]
    X[rng.random(X.shape) < 0.1] = np.nan
    X[rng.random(X.shape) < 0.01] = np.inf
    return X


def sample(row):
    return dict(zip(NAMES, row.tolist(), strict=True))


def taught(model, rng, labels=None, length=300):
    """Let a model learn something from a gappy stream."""
    X = gappy(rng, length)
    signal = np.where(np.isfinite(X[:, 0]), X[:, 0], 0.0)
    y = 50.0 + 7.0 * np.convolve(signal, [0.6, 0.4])[:length]
    if labels is not None:
        edges = np.quantile(y, np.linspace(0, 1, len(labels) + 1)[1:-1])
        y = [labels[i] for i in np.searchsorted(edges, y)]
    model.replay(X, y, features=NAMES)
    return model


def answer(model, row):
    """What `predict_one` or `predict_proba_one` says, as a vector."""
    if hasattr(model, "predict_proba_one"):
        return np.array(list(model.predict_proba_one(sample(row)).values()))
    predicted = model.predict_one(sample(row))
    return np.array(list(predicted.values()) if isinstance(predicted, dict) else [predicted])


def frozen_steps(model, X, targets=None):
    """Predict every row and advance by it and its target, with all that is learnt as it was."""
    parts, kept = model._model.parts, statistics_parts(model._model.sizes, model._model.statistics)
    learnt = (
        *(parts.parameters, parts.slots, parts.head_memory),
        *(kept.inputs, kept.targets, kept.change.levels, kept.change.fit),
    )
    before, answers = [array.copy() for array in learnt], []
    for t, row in enumerate(X):
        answers.append(answer(model, row))
        model.learn_one(sample(row), None if targets is None else targets[t])
        for array, values in zip(learnt, before, strict=True):
            array[:] = values
    return np.array(answers)
