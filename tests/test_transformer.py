"""The hidden state as features: River's contract, pipelines, unions, and the order of things."""

import math
import pickle

import numpy as np
import pytest
from estimator_helpers import COPIES, SMALL, go_on_alike, model_bytes, plain, refuses
from river import (
    base,
    checks,
    compose,
    datasets,
    evaluate,
    forest,
    linear_model,
    metrics,
    preprocessing,
    tree,
)

from streamrnn import RNNRegressor, RNNTransformer


def ask(model, x):
    return model.transform_one(x)


def learn(model, samples):
    for x, y in samples:
        model.learn_one(x, y)
    return model


@pytest.mark.parametrize(
    "check", list(checks.yield_checks(RNNTransformer(**SMALL))), ids=lambda c: c.__name__
)
def test_rivers_checks(check):
    model = RNNTransformer(**SMALL)
    assert not model._unit_test_skips()
    assert isinstance(model, base.Transformer)
    assert isinstance(model, base.SupervisedTransformer)
    check(model)


# --- transforming


def test_it_hands_on_the_hidden_state_after_the_sample(stream):
    """The state that learning the same sample without a target leaves behind."""
    model = learn(RNNTransformer(**SMALL, num_layers=2, dtype="float64"), stream)
    features = model.transform_one(stream[0][0])
    assert list(features) == [f"h{i}" for i in range(6)]
    assert all(type(value) is float and -1.0 < value < 1.0 for value in features.values())
    model.learn_one(stream[0][0], None)
    state = model._model.parts.state
    top = state.reshape(2, -1, state.shape[-1])[1, 0, :6]  # of layer 2 h, not c
    assert list(features.values()) == top.tolist()


def test_it_learns_as_a_regressor_does(stream):
    model, regressor = RNNTransformer(**SMALL), plain(RNNRegressor, **SMALL)
    for x, y in stream:
        model.transform_one(x)
        model.learn_one(x, y)
        regressor.learn_one(x, y)
    assert model_bytes(model) == model_bytes(regressor)


def test_transforming_leaves_the_model_byte_identical(stream):
    model = RNNTransformer(**SMALL, max_features=3)
    for x, y in stream:
        before, numbers = pickle.dumps(model), model_bytes(model)
        for odd in (x, {}, {"new": 1.0}, {**x, "a": None, "new": 2.0}, {"a": math.nan}):
            assert all(math.isfinite(value) for value in model.transform_one(odd).values())
        assert pickle.dumps(model) == before
        assert model_bytes(model) == numbers
        model.learn_one(x, y)


@pytest.mark.parametrize("n_times", [0, 1, 4])
def test_how_often_it_is_asked_is_no_matter(stream, n_times):
    silent, asked = RNNTransformer(**SMALL), RNNTransformer(**SMALL)
    for x, y in stream:
        silent.learn_one(x, y)
        answers = [asked.transform_one(x) for _ in range(n_times)]
        assert all(answer == answers[0] for answer in answers)
        asked.learn_one(x, y)
    assert model_bytes(silent) == model_bytes(asked)


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("at", [0, 17])
def test_copies_go_on_bit_equal(stream, copied, at):
    go_on_alike(RNNTransformer(**SMALL), COPIES[copied], stream, at, ask)


def test_same_seed_same_bits(stream):
    one, other, third = (learn(RNNTransformer(**SMALL, seed=seed), stream) for seed in (1, 1, 2))
    assert ask(one, stream[0][0]) == ask(other, stream[0][0]) != ask(third, stream[0][0])


def test_what_is_refused(stream):
    model = learn(RNNTransformer(**SMALL), stream[:3])
    x = stream[0][0]
    refuses(model, lambda: model.learn_one(x, "high"), TypeError, "the target is 'high'")
    refuses(model, lambda: model.learn_one({"a": "x"}, 1.0), TypeError, "feature 'a'")
    refuses(model, lambda: model.transform_one({"a": "x"}), TypeError, "feature 'a'")
    with pytest.raises(TypeError, match="prefix must be a string, got 7"):
        RNNTransformer(prefix=7)
    with pytest.raises(ValueError, match="loss='typo' is unknown"):
        RNNTransformer(loss="typo")


# --- tasks


@pytest.mark.parametrize("loss", ["cross_entropy", "logistic"])
def test_a_label_as_its_target(stream, loss):
    model = RNNTransformer(**SMALL, loss=loss, max_classes=2)
    learn(model, [(x, "hot" if y > 2 else "cold") for x, y in stream])
    assert set(model._outputs.names) == {"hot", "cold"}
    with pytest.warns(UserWarning, match="label 'mild' is not learnt: max_classes=2 is reached"):
        model.learn_one(stream[0][0], "mild")


def test_several_labels_as_its_target(stream):
    model = RNNTransformer(**SMALL, loss="binary_cross_entropy", max_classes=2)
    learn(model, [(x, {"warm": y > 2, "b": x["b"] > 0}) for x, y in stream])
    with pytest.warns(UserWarning, match="label 'c' is not learnt: max_classes=2 is reached"):
        model.learn_one(stream[0][0], {"c": True})
    refuses(model, lambda: model.learn_one({}, {"warm": 3}), TypeError, "label 'warm' is 3")
    assert len(model.transform_one({})) == 6


# --- in pipelines


class Witness(base.Regressor):
    """Keeps what it is given to predict with and to learn from."""

    def __init__(self):
        self.predicted, self.learnt = [], []

    def predict_one(self, x):
        self.predicted.append(x)
        return 0.0

    def learn_one(self, x, y):
        self.learnt.append(x)


