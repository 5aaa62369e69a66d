"""Events with an id advance the state once; targets train the steps that they belong to."""

import math
import pickle
from itertools import pairwise

import pytest
from estimator_helpers import SMALL, model_bytes, plain
from river import ensemble, evaluate, metrics

from streamrnn import (
    RNNClassifier,
    RNNMultiLabelClassifier,
    RNNMultiTargetRegressor,
    RNNRegressor,
)
from streamrnn.estimators import events


def learnt_plainly(model, stream):
    answers = []
    for x, y in stream:
        answers.append(model.predict_one(x))
        model.learn_one(x, y)
    return answers


@pytest.mark.parametrize("activations", ["stored", "recomputed"])
@pytest.mark.parametrize("every", [1, 3])
def test_without_delay_ids_change_nothing(case, activations, every):
    kind, (_, stream) = type(case[0]), case
    arguments = {**SMALL, "activations": activations, "update_every": every, "loss_window": every}
    direct, model = kind(**arguments), kind(**arguments)
    answers = learnt_plainly(direct, stream)
    for t, (x, y) in enumerate(stream):
        assert model.predict_one(x, t=t) == answers[t]
        model.learn_one(x, y, t=t)
    assert model_bytes(model) == model_bytes(direct)


def test_an_event_may_be_seen_first_when_it_is_learnt(case):
    model, stream = case
    direct = model.clone()
    learnt_plainly(direct, stream)
    for t, (x, y) in enumerate(stream):
        model.learn_one(x, y, t=("event", t))
    assert model_bytes(model) == model_bytes(direct)


def test_the_same_event_never_advances_twice(case):
    model, stream = case
    for t, (x, y) in enumerate(stream[:20]):
        model.learn_one(x, y, t=t)
    state = model._model.parts.state.tobytes()
    x, y = stream[20]
    first = model.predict_one(x, t=20)
    moved = model._model.parts.state.tobytes()
    assert moved != state
    for _ in range(3):
        assert model.predict_one(x, t=20) == first
        model.learn_one(x, None, t=20)
        model.learn_one(x, y, t=20)
        model.learn_one(x, y, t=20)  # again: a further update, no further step
    assert model._model.parts.state.tobytes() == moved
    assert model.counters["samples"] == 21
    assert model.counters["missing_targets"] == 0


def _late(stream, delay):
    """What happens when each target comes `delay` samples late: ("predict" or "learn", t)."""
    for t in range(len(stream) + delay):
        if t < len(stream):
            yield "predict", t
        if t >= delay:
            yield "learn", t - delay


def test_a_late_target_trains_its_own_step(stream):
    """The state saw every sample in time, whatever the delay: only the weights lag behind."""
    model = plain(RNNRegressor, **SMALL, lr=0.0, scale_target=False)
    direct = model.clone()
    expected = learnt_plainly(direct, stream)
    answers = {}
    for what, t in _late(stream, 4):
        x, y = stream[t]
        if what == "predict":
            answers[t] = model.predict_one(x, t=t)
        else:
            model.learn_one(x, y, t=t)
    assert list(answers.values()) == expected
    assert model.counters["updates"] == len(stream)
    assert model.counters["late_targets"] == 0
    assert model.counters["missing_targets"] == 0


def test_late_targets_teach_where_a_lagging_state_cannot(rng):
    """What is to be predicted depends on the sample before: a state that lags by 3 never has it."""
    pulses = rng.integers(0, 2, 1500)
    stream = [({"pulse": float(now)}, float(before)) for before, now in pairwise(pulses)]
    errors = {}
    for ids in (True, False):
        model = plain(RNNRegressor, hidden_size=8, truncation=8, lr=0.02)
        dataset = [(x, y, {"t": t}) if ids else (x, y) for t, (x, y) in enumerate(stream)]
        metric = metrics.MAE()
        steps = evaluate.iter_progressive_val_score(
            dataset, model, metrics.MAE(), delay=3, yield_predictions=True
        )
        for step in steps:
            if step["Step"] > 1000 and "Prediction" in step:
                metric.update(stream[step["Step"] - 1][1], step["Prediction"])
        errors[ids] = metric.get()
    assert errors[True] < 0.1
    assert errors[False] > 0.4


@pytest.mark.filterwarnings("ignore:the target of event")
@pytest.mark.parametrize("delay", [4, 5, 9])
def test_targets_of_steps_that_left_the_window_are_counted(case, delay):
    model, stream = case
    for what, t in _late(stream, delay):
        x, y = stream[t]
        model.predict_one(x, t=t) if what == "predict" else model.learn_one(x, y, t=t)
    is_too_late = delay >= SMALL["truncation"]
    # At the end no more samples come, and the last targets are in time.
    late = model.counters["late_targets"]
    assert late == (len(stream) - SMALL["truncation"] if is_too_late else 0)
    assert model.counters["samples"] == len(stream)
    in_time = len(stream) - late
    if getattr(model, "predict_change", False):
        # Of the first steps it is not known what their targets change from.
        in_time = 0 if is_too_late else in_time - delay - 1
    assert model.counters["updates"] == in_time


