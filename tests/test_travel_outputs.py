"""Module and graph of any snapshot against the formula: every head, every decoding, changes."""

import numpy as np
import onnxruntime
import pytest
from naive import CELLS, random_weights
from naive.travelling import Traveller

from streamrnn.travel import onnx_file
from streamrnn.travel.memory import Memory
from streamrnn.travel.snapshot import Snapshot, moments_of

N, OUTPUTS, H, LAYERS, STEPS, KEPT, RECENT = 3, 3, 4, 2, 30, 5, 4

#: Cell, decoding, head, whether the network sees the last target, whether changes are predicted,
#: clip.
CASES = [
    ("lstm", "identity", "linear", True, False, None),
    ("lstm", "identity", "linear", False, False, 1.1),
    ("gru", "softmax", "rls", True, False, None),
    ("rnn", "sigmoid", "linear_skip", True, False, None),
    ("rnn_relu", "logistic", "rls", True, False, 3.0),
    ("gru", "identity", "rls", False, False, 1.1),
    ("lstm", "identity", "rls", True, True, None),
    ("lstm", "identity", "rls", True, True, 0.9),
    ("gru", "identity", "linear_skip", True, True, 3.0),
    ("lstm", "identity", "linear", False, True, None),
    ("gru", "softmax", "linear", False, False, 3.0),
]
#: Trusted in part, not at all, and wholly.
FIT = np.array([[30.0, -9.0, 0.0], [40.0, 3.0, 0.0], [50.0, 2.0, 0.0], [90.0, 80.0, 0.0]])


def rows_of(known, rng):
    """Targets of some steps, the newest first; 0 where they are not known."""
    rows = np.array([[*rng.normal(size=OUTPUTS), 1.0] for _ in known])
    return rows * np.array(known)[:, None]


def weights_of(cell, head, n_outputs, n_lags, is_change, rng):
    weights = random_weights(cell, N + n_lags, H, LAYERS, n_outputs)
    if head == "linear_skip":
        weights["head.skip"] = rng.normal(size=(n_outputs, N + n_lags))
    if head == "rls":
        columns = N + n_lags + N + (RECENT + is_change) * n_outputs
        weights["head.inputs"] = rng.normal(size=(n_outputs, columns)) * 0.3
    return weights


def snapshot_of(cell, decoding, head, is_lagged, is_change, clip, rng):
    n_outputs = 1 if decoding == "logistic" else OUTPUTS
    n_lags = n_outputs if is_lagged else 0
    targets = moments_of(rng.normal(size=OUTPUTS) * 10, [2.0, 0.5, 30.0], 40)
    if is_change:
        targets[1] = 0.0
    targets[:, 1] = 0.0  # never seen
    inputs = moments_of([0.0, 1e3, 5.0], [1.0, 50.0, 1.0], 20)
    inputs[:, 2] = [7.0, 5.0, 0.0]  # constant so far
    rows = rows_of([0.0, 1.0, 0.0, 1.0, 0.0], rng)[:, -n_outputs - 1 :]
    return Snapshot(
        cell=cell,
        weights=weights_of(cell, head, n_outputs, n_lags, is_change, rng),
        state=rng.normal(size=(CELLS[cell].states, LAYERS, H)) * 0.3,
        input_moments=inputs,
        target_moments=targets if decoding == "identity" else None,
        decoding=decoding,
        features=["a", "b", "c"],
        labels=None if decoding == "identity" else list(range(max(2, n_outputs))),
        n_lags=n_lags,
        n_recent=RECENT if head == "rls" else 0,
        bound=0.8 if head == "rls" else np.inf,
        scale_clip=None if clip is None else np.array(clip),
        memory=Memory(
            rng.normal(size=N) if head == "rls" else None,
            rows if n_lags or head == "rls" else None,
            np.array([4.0, np.nan, -70.0]) if is_change else None,
        ),
        level_moments=moments_of([1.0, 2.0, -50.0], [3.0, 1.0, 20.0], 9) if is_change else None,
        change_fit=FIT if is_change else None,
    )


