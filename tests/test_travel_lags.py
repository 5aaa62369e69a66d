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
    assert any(np.abs(one.lag).max() > 0 for one, _, _ in taken)
    return taken


def test_in_the_graph(case, tmp_path):
    path = str(tmp_path / "model.onnx")
    for one, x, expected in case:
        onnx_file.write(one, path)
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        found = json.loads(session.get_modelmeta().custom_metadata_map["state"])
        state = {name: np.array(values) for name, values in found.items()}
        assert state["lag"].shape == (1, one.n_lags)
        prediction = session.run(None, {"x": x[None], **state})[0][0]
        np.testing.assert_allclose(prediction, expected, rtol=1e-9)


def test_in_the_module_and_back(case):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra 'torch')")
    from streamrnn.travel.torch_module import RecurrentModule

    for one, x, expected in case:
        module = RecurrentModule(one)
        with torch.no_grad():
            lag = module.initial_lag[None]
            found, _ = module(torch.from_numpy(x[None]), module.carried_state(), lag)
        np.testing.assert_allclose(found[0].numpy(), expected, rtol=1e-9)
        for given in (module, module.state_dict()):
            back = arrivals.read(given, None)
            assert (back.n_lags, back.n_features) == (one.n_lags, 3)
            assert all((back.weights[name] == array).all() for name, array in one.weights.items())


def state_dict_of_lagged():
    rng = np.random.default_rng(0)
    return {
        "rnn.weight_ih_l0": rng.normal(size=(12, 3)),
        "rnn.weight_hh_l0": rng.normal(size=(12, 4)),
        "head.weight": rng.normal(size=(1, 4)),
        "initial_lag": np.zeros(1),
    }


def test_a_model_that_sees_the_last_target_stays_one():
    model = RNNRegressor.from_torch(state_dict_of_lagged(), features=["a", "b"])
    assert model.lagged_target
    assert model._model.sizes.n_inputs == 2
    with pytest.raises(ValueError, match="lagged_target=False, but the module sees the last"):
        RNNRegressor.from_torch(state_dict_of_lagged(), lagged_target=False)


@pytest.mark.parametrize("lag", [np.zeros(2), np.zeros(50), np.float64(0)])
def test_a_last_target_of_other_outputs_is_refused(lag):
    with pytest.raises(ValueError, match=r"initial_lag is .* 1 outputs"):
        RNNRegressor.from_torch(state_dict_of_lagged() | {"initial_lag": lag})
