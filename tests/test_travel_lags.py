"""Models that see the last target take it along: the next prediction is the model's."""

import json

import numpy as np
import onnxruntime
import pytest
from engine_helpers import engine, learn

from streamrnn import RNNRegressor
from streamrnn.travel import arrivals, onnx_file, snapshot

CASES = {
    "squared": (
        2,
        lambda rng: [*rng.normal(size=1), np.nan] if rng.random() < 0.5 else [3.0, 40.0],
    ),
    "cross_entropy": (3, lambda rng: [float(rng.integers(3))]),
    "logistic": (1, lambda rng: [float(rng.integers(2))]),
    "binary_cross_entropy": (3, lambda rng: [1.0, 0.0, np.nan]),
}


@pytest.fixture(params=CASES)
def case(request, rng):
    n_outputs, target = CASES[request.param]
    regression = request.param == "squared"
    model = engine(
        loss=request.param,
        n_outputs=n_outputs,
        lagged_target=True,
        scale_inputs=True,
        scale_target=regression,
        num_layers=2,
    )
    taken = []
    for t, x in enumerate(rng.normal(size=(60, 3)) * 20 + 100):
        if t in (1, 2, 30, 58, 59):
            model.row[:] = x
            model.run_one(False)
            names = None if request.param == "squared" else list(range(max(2, n_outputs)))
            taken.append((snapshot.take(model, list("abc"), names), x, model.answer.copy()))
        learn(model, x, None if t == 58 else target(rng))
    assert any(np.abs(one.memory.targets[0, :-1]).max() > 0 for one, _, _ in taken)
    assert not taken[-1][0].memory.targets[0].any(), "the last one was not known"
    return taken


def targets_of(one):
    """What may be told with the first step: nothing, or anything if the state knows better."""
    unknown = np.full((1, one.n_targets), np.nan)
    return [unknown, unknown + 1, np.ones_like(unknown)][: 3 if one.memory.targets[0, -1] else 2]


def test_in_the_graph(case, tmp_path):
    path = str(tmp_path / "model.onnx")
    for one, x, expected in case:
        onnx_file.write(one, path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        found = json.loads(session.get_modelmeta().custom_metadata_map["state"])
        state = {name: np.array(values) for name, values in found.items()}
        assert state["targets"].shape == (1, 5, one.n_outputs + 1)
        for y in targets_of(one):
            prediction = session.run(None, {"x": x[None], "y": y, **state})[0][0]
            np.testing.assert_allclose(prediction, expected, rtol=1e-9)


def test_in_the_module_and_back(case):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra 'torch')")
    from streamrnn.travel.torch_module import RecurrentModule

    for one, x, expected in case:
        module = RecurrentModule(one)
        for y in targets_of(one):
            with torch.no_grad():
                x_, y_ = torch.from_numpy(x[None]), torch.from_numpy(y)
                found, _ = module(x_, module.carried_state(), y_)
            np.testing.assert_allclose(found[0].numpy(), expected, rtol=1e-9)
        for given in (module, module.state_dict()):
            back = arrivals.read(given, None)
            assert (back.n_lags, back.n_features) == (one.n_lags, 3)
            assert all((back.weights[name] == array).all() for name, array in one.weights.items())
            assert (back.memory.targets == one.memory.targets).all()


def state_dict_of_lagged():
    rng = np.random.default_rng(0)
    return {
        "rnn.weight_ih_l0": rng.normal(size=(12, 3)),
        "rnn.weight_hh_l0": rng.normal(size=(12, 4)),
        "head.weight": rng.normal(size=(1, 4)),
        "initial_targets": np.zeros((7, 2)),
    }


def test_a_model_that_sees_the_last_target_stays_one():
    model = RNNRegressor.from_torch(state_dict_of_lagged(), features=["a", "b"])
    assert model.lagged_target
    assert model._model.sizes.n_inputs == 2
    assert model.truncation == 7
    with pytest.raises(ValueError, match="lagged_target=False, but the module sees the last"):
        RNNRegressor.from_torch(state_dict_of_lagged(), lagged_target=False)


@pytest.mark.parametrize("targets", [np.zeros((5, 3)), np.zeros(50), np.float64(0)])
def test_last_targets_of_other_outputs_are_refused(targets):
    with pytest.raises(ValueError, match=r"initial_targets is .* 1 outputs"):
        RNNRegressor.from_torch(state_dict_of_lagged() | {"initial_targets": targets})
