"""learn_many and predict_many: River's meaning of them, with frames of any library."""

import math
import pickle
import threading

import numpy as np
import pandas as pd
import pytest
from estimator_helpers import SMALL, model_bytes, refuses

from streamrnn import RNNClassifier, RNNMultiLabelClassifier, RNNMultiTargetRegressor, RNNRegressor

MODELS = {
    "regressor": RNNRegressor,
    "classifier": RNNClassifier,
    "targets": RNNMultiTargetRegressor,
    "labels": RNNMultiLabelClassifier,
}


def pandas_frame(columns):
    return pd.DataFrame(columns)


def polars_frame(columns):
    return pytest.importorskip("polars").DataFrame(columns)


def arrow_frame(columns):
    return pytest.importorskip("pyarrow").table(columns)


FRAMES = {"pandas": pandas_frame, "polars": polars_frame, "pyarrow": arrow_frame}


def columns_of(frame):
    """Return a frame's columns as lists, or a series as the only one."""
    if hasattr(frame, "to_pydict"):
        return frame.to_pydict()
    if hasattr(frame, "columns"):
        return {name: list(frame[name]) for name in getattr(frame, "column_names", frame.columns)}
    return {None: frame.to_pylist() if hasattr(frame, "to_pylist") else list(frame)}


@pytest.fixture
def features(stream):
    return {name: [x[name] for x, _ in stream] for name in "abc"}


@pytest.fixture(params=MODELS)
def kind(request):
    return request.param


@pytest.fixture
def y(kind, stream):
    """Targets of a block: one list, or two columns with gaps."""
    numbers = [target for _, target in stream]
    if kind == "regressor":
        return numbers
    if kind == "classifier":
        return ["high" if number > 2 else "low" for number in numbers]
    second = [None if i % 3 == 0 else number for i, number in enumerate(numbers)]
    if kind == "labels":
        return {"one": [n > 2 for n in numbers], "two": [n and n > 1.5 for n in second]}
    return {"one": numbers, "two": second}


def rows_of(columns):
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def targets_of(y):
    return rows_of(y) if isinstance(y, dict) else y


def learnt(kind, features, y, **arguments):
    model = MODELS[kind](**SMALL, **arguments)
    model.learn_many(pd.DataFrame(features), pd.DataFrame(y) if isinstance(y, dict) else y)
    return model


@pytest.mark.parametrize("library", FRAMES)
def test_learn_many_is_learn_one_over_the_rows(kind, features, y, library):
    frame = FRAMES[library]
    one, many = MODELS[kind](**SMALL), MODELS[kind](**SMALL)
    for x, target in zip(rows_of(features), targets_of(y), strict=True):
        one.learn_one(x, target)
    if isinstance(y, dict):
        many.learn_many(frame(features), frame(y))
    else:
        column = frame({"y": y})["y"]  # named differently, and no matter
        many.learn_many(frame(features), column)
    assert model_bytes(one) == model_bytes(many)
    assert pickle.dumps(one) == pickle.dumps(many)


@pytest.mark.parametrize("library", FRAMES)
def test_predict_many_is_predict_one_for_each_row_from_the_same_state(kind, features, y, library):
    model = learnt(kind, features, y)
    before = pickle.dumps(model)
    frame = FRAMES[library](features)
    answers = columns_of(model.predict_many(frame))
    assert type(model.predict_many(frame)).__module__.split(".")[0] == library
    expected = [model.predict_one(x) for x in rows_of(features)]
    if isinstance(y, dict):
        assert rows_of(answers) == expected
    else:
        (column,) = answers.values()
        assert column == expected
    if hasattr(model, "predict_proba_many"):
        shares = rows_of(columns_of(model.predict_proba_many(frame)))
        ones = [model.predict_proba_one(x) for x in rows_of(features)]
        if kind == "labels":
            ones = [{name: share[True] for name, share in one.items()} for one in ones]
        assert shares == ones
    assert pickle.dumps(model) == before


def test_the_index_is_kept(kind, features, y):
    model = learnt(kind, features, y)
    frame = pd.DataFrame(features).set_index(pd.date_range("2026-01-01", periods=40, name="day"))
    assert model.predict_many(frame).index.equals(frame.index)
    if hasattr(model, "predict_proba_many"):
        assert model.predict_proba_many(frame).index.equals(frame.index)
    shuffled = frame.iloc[::-1]
    assert model.predict_many(shuffled).sort_index().equals(model.predict_many(frame))


def test_empty_frames(kind, features, y):
    model = learnt(kind, features, y)
    before = pickle.dumps(model)
    empty = pd.DataFrame(features).iloc[:0]
    assert len(model.predict_many(empty)) == 0
    if hasattr(model, "predict_proba_many"):
        shares = model.predict_proba_many(empty)
        assert len(shares) == 0
        assert list(shares.columns) == model.labels
    model.learn_many(empty.assign(new=[]), {"new": []} if isinstance(y, dict) else [])
    assert pickle.dumps(model) == before