def test_the_first_target_that_is_too_late_is_told(stream):
    model = RNNRegressor(**SMALL)
    for t in range(20):
        model.predict_one(stream[t][0], t=t)
    with pytest.warns(UserWarning, match=r"event 3 came when .* truncation=5 must be more") as told:
        model.learn_one(*stream[3], t=3)
    assert told[0].filename == __file__
    model.learn_one(*stream[4], t=4)  # and no other
    assert model.counters["late_targets"] == 2


def test_labels_may_come_in_any_order_and_be_new(stream):
    model = RNNClassifier(**SMALL)
    for t, (x, _) in enumerate(stream):
        model.predict_one(x, t=t)
        if t % 4 == 3:
            for back in (2, 0, 3, 1):
                model.learn_one(stream[t - back][0], f"label {(t - back) % 3}", t=t - back)
    assert sorted(model.labels) == ["label 0", "label 1", "label 2"]
    assert model.counters["late_targets"] == 0
    assert model.counters["updates"] == len(stream)
    # Once more for an event whose prediction knew fewer labels than there are now.
    assert math.isclose(sum(model.predict_proba_one(stream[0][0], t="new").values()), 1.0)


def test_targets_of_one_event_may_come_one_by_one(stream):
    model = RNNMultiTargetRegressor(**SMALL)
    for t, (x, y) in enumerate(stream):
        model.predict_one(x, t=t)
        model.learn_one(x, {"now": y}, t=t)
        if t:
            model.learn_one(stream[t - 1][0], {"next": y}, t=t - 1)
    assert model.target_names == ["now", "next"]
    assert model.counters["samples"] == len(stream)
    assert model.predict_one(stream[0][0]).keys() == {"now", "next"}


def test_a_reset_state_has_no_steps_to_train(stream):
    model = RNNRegressor(**SMALL)
    model.predict_one(stream[0][0], t=0)
    model.reset_state()
    before = model_bytes(model)
    with pytest.warns(UserWarning, match="event 0 came when its step had left the window"):
        model.learn_one(*stream[0], t=0)
    assert model.counters["late_targets"] == 1
    assert model_bytes(model) == before


def test_the_memory_for_events_is_bounded(monkeypatch, stream):
    monkeypatch.setattr(events, "KEPT", 10)
    model = RNNRegressor(**SMALL)
    for t in range(50):
        model.learn_one(*stream[t % len(stream)], t=t)
    assert len(model._events._events) == 10


def test_ids_must_be_hashable_and_nothing_is_lost(stream):
    model = RNNRegressor(**SMALL)
    model.learn_one(*stream[0])
    before = pickle.dumps(model)
    with pytest.raises(TypeError, match=r"event id t is \[1\].*not hashable"):
        model.learn_one(*stream[1], t=[1])
    with pytest.raises(TypeError, match=r"event id t is \[1\].*not hashable"):
        model.predict_one(stream[1][0], t=[1])
    assert pickle.dumps(model) == before


def test_bagging_repeats_an_event_and_the_state_advances_once(stream):
    """Bagging learns a sample 0, 1, 2, ... times."""
    direct = ensemble.BaggingRegressor(plain(RNNRegressor, **SMALL), n_models=3, seed=1)
    with_ids = ensemble.BaggingRegressor(plain(RNNRegressor, **SMALL), n_models=3, seed=1)
    for t, (x, y) in enumerate(stream):
        direct.learn_one(x, y)
        with_ids.learn_one(x, y, t=t)
    for a, b in zip(direct, with_ids, strict=True):
        assert b.counters["samples"] <= len(stream)
        assert b.counters["updates"] == a.counters["updates"] == a.counters["samples"]
        assert b.counters["samples"] < a.counters["samples"]


@pytest.mark.parametrize(
    ("model", "first", "then"),
    [
        (RNNClassifier(**SMALL), "a", ["b", "c"]),
        (RNNMultiTargetRegressor(**SMALL), {"a": 1.0}, [{"b": 2.0}, {"c": 3.0}]),
        (RNNMultiLabelClassifier(**SMALL), {"a": True}, [{"b": False}, {"c": True}]),
    ],
    ids=["classifier", "targets", "labels"],
)
def test_an_event_that_came_before_some_outputs_keeps_its_prediction(model, first, then):
    x, ask = {"x": 1.0}, getattr(model, "predict_proba_one", model.predict_one)
    assert ask(x, t="zero") == {}
    model.learn_one(x, first, t="zero")
    assert ask(x, t="zero") == {}
    predicted = ask(x, t="one")
    assert list(predicted) == ["a"]
    for y in then:
        model.learn_one(x, y, t="one")
        assert ask(x, t="one") == predicted
        model.predict_one(x, t="one")
    assert model.counters["samples"] == 2
    assert list(ask(x)) == ["a", "b", "c"]