def targets_of(snapshot, rng):
    """With each step the target of the step before; a stretch is not known, longer than is kept."""
    n = snapshot.n_targets
    if snapshot.decoding == "identity":
        y = rng.normal(size=(STEPS, n)) * [3.0, 1.0, 40.0] + [4.0, 2.0, -60.0]
        y[20, 0], y[21] = 1e101, [1e6, -1e6, np.nan]
    else:
        y = rng.integers(OUTPUTS if snapshot.decoding == "softmax" else 2, size=(STEPS, n)) * 1.0
    y[rng.random(y.shape) < 0.2] = np.nan
    y[8 : 8 + KEPT + 2] = np.nan
    return y


@pytest.fixture(params=CASES, ids=lambda case: "-".join(map(str, case)))
def case(request, rng):
    snapshot = snapshot_of(*request.param, rng)
    X = rng.normal(size=(STEPS, N)) * [1.0, 50.0, 0.1] + [0.0, 1e3, 5.0]
    X[::4, 0], X[5, 1], X[6, 1], X[:3, 2] = np.nan, np.inf, 1e200, 5.0
    Y, twin = targets_of(snapshot, rng), Traveller(snapshot)
    expected = np.array([twin.predict(x, y) for x, y in zip(X.tolist(), Y.tolist(), strict=True)])
    assert np.isfinite(expected).all()
    return snapshot, X, Y, expected


def carried(snapshot):
    """The state that the graph starts from."""
    state = dict(zip("hc", snapshot.state[:, :, None], strict=False))
    memory = snapshot.memory._asdict().items()
    return state | {name: values[None] for name, values in memory if values is not None}


def test_the_graph_computes_the_formula(case, tmp_path):
    snapshot, X, Y, expected = case
    path = str(tmp_path / "model.onnx")
    onnx_file.write(snapshot, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    state = carried(snapshot)
    for x, y, right in zip(X, Y, expected, strict=True):
        told = {"y": y[None]} if snapshot.knows_targets else {}
        values = session.run(None, {"x": x[None], **told, **state})
        found = dict(zip(names, values, strict=True))
        state = {name: found[f"{name}_next"] for name in state}
        np.testing.assert_allclose(found[names[0]][0], right, rtol=1e-9, atol=1e-12)
    assert names[0] == ("prediction" if snapshot.decoding == "identity" else "probabilities")
    assert ("label_index" in names) == (snapshot.decoding in ("softmax", "logistic"))


def test_the_module_computes_the_formula(case):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra 'torch')")
    from streamrnn.travel.torch_module import RecurrentModule

    snapshot, X, Y, expected = case
    module = RecurrentModule(snapshot)
    x, y = torch.from_numpy(X), torch.from_numpy(Y) if snapshot.knows_targets else None
    with torch.no_grad():
        found, _ = module(x, module.carried_state(), y)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-9, atol=1e-12)
    if y is None:
        with pytest.raises(ValueError, match="looks at no targets, and y is given"):
            module(x, y=x)


def test_batches_go_on_from_where_they_were(case):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra 'torch')")
    from streamrnn.travel.torch_module import RecurrentModule

    snapshot, X, Y, expected = case
    module, found = RecurrentModule(snapshot), []
    state = module.carried_state(batch=2)
    for start in range(0, STEPS, 7):
        x, y = (torch.from_numpy(np.stack([A, A[::-1]])[:, start : start + 7]) for A in (X, Y))
        with torch.no_grad():
            part, state = module(x, state, y if snapshot.knows_targets else None)
        found.append(part[0].numpy())
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=1e-9, atol=1e-12)


def test_what_is_trained_has_a_gradient_and_raw_numbers_have_one(case):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed (extra 'torch')")
    from streamrnn.travel.torch_module import RecurrentModule

    snapshot, X, Y, _ = case
    module = RecurrentModule(snapshot)
    x = torch.from_numpy(X).requires_grad_()
    y = torch.from_numpy(Y) if snapshot.knows_targets else None
    z, _ = module.outputs(x, None, y)
    z.square().sum().backward()
    assert torch.isfinite(x.grad).all()
    trained = dict(module.named_parameters())
    assert {name.removeprefix("rnn.") for name in trained} == snapshot.weights.keys()
    for name, parameter in trained.items():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name
