"""Models saved once and kept: today's code must still read them, and go on from them.

``python tests/golden_models.py`` writes those that are missing. One that is there is what users
have on their disks: it is never written again. If it cannot be read any more, the format has
changed, and the older one has to be brought up to date on reading (see `streamrnn.storage`).
"""

import json
import math
from pathlib import Path

from river import optim

import streamrnn
from streamrnn import KeyedModel, RNNClassifier, RNNRegressor

FOLDER = Path(__file__).parent / "golden"
FORMAT = "format1"
SMALL = {"hidden_size": 4, "truncation": 4}

#: By name: how the model is made, and what the targets are.
CASES = {
    "regressor": (
        lambda: RNNRegressor(**SMALL, lr=optim.schedulers.InverseScaling(0.01)),
        lambda i: math.sin(i),
    ),
    "classifier": (lambda: RNNClassifier(**SMALL), lambda i: ["low", 7, ("high", 1)][i % 3]),
    "keyed": (
        lambda: KeyedModel(RNNRegressor(**SMALL), key="id", max_keys=2, ttl=9),
        lambda i: math.sin(i),
    ),
    "shared": (
        lambda: KeyedModel(RNNClassifier(**SMALL), key="id", weights="shared"),
        lambda i: i % 2 == 0,
    ),
}


def sample(name, i):
    """The i-th sample, with a feature that comes late."""
    x = {"a": math.sin(2 * i), ("b", 1): i % 5}
    if i > 8:
        x["late"] = math.cos(i)
    if name in ("keyed", "shared"):
        x["id"] = f"key {i * i % 7}"
    return x


def run(model, name, first, last):
    """Predict and learn; the predictions as JSON has them, labels in words."""
    answers = []
    for i in range(first, last):
        x = sample(name, i)
        if hasattr(model, "predict_proba_one"):
            answers.append([[repr(k), p] for k, p in model.predict_proba_one(x).items()])
        else:
            answers.append(model.predict_one(x))
        model.learn_one(x, CASES[name][1](i))
    return answers


def paths(name):
    """Where a case's model and its further predictions lie."""
    return FOLDER / f"{FORMAT}_{name}.safetensors", FOLDER / f"{FORMAT}_{name}.json"


def write(name):
    """Write a case's files, unless they are there."""
    model_path, answers_path = paths(name)
    if model_path.exists():
        return
    model = CASES[name][0]()
    run(model, name, 0, 20)
    model.save(model_path)
    answers = run(streamrnn.load(model_path), name, 20, 30)
    answers_path.write_text(json.dumps(answers, indent=1) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for case in CASES:
        write(case)
