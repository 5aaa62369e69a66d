"""Module and graph of any snapshot against the formula: several outputs, lags, every decoding."""

import math

import numpy as np
import onnxruntime
import pytest
from naive import CELLS, random_weights
from naive.gradients import step
from naive.heads import Linear

from streamrnn.travel import onnx_file
from streamrnn.travel.snapshot import Snapshot, moments_of

N, LAGS, OUTPUTS, H, LAYERS, STEPS = 3, 2, 3, 4, 2, 30
LIMIT = 1e100


def standardised(value, count, mean, m2, clip):
    """The value by the moments with it, clipped before and after; missing ones are 0."""
    if not abs(value) <= LIMIT:
        return 0.0
    if m2 > 0 and clip is not None:
        reach = clip * (1 + (10 / count) ** 2) * math.sqrt(m2 / count)
        value = sorted((mean - reach, value, mean + reach))[1]
    total = count * mean + value
    new_mean = total / (count + 1)
    m2 += count / (count + 1) * (value - mean) ** 2
    scaled = (value - new_mean) / math.sqrt(m2 / (count + 1)) if m2 > 0 else 0.0
    return scaled if clip is None else sorted((-clip, scaled, clip))[1]


def decoded(decoding, z, moments, clip):
    if decoding == "identity":
        z = z if clip is None else np.clip(z, -clip, clip)
        return [
            z[k] if count == 0 else mean + z[k] * math.sqrt(m2 / count)
            for k, (count, mean, m2) in enumerate(moments.T)
        ]
    odds = np.exp(z)
    if decoding == "softmax":
        return odds / odds.sum()
    holds = odds / (1 + odds)
    return [1 - holds[0], holds[0]] if decoding == "logistic" else holds


def snapshot_of(cell, decoding, clip, rng):
    n_outputs = 1 if decoding == "logistic" else OUTPUTS
    targets = moments_of(rng.normal(size=OUTPUTS) * 10, [2.0, 0.5, 30.0], 40)
    targets[:, 1] = 0.0  # never seen
    weights = random_weights(cell, N + LAGS, H, LAYERS, n_outputs)
    inputs = moments_of([0.0, 1e3, 5.0], [1.0, 50.0, 1.0], 20)
    inputs[:, 2] = [7.0, 5.0, 0.0]  # constant so far
    n_states = CELLS[cell].states
    return Snapshot(
        cell=cell,
        weights=weights,
        state=rng.normal(size=(n_states, LAYERS, H)) * 0.3,
        input_moments=inputs,
        target_moments=targets if decoding == "identity" else None,
        decoding=decoding,
        features=["a", "b", "c"],
        labels=None if decoding == "identity" else list(range(max(2, n_outputs))),
        n_lags=LAGS,
        scale_clip=None if clip is None else np.array(clip),
    )


def formula(snapshot, X, lags):
    """The predictions by the slow twin's step."""
    states = [tuple(snapshot.state[:, layer]) for layer in range(LAYERS)]
    found = []
    for row, lag in zip(X, lags, strict=True):
        pairs = zip(row, snapshot.input_moments.T, strict=True)
        clip = snapshot.scale_clip
        x = [standardised(value, *moments, clip) for value, moments in pairs]
        x = np.array([*x, *lag])
        states, _ = step(snapshot.cell, snapshot.weights, x, states)
        z = Linear().read(snapshot.weights, states[-1][0], x)
        found.append(decoded(snapshot.decoding, z, snapshot.target_moments, clip))
    return np.array(found)


@pytest.fixture(
    params=[
        ("lstm", "identity", None),
        ("lstm", "identity", 1.1),
        ("gru", "softmax", 3.0),
        ("rnn", "sigmoid", None),
        ("rnn_relu", "logistic", None),
    ]
)
def case(request, rng):
    snapshot = snapshot_of(*request.param, rng)
    X = rng.normal(size=(STEPS, N)) * [1.0, 50.0, 0.1] + [0.0, 1e3, 5.0]
    X[::4, 0], X[5, 1], X[6, 1], X[:3, 2] = np.nan, np.inf, 1e200, 5.0
    lags = rng.normal(size=(STEPS, LAGS))
    return snapshot, X, lags, formula(snapshot, X, lags)


def test_the_graph_computes_the_formula(case, tmp_path):
    snapshot, X, lags, expected = case
    path = str(tmp_path / "model.onnx")
    onnx_file.write(snapshot, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    state = dict(zip("hc", snapshot.state[:, :, None], strict=False))
    for row, lag, right in zip(X, lags, expected, strict=True):
        values = session.run(None, {"x": row[None], "lag": lag[None], **state})
        found = dict(zip(names, values, strict=True))
        state = {name: found[f"{name}_next"] for name in state}
        np.testing.assert_allclose(found[names[0]][0], right, rtol=1e-9, atol=1e-12)
    assert names[0] == ("prediction" if snapshot.decoding == "identity" else "probabilities")
    assert ("label_index" in names) == (snapshot.decoding in ("softmax", "logistic"))


def test_the_module_computes_the_formula(case):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra 'torch')")
    from streamrnn.travel.torch_module import RecurrentModule

    snapshot, X, lags, expected = case
    module = RecurrentModule(snapshot)
    with torch.no_grad():
        found, _ = module(torch.from_numpy(X), module.carried_state(), torch.from_numpy(lags))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)
    with pytest.raises(ValueError, match="the model has 2 lags, got lag=None"):
        module(torch.from_numpy(X))
