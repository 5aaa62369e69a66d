"""Files with heads' memories and last values that no model would have: nonsense, and no harm."""

import math
import random

import numpy as np
import pytest
from test_persistence_hostile import opened, refused

import streamrnn
from streamrnn import KeyedModel, RNNClassifier, RNNForecaster, RNNRegressor
from streamrnn.statistics import COUNTERS
from streamrnn.storage import pack

WORDS = {"hidden_size": 4, "truncation": 4}
MODELS = {
    "regressor": lambda: RNNRegressor(**WORDS, head="rls", predict_change=True),
    "classifier": lambda: RNNClassifier(**WORDS, head="rls"),
    "forecaster": lambda: RNNForecaster(**WORDS, head="rls", predict_change=True, direct=2),
    "keyed": lambda: KeyedModel(
        RNNRegressor(**WORDS, head="rls", predict_change=True), key="id", max_keys=2
    ),
}
VALUES = [math.nan, math.inf, -math.inf, -1.0, 0.0, 1e38, -1e38, 1e-38]


def go_on(name, model, first=0, length=12):
    said = []
    for i in range(first, first + length):
        x = {"a": math.sin(i), "id": i % 3, "late": 1.0}
        if name == "forecaster":
            said += model.forecast(2, [x, x])
            model.learn_one(i % 5, x)
        elif name == "classifier":
            said += model.predict_proba_one(x).values()
            model.learn_one(x, i % 3)
        else:
            said.append(model.predict_one(x))
            model.learn_one(x, i % 5)
    return said


def saved(name):
    model = MODELS[name]()
    go_on(name, model)
    return model


def parts_of(model):
    """Views of what a file of a single model may say of the head and of the last values."""
    inner = model._model
    start = len(COUNTERS) + 3 * inner.sizes.n_inputs
    return {"head": inner.parts.head_memory, "statistics": inner.statistics[start:]}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("part", ["head", "statistics"])
@pytest.mark.parametrize("name", ["regressor", "classifier", "forecaster"])
def test_numbers_that_no_model_would_have(name, part, value):
    rng = random.Random(name + part)
    numbers = parts_of(saved(name))[part].size
    for places in (slice(None), *(rng.randrange(numbers) for _ in range(20))):
        model = saved(name)
        parts_of(model)[part][places] = value
        other = streamrnn.from_bytes(model.to_bytes())
        assert all(isinstance(number, float) for number in go_on(name, other, 12))
        if part == "statistics":
            continue
        other.reset_state()
        assert np.isfinite(go_on(name, other, 24)).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_numbers_of_many_keys():
    document, arrays = opened(saved("keyed").to_bytes())
    rng = np.random.default_rng(3)
    n_counters = len(COUNTERS)
    for name in [name for name in arrays if name.startswith(("rows", "fresh", "spilled"))]:
        for value in VALUES:
            numbers = arrays[name].copy()
            flat = numbers.reshape(-1, numbers.shape[-1])
            first = n_counters if name.endswith("statistics") else 0
            flat[:, rng.integers(first, flat.shape[1], 20)] = value
            model = streamrnn.from_bytes(pack(document, arrays | {name: numbers}))
            assert len(go_on("keyed", model, 12)) == 12


@pytest.mark.parametrize("size", ["hidden_size", "truncation"])
def test_no_memory_is_taken_for_a_head_that_is_only_claimed(size):
    document, arrays = opened(saved("regressor").to_bytes())
    document["arguments"][size] = 10**7
    refused(document, arrays, "array 'arena'")


def test_a_model_of_levels_is_none_of_changes():
    document, arrays = opened(saved("regressor").to_bytes())
    document["arguments"]["predict_change"] = False
    refused(document, arrays, "array 'arena'|array 'statistics'")
    document["arguments"] |= {"predict_change": True, "head": "linear"}
    refused(document, arrays, "array 'arena'")
