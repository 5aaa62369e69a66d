"""Models whose predictions depend on targets before: told these, what travels predicts alike."""

import copy
import pickle

import numpy as np
import pytest
from estimator_helpers import SMALL
from travel_helpers import NAMES, PLAIN, Runtime, answer, frozen_steps, gappy, sample

from streamrnn import (
    RNNClassifier,
    RNNForecaster,
    RNNMultiLabelClassifier,
    RNNMultiTargetRegressor,
    RNNRegressor,
)
from streamrnn.heads import RLS

STEPS = 1000

CHANGES = {"head": "rls", "predict_change": True, "lagged_target": False}

#: Estimators and their arguments; the tolerances are in standard deviations of the predictions.
CASES = {
    "all": (RNNRegressor, {"head": RLS(lags=3), "predict_change": True, "lagged_target": True}),
    "rls": (RNNRegressor, {**PLAIN, "head": "rls"}),
    "changes": (RNNRegressor, {**PLAIN, "predict_change": True}),
    "unscaled": (
        RNNRegressor,
        {**CHANGES, "scale_target": False, "scale_inputs": False, "scale_clip": 1.1},
    ),
    "skip": (
        RNNRegressor,
        {**PLAIN, "head": "linear_skip", "lagged_target": True, "cell": "gru"},
    ),
    "targets": (RNNMultiTargetRegressor, CHANGES),
    "classes": (RNNClassifier, {"head": "rls", "lagged_target": True}),
    "logistic": (RNNClassifier, {"head": "rls", "loss": "logistic"}),
    "labels": (RNNMultiLabelClassifier, {"head": "rls", "lagged_target": True}),
    "recomputed": (RNNRegressor, {**CHANGES, "activations": "recomputed", "num_layers": 2}),
}
#: These also in double precision.
DOUBLE = ("all", "rls", "targets", "classes")