def test_unknown_and_absent_columns(kind, features, y):
    model = learnt(kind, features, y)
    frame = pd.DataFrame(features)
    reordered = frame[["c", "a"]].assign(unknown=5.0, text=1)
    answers = columns_of(model.predict_many(reordered))
    expected = [model.predict_one({"a": x["a"], "c": x["c"]}) for x in rows_of(features)]
    assert (rows_of(answers) if isinstance(y, dict) else answers[None]) == expected
    nothing = columns_of(model.predict_many(frame[[]]))
    assert (rows_of(nothing) if isinstance(y, dict) else nothing[None]) == [
        model.predict_one({})
    ] * 40


def test_before_anything_was_learnt(kind, features):
    model = MODELS[kind](**SMALL)
    frame = pd.DataFrame(features)
    answers = model.predict_many(frame)
    assert len(answers.index) == 40
    if kind == "regressor":
        assert answers.tolist() == [0.0] * 40
    elif kind == "classifier":
        assert answers.tolist() == [None] * 40
    else:
        assert answers.shape == (40, 0)
    if hasattr(model, "predict_proba_many"):
        assert model.predict_proba_many(frame).shape == (40, 0)


def test_missing_values_of_frames(kind, features, y):
    model = learnt(kind, features, y)
    gaps = pd.DataFrame({"a": pd.array([1.5, None, 2.5], "Float64"), "b": [None, 1.0, math.nan]})
    answers = columns_of(model.predict_many(gaps))
    expected = [model.predict_one(x) for x in ({"a": 1.5}, {"b": 1.0}, {"a": 2.5})]
    assert (rows_of(answers) if isinstance(y, dict) else answers[None]) == expected


def test_what_does_not_fit_is_refused(kind, features, y):
    model = learnt(kind, features, y)
    frame = pd.DataFrame(features)
    text = frame.astype(object).assign(a="NW")
    refuses(model, lambda: model.predict_many(text), TypeError, "feature 'a' is 'NW'")
    refuses(model, lambda: model.learn_many(text, y), TypeError, "feature 'a' is 'NW'")
    refuses(model, lambda: model.learn_many(frame.iloc[:3], y), ValueError, "X has 3 rows")
    refuses(
        model, lambda: model.predict_many(np.zeros((2, 3))), TypeError, "X must be a data frame"
    )
    refuses(model, lambda: model.learn_many(frame, 1.0), TypeError, "y must")


def test_weights_of_a_frame(kind, features, y):
    one, many, plain = (MODELS[kind](**SMALL) for _ in range(3))
    weights = [0.5, 2.0] * 20
    for x, target, w in zip(rows_of(features), targets_of(y), weights, strict=True):
        one.learn_one(x, target, w=w)
    many.learn_many(pd.DataFrame(features), y, w=pd.Series(weights))
    plain.learn_many(pd.DataFrame(features), y)
    assert model_bytes(one) == model_bytes(many) != model_bytes(plain)


def test_labels_of_several_kinds_name_the_columns(features):
    labels = [True, False, "third", 4] * 10
    model = learnt("classifier", features, labels)
    shares = model.predict_proba_many(pd.DataFrame(features))
    assert list(shares.columns) == [True, False, "third", 4]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-12)


NAMED = (RNNMultiTargetRegressor, RNNMultiLabelClassifier)
ANSWERS = [(kind, "predict_many") for kind in NAMED] + [
    (kind, "predict_proba_many") for kind in (RNNClassifier, RNNMultiLabelClassifier)
]


@pytest.mark.parametrize(("kind", "method"), ANSWERS)
def test_outputs_do_not_come_between_a_prediction_and_its_names(kind, method, monkeypatch):
    """Another thread that learns a new name waits until the answer is complete."""
    model, others = kind(**SMALL), []
    targets = [{"one": 1}, {"two": 1}] if kind in NAMED else ["one", "two"]
    model.learn_one({"a": 1.0}, targets[0])
    predicted = kind._predicted_many

    def interrupted(self, X):
        answer = predicted(self, X)
        others.append(threading.Thread(target=model.learn_one, args=({"a": 1.0}, targets[1])))
        others[0].start()
        others[0].join(0.2)
        return answer

    monkeypatch.setattr(kind, "_predicted_many", interrupted)
    answer = getattr(model, method)(pd.DataFrame({"a": [1.0, 2.0]}))
    others[0].join()
    assert list(answer.columns) == ["one"]
    assert len(model._outputs.names) == 2
