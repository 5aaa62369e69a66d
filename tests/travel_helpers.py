"""What the tests of travelling models share: streams with gaps, and steps that teach nothing."""

import json
from contextlib import contextmanager

import numpy as np

from streamrnn.statistics import statistics_parts

NAMES = ["a", "b", "c"]

#: Arguments of a regressor that looks at no targets.
PLAIN = {"head": "linear", "predict_change": False, "lagged_target": False}


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
        answers = model.predict_proba_one(sample(row)).values()
        return np.array([a[True] if isinstance(a, dict) else a for a in answers])
    predicted = model.predict_one(sample(row))
    return np.array(list(predicted.values()) if isinstance(predicted, dict) else [predicted])


@contextmanager
def frozen(model):
    """Whatever is learnt meanwhile is as it was after that; what is carried has gone on."""
    parts, kept = model._model.parts, statistics_parts(model._model.sizes, model._model.statistics)
    learnt = (
        *(parts.parameters, parts.slots, parts.head_memory),
        *(kept.inputs, kept.targets, kept.change.levels, kept.change.fit),
    )
    before = [array.copy() for array in learnt]
    yield
    for array, values in zip(learnt, before, strict=True):
        array[:] = values


def frozen_steps(model, X, targets=None):
    """Predict every row and advance by it and its target, with all that is learnt as it was."""
    answers = []
    for t, row in enumerate(X):
        answers.append(answer(model, row))
        with frozen(model):
            model.learn_one(sample(row), None if targets is None else targets[t])
    return np.array(answers)


class Runtime:
    """One stream in ONNX Runtime, from the state in the metadata."""

    def __init__(self, path):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            path, options, providers=["CPUExecutionProvider"]
        )
        found = self.session.get_modelmeta().custom_metadata_map
        self.metadata = {name: json.loads(text) for name, text in found.items()}
        self.inputs = {one.name: one for one in self.session.get_inputs()}
        self.state = {
            name: np.array(value, "float64" if "double" in self.inputs[name].type else "float32")
            for name, value in self.metadata["state"].items()
        }
        self.outputs = [output.name for output in self.session.get_outputs()]

    def step(self, row, y=None):
        """Predict one row; `y` is the target of the row before, None where nothing is known."""
        given = {"x": row[None], **self.state}
        if "y" in self.inputs:
            n = self.inputs["y"].shape[1]
            given["y"] = np.full((1, n), np.nan) if y is None else np.array([y], float)
        found = dict(zip(self.outputs, self.session.run(None, given), strict=True))
        self.state = {name: found[f"{name}_next"] for name in self.state}
        return found
