"""Models saved once and kept: today's code must still read them, and go on from them.

``python tests/golden_models.py`` writes those that are missing. One that is there is what users
have on their disks: it is never written again. If it cannot be read any more, the format has
changed, and the older one has to be brought up to date on reading (see `streamrnn.storage`).
"""

import json
from pathlib import Path

from estimator_helpers import SMALL, plain
from family import DEFAULTS, FAMILY, Member, answers, x_of, y_of
from river import optim

import streamrnn
from streamrnn import KeyedModel, RNNAnomalyDetector, RNNClassifier, RNNRegressor

FOLDER = Path(__file__).parent / "golden"
FORMAT = "format1"


def _keyed(i):
    return x_of(i) | {"id": f"key {i * i % 7}"}


CASES = {
    **FAMILY,
    **DEFAULTS,
    # Before there was a choice of scores.
    "anomaly detector": FAMILY["anomaly detector"]._replace(
        make=lambda: RNNAnomalyDetector(**SMALL, score="error")
    ),
    "lasting anomalies": FAMILY["anomaly detector"],
    "schedule": Member(
        lambda: plain(RNNRegressor, **SMALL, lr=optim.schedulers.InverseScaling(0.01)),
        lambda model, i: model.learn_one(x_of(i), y_of(i)),
        lambda model, i: model.predict_one(x_of(i)),
    ),
    "expiring": Member(
        lambda: KeyedModel(plain(RNNRegressor, **SMALL), key="id", max_keys=2, ttl=9),
        lambda model, i: model.learn_one(_keyed(i), y_of(i)),
        lambda model, i: model.predict_one(_keyed(i)),
    ),
    "shared": Member(
        lambda: KeyedModel(plain(RNNClassifier, **SMALL), key="id", weights="shared"),
        lambda model, i: model.learn_one(_keyed(i), i % 2 == 0),
        lambda model, i: model.predict_proba_one(_keyed(i)),
    ),
}


def run(model, name, first, last):
    """Predict and learn; return names in what was said, in words, and the numbers, in a line."""
    words, numbers = [], []

    def tell(said):
        if isinstance(said, dict):
            for key, value in said.items():
                words.append(repr(key))
                tell(value)
        elif isinstance(said, list):
            for value in said:
                tell(value)
        else:
            numbers.append(float(said))

    tell(answers(CASES[name], model, first, last))
    return {"words": words, "numbers": numbers}


def paths(name):
    """Where a case's model and its further predictions lie."""
    stem = f"{FORMAT}_{name.replace(' ', '_')}"
    return FOLDER / f"{stem}.safetensors", FOLDER / f"{stem}.json"


def write(name):
    """Write a case's files, unless they are there."""
    model_path, answers_path = paths(name)
    if model_path.exists():
        return
    model = CASES[name].make()
    run(model, name, 0, 20)
    model.save(model_path)
    said = run(streamrnn.load(model_path), name, 20, 30)
    answers_path.write_text(json.dumps(said, indent=1) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in CASES:
        write(each)