def targets_of(model, X, rng, start):
    """Targets with gaps that wander as the first feature says."""
    signal = np.where(np.isfinite(X[:, 0]), X[:, 0], 0.0)
    level = start + np.cumsum(np.where(np.abs(signal) < 1e5, signal, 0.0))
    gaps, more = rng.random(len(X)) < 0.2, rng.random(len(X)) < 0.3
    gaps[50:60] = True
    rows = zip(level.tolist(), gaps, more, strict=True)
    if isinstance(model, RNNMultiTargetRegressor):
        return [{"a": None if g else v, "b": None if m else 3 * v + 10} for v, g, m in rows]
    if isinstance(model, RNNMultiLabelClassifier):
        return [{"a": v > start, "b": None if m else v > 50} if not g else None for v, g, m in rows]
    if isinstance(model, RNNClassifier):
        names = [True, "b"] if model.loss == "logistic" else [True, "b", ("c", 1)]
        return [None if g else names[int(v // 5) % len(names)] for v, g, _ in rows]
    return [None if g else v for v, g, _ in rows]


def told(target, names):
    """A target as module and graph are told it."""
    if isinstance(target, dict):
        return [np.nan if target[name] is None else float(target[name]) for name in names]
    if target is None:
        return [np.nan] * (len(names) if names and names == ["a", "b"] else 1)
    return [float(names.index(target)) if names else target]


@pytest.fixture(params=[*((name, "float32") for name in CASES), *((n, "float64") for n in DOUBLE)])
def case(request, rng):
    """A model that has learnt, a stream, and its predictions with learning off."""
    name, dtype = request.param
    kind, arguments = CASES[name]
    model = kind(**SMALL, **arguments, dtype=dtype)
    X = gappy(rng, 300)
    for row, target in zip(X, targets_of(model, X, rng, 50.0), strict=True):
        model.learn_one(sample(row), target)
    X = gappy(rng, STEPS)
    return model, X, targets_of(model, X, rng, 55.0), {"float32": 1e-5, "float64": 1e-12}[dtype]


def close(found, expected, tolerance):
    assert found.shape == expected.shape
    assert expected.std() > 0.01
    assert np.abs(found - expected).max() < tolerance * expected.std()


def test_the_graph_predicts_the_same(case, tmp_path):
    model, X, targets, tolerance = case
    before = pickle.dumps(model)
    model.to_onnx(tmp_path / "model.onnx")
    assert pickle.dumps(model) == before
    runtime = Runtime(tmp_path / "model.onnx")
    names = model.labels if hasattr(model, "labels") else getattr(model, "target_names", None)
    found, y = [], None
    for row, target in zip(X, targets, strict=True):
        found.append(runtime.step(row, y)[runtime.outputs[0]][0])
        y = told(target, names)
    close(np.array(found), frozen_steps(model, X, targets), tolerance)


def test_the_module_predicts_the_same_and_brings_it_back(case):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra 'torch')")
    model, X, targets, tolerance = case
    module = model.to_torch()
    y = [told(target, module.labels) for target in targets]
    y = torch.tensor([[np.nan] * len(y[0]), *y[:-1]], dtype=torch.float64)
    with torch.no_grad():
        found, _ = module(torch.from_numpy(X), module.carried_state(), y)
    expected = frozen_steps(model, X, targets)
    close(found.numpy(), expected, tolerance)
    more = {"activations": model.activations, "loss": model.loss}
    back = type(model).from_torch(module, **more)
    np.testing.assert_array_equal(frozen_steps(back, X[:50], targets[:50]), expected[:50])
    names = {"labels": module.labels} if module.labels else {}
    if isinstance(model, RNNMultiTargetRegressor):
        names = {"targets": module.labels}
    back = type(model).from_torch(module.state_dict(), features=NAMES, **names, **more)
    np.testing.assert_array_equal(frozen_steps(back, X[:50], targets[:50]), expected[:50])


def everything(rng, **more):
    model = RNNRegressor(**SMALL, **CASES["all"][1], **more)
    X = gappy(rng, 100)
    model.replay(X, np.cumsum(np.where(np.isfinite(X[:, 0]), X[:, 0], 0.0)), features=NAMES)
    return model


def test_the_metadata_say_what_is_carried(rng, tmp_path):
    path = tmp_path / "model.onnx"
    model = everything(rng)
    model.to_onnx(path)
    runtime = Runtime(path)
    shapes = {name: one.shape for name, one in runtime.inputs.items()}
    assert shapes.pop("h") == shapes.pop("c") == [1, "batch", 6]
    batch = "batch"
    assert shapes == {
        "x": [batch, 3],
        "y": [batch, 1],
        "x_before": [batch, 3],
        "targets": [batch, 5, 2],
        "last": [batch, 1],
    }
    told = runtime.metadata
    assert (told["model"]["head"], told["model"]["predict_change"]) == ("rls", True)
    model.reset_state()
    model.to_onnx(path)
    runtime = Runtime(path)
    assert runtime.metadata["state"]["last"] == [[None]], "NaN is no JSON"
    row = gappy(rng, 1)[0]
    assert runtime.step(row)["prediction"][0] == pytest.approx(answer(model, row), rel=1e-6)


def test_what_came_back_learns_on_as_one_that_knows_no_steps_before(rng):
    """The steps that it knows targets of teach nothing, and no gradient goes through them."""
    pytest.importorskip("torch")
    source = everything(rng, dtype="float64")
    model = RNNRegressor.from_torch(source.to_torch(), loss="squared")
    assert model._model.counters["samples"] == 0
    before = model.get_weights()
    x = dict.fromkeys(NAMES, 1.0)
    model.learn_one(x, None)
    assert all((model.get_weights()[name] == array).all() for name, array in before.items())
    known = model._model.parts.targets
    assert ((known[:, -1] == 0) | (known[:, -1] < 1e-300)).all()
    model.learn_one(x, 3.0)
    assert any((model.get_weights()[name] != array).any() for name, array in before.items())
    assert copy.deepcopy(model).predict_one(x) == model.predict_one(x)


def test_what_is_known_of_the_steps_before_is_not_learnt_again(rng):
    pytest.importorskip("torch")
    source = RNNRegressor(**SMALL, **{**PLAIN, "lagged_target": True, "head": RLS(lags=3)})
    X = gappy(rng, 100)
    source.replay(X, np.nan_to_num(X[:, 0], posinf=0.0), features=NAMES)
    window = {"loss_window": 4, "activations": "recomputed"}
    learnt = []
    for weight in (1.0, 1e10, 1e38):  # times the least, so the last is an ordinary sample
        model = RNNRegressor.from_torch(source.to_torch(), **window)
        weights = model._model.parts.targets[:, -1]
        assert (weights > 0).tolist() == [True] * 3 + [False] * 2
        weights *= weight
        model.learn_one(dict.fromkeys(NAMES, 1.0), 3.0)
        learnt.append(model.get_weights()["weight_hh_l0"])
    assert (learnt[0] == learnt[1]).all()
    assert (learnt[0] != learnt[2]).any()


def test_no_gradient_goes_through_the_steps_before(rng):
    """A window of the first sample alone has the same one."""
    pytest.importorskip("torch")
    lagged = {**PLAIN, "lagged_target": True}
    source = RNNRegressor(**SMALL, **lagged, dtype="float64")
    X = gappy(rng, 100)
    source.replay(X, np.nan_to_num(X[:, 0], posinf=0.0), features=NAMES)
    gradients = []
    for truncation in (1, 5):
        model = RNNRegressor.from_torch(source.to_torch(), truncation=truncation)
        assert model._model.parts.targets[0, -1] > 0
        model.learn_one(dict.fromkeys(NAMES, 1.0), 3.0)
        gradients.append(model._gradients())
    for name, gradient in gradients[0].items():
        assert np.abs(gradient).max() > 0
        np.testing.assert_allclose(gradients[1][name], gradient, rtol=1e-12, atol=1e-15)


def test_a_shorter_window_keeps_the_newest_targets(rng):
    pytest.importorskip("torch")
    source = everything(rng)
    row = gappy(rng, 1)[0]
    for truncation in (3, 4, 9):
        model = RNNRegressor.from_torch(source.to_torch(), truncation=truncation)
        assert answer(model, row) == answer(source, row)
    with pytest.raises(ValueError, match=r"'head.inputs'\] is \(1, 11\), the model needs"):
        RNNRegressor.from_torch(source.to_torch(), truncation=2)


def test_arguments_that_contradict_the_module_are_refused(rng):
    pytest.importorskip("torch")
    module = everything(rng).to_torch()
    for arguments, message in (
        ({"predict_change": False}, "predict_change=False, but the module predicts changes"),
        ({"lagged_target": False}, "lagged_target=False, but the module sees the last target"),
        ({"head": "linear"}, r"unknown \['head.inputs'\]"),
        ({"head": RLS(lags=2)}, r"'head.inputs'\] is \(1, 11\), the model needs \(1, 10\)"),
    ):
        with pytest.raises(ValueError, match=message):
            RNNRegressor.from_torch(module, **arguments)
    levels = RNNRegressor(**SMALL, **PLAIN)
    levels.learn_one(dict.fromkeys(NAMES, 1.0), 1.0)
    with pytest.raises(ValueError, match="predict_change=True, but the module predicts levels"):
        RNNRegressor.from_torch(levels.to_torch(), predict_change=True)


def test_a_state_that_is_none_of_the_modules_is_refused(rng):
    torch = pytest.importorskip("torch")
    module, x = everything(rng).to_torch(), torch.zeros(1, 3)
    carried = module.carried_state()
    with pytest.raises(ValueError, match="state is not what carried_state"):
        module(x, carried.rnn)
    plain = RNNRegressor(**SMALL, **PLAIN)
    plain.learn_one(dict.fromkeys(NAMES, 1.0), 1.0)
    with pytest.raises(ValueError, match="state is not what carried_state"):
        plain.to_torch()(x, carried)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"initial_x_before": None}, "head.inputs is there, and initial_x_before is missing"),
        ({"initial_x_before": np.zeros(2)}, r"weight_ih_l0 has 4 columns, initial_x_before \(2,\)"),
        ({"initial_targets": np.zeros((2, 2))}, "head.inputs has 11 columns, which fit no 2 last"),
        ({"initial_targets": np.full((5, 2), np.nan)}, "initial_targets has values that are not"),
        ({"initial_last": np.full(1, np.inf)}, "initial_last has values that are not finite"),
        ({"initial_last": np.zeros(2)}, r"initial_last is \(2,\), the model needs \(1,\)"),
        ({"level_moments": -np.ones((3, 1))}, "level_moments has a count or a sum of squares"),
        ({"change_fit": np.zeros(2)}, r"change_fit is \(2,\), the model needs \(4, 1\)"),
        ({"head.skip": np.zeros((1, 4))}, "no place for"),
    ],
)
def test_numbers_of_a_module_that_do_not_fit_are_refused(change, message, rng):
    pytest.importorskip("torch")
    module = everything(rng).to_torch()
    state = {name: value.numpy() for name, value in module.state_dict().items()} | change
    with pytest.raises(ValueError, match=message):
        RNNRegressor.from_torch({name: v for name, v in state.items() if v is not None})


def test_forecasters_travel_unless_targets_come_late(tmp_path):
    for arguments in ({"head": "rls"}, {"predict_change": True}):
        model = RNNForecaster(**SMALL, **arguments)
        for t in range(50):
            model.learn_one(float(t % 4))
        model.to_onnx(tmp_path / "model.onnx")
        runtime = Runtime(tmp_path / "model.onnx")
        found = runtime.step(np.array([1.0]))["prediction"][0]
        assert found == pytest.approx(model.forecast(1), rel=1e-5)
        model = RNNForecaster(**SMALL, **arguments, direct=3)
        model.learn_one(1.0)
        with pytest.raises(ValueError, match="3 values at once cannot travel with a head that"):
            model.to_onnx(tmp_path / "model.onnx")