def test_a_sample_is_transformed_before_it_is_learnt_from(stream):
    """The model behind learns from what it predicted with, and every sample is one step."""
    model = RNNTransformer(**SMALL) | Witness()
    alone = RNNTransformer(**SMALL)
    for x, y in stream:
        model.predict_one(x)
        model.learn_one(x, y)
        assert model["Witness"].learnt[-1] == alone.transform_one(x)
        alone.learn_one(x, y)
        if alone.counters["samples"] > 1:  # of the first one nothing but zeros is known
            assert model["Witness"].learnt[-1] != alone.transform_one(x)
    witness = model["Witness"]
    assert witness.predicted == witness.learnt
    assert model["RNNTransformer"].counters["samples"] == len(stream)
    assert model_bytes(model["RNNTransformer"]) == model_bytes(alone)


def echoes(n, lag=2):
    """Return a pulse train and how long ago, modulo 4, the last pulse was: only memory helps."""
    return [({"pulse": float(t % 4 == 0)}, float((t - lag) % 4)) for t in range(n)]


@pytest.mark.parametrize(
    "last",
    [linear_model.LinearRegression(), tree.HoeffdingTreeRegressor(), forest.ARFRegressor(seed=1)],
    ids=lambda model: type(model).__name__,
)
def test_it_gives_memory_to_a_regressor(last):
    errors = {}
    recurrent = RNNTransformer(hidden_size=8, truncation=6, lr=0.01)
    for name, model in (("with", recurrent | last.clone()), ("without", last.clone())):
        error, stream = metrics.MAE(), echoes(2500)
        for t, (x, y) in enumerate(stream):
            if t >= 2000:
                error.update(y, model.predict_one(x))
            model.learn_one(x, y)
        errors[name] = error.get()
    assert errors["with"] < 0.4 < 0.6 < errors["without"]


@pytest.mark.parametrize(
    "last", [linear_model.LogisticRegression(), tree.HoeffdingTreeClassifier()]
)
def test_it_gives_memory_to_a_classifier(last):
    recurrent = RNNTransformer(hidden_size=8, truncation=6, lr=0.01, loss="logistic")
    shares = {}
    for name, model in (("with", recurrent | last.clone()), ("without", last.clone())):
        accuracy = metrics.Accuracy()
        for t, (x, y) in enumerate(echoes(2500, lag=1)):
            if t >= 2000:
                accuracy.update(y > 1, model.predict_one(x))
            model.learn_one(x, y > 1)
        shares[name] = accuracy.get()
    assert shares["with"] > 0.97 > 0.8 > shares["without"]


def test_in_a_union_it_gets_the_target_and_its_features_stand_beside_others(stream):
    union = RNNTransformer(**SMALL) + preprocessing.StandardScaler()
    model = union | Witness()
    alone = learn(RNNTransformer(**SMALL), stream)
    for x, y in stream:
        model.predict_one(x)
        model.learn_one(x, y)
    inner = model["TransformerUnion"]["RNNTransformer"]
    assert model_bytes(inner) == model_bytes(alone)
    assert inner.counters["missing_targets"] == 0
    assert set(model["Witness"].learnt[-1]) == {*"abc", *(f"h{i}" for i in range(6))}


def test_a_union_outside_of_a_pipeline_gives_it_the_target_too(stream):
    union = RNNTransformer(**SMALL) + preprocessing.StandardScaler()
    for x, y in stream:
        union.transform_one(x)
        union.learn_one(x, y)
    assert model_bytes(union["RNNTransformer"]) == model_bytes(
        learn(RNNTransformer(**SMALL), stream)
    )


@pytest.mark.parametrize(("prefixes", "n"), [(("h", "h"), 6), (("h", "g"), 12)])
def test_in_a_union_prefixes_tell_transformers_apart(stream, prefixes, n):
    slow, fast = (RNNTransformer(**SMALL, seed=i, prefix=p) for i, p in enumerate(prefixes))
    union = slow + fast
    for x, y in stream:
        union.learn_one(x, y)
    features = union.transform_one(stream[0][0])
    assert len(features) == n
    first = union["RNNTransformer"].transform_one(stream[0][0])
    assert features.items() >= first.items()  # of two with one name, the first one's


def test_a_pipeline_passes_weights_and_events_on(stream):
    routed, direct = RNNTransformer(**SMALL) | Witness(), RNNTransformer(**SMALL)
    for i, (x, y) in enumerate(stream):
        routed.learn_one(x, y if i % 2 else None, w=2.0, t=i // 2)
        direct.learn_one(x, y if i % 2 else None, w=2.0, t=i // 2)
    inner = routed["RNNTransformer"]
    assert inner.counters["samples"] == len(stream) // 2  # each event is one step
    assert model_bytes(inner) == model_bytes(direct)
    assert model_bytes(inner) != model_bytes(learn(RNNTransformer(**SMALL), stream))


def test_rivers_evaluation_takes_the_pipeline():
    numbers = compose.SelectType(int, float)
    model = numbers | RNNTransformer(**SMALL) | preprocessing.StandardScaler()
    model |= linear_model.LinearRegression()
    score = evaluate.progressive_val_score(datasets.TrumpApproval().take(600), model, metrics.MAE())
    assert score.get() < 8  # from 40; the linear model starts at 0


def test_a_pipeline_that_ends_with_it_transforms(stream):
    model = preprocessing.StandardScaler() | RNNTransformer(**SMALL)
    for x, y in stream:
        model.learn_one(x, y)
    features = model.transform_one(stream[0][0])
    assert np.isfinite(list(features.values())).all()
    assert model["RNNTransformer"].counters["missing_targets"] == 0
