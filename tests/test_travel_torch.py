"""To PyTorch and back: the same predictions, the same bits, and clear words for the rest."""

import copy
import io
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from estimator_helpers import SMALL
from travel_helpers import NAMES, PLAIN, answer, frozen_steps, gappy, sample, taught

from streamrnn import RNNClassifier, RNNRegressor, cells
from streamrnn.losses import Huber

torch = pytest.importorskip(
    "torch", reason="PyTorch is not installed: travelling to it is not tested (extra 'torch')"
)
nn = torch.nn

LABELS = ["low", 7, ("high", 1)]


@pytest.fixture(autouse=True)
def one_thread():
    """Threads of torch only get in each other's way on matrices as small as these."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def predict(module, X, state):
    with torch.no_grad():
        return module(torch.from_numpy(X), state)[0].numpy()


# --- there


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", cells.registry())
def test_the_module_predicts_what_predict_one_does(cell, num_layers, rng):
    model = taught(RNNRegressor(**SMALL, cell=cell, num_layers=num_layers, lr=0.01), rng)
    module, X = model.to_torch(), gappy(rng, 200)
    expected = frozen_steps(model, X)
    assert expected.std() > 0.5
    np.testing.assert_allclose(predict(module, X, module.carried_state()), expected, atol=1e-4)
    batch = predict(module, np.stack([X[:50], X[50:100]]), module.carried_state(batch=2))
    np.testing.assert_allclose(batch[0], expected[:50], atol=1e-4)
    assert np.abs(batch[1] - expected[50:100]).max() > 1e-3, "that one starts elsewhere"


@pytest.mark.parametrize(
    ("loss", "labels"), [("cross_entropy", LABELS), ("logistic", [False, True])]
)
def test_a_classifiers_module_gives_probabilities(loss, labels, rng):
    model = taught(RNNClassifier(**SMALL, loss=loss, lr=0.01), rng, labels)
    module, X = model.to_torch(), gappy(rng, 100)
    assert module.labels == model.labels
    assert module.feature_names == NAMES
    expected = frozen_steps(model, X)
    found = predict(module, X, module.carried_state())
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, rtol=1e-12)


def test_unscaled_float64_is_equal_to_rounding(rng):
    arguments = {"dtype": "float64", "scale_inputs": False, "scale_target": False}
    arguments["scale_clip"] = None
    model = RNNRegressor(**SMALL, **PLAIN, **arguments)
    for row in rng.normal(size=(30, 3)):
        model.learn_one(sample(row), float(row.sum()))
    module, X = model.to_torch(), rng.normal(size=(50, 3))
    X[::7, 1], X[3, 0] = np.nan, 1e11  # beyond what is taken where nothing is scaled
    assert dict(module.named_buffers()).keys() == {"initial_state"}
    expected = frozen_steps(model, X)
    np.testing.assert_allclose(predict(module, X, module.carried_state()), expected, atol=1e-12)


def test_gradients_reach_raw_inputs_though_a_feature_is_constant():
    model = RNNRegressor(**SMALL)
    for t in range(10):
        model.learn_one({"a": float(t), "b": 1.0, "c": 0.0}, t)
    x = torch.tensor([[4.0, 1.0, float("nan")]], dtype=torch.float64, requires_grad=True)
    model.to_torch()(x)[0].sum().backward()
    assert torch.isfinite(x.grad).all()


def test_a_clipped_module_sees_spikes_as_the_estimator_does(rng):
    robust = {"scale_clip": 2.0, "scale_memory": 50}
    model = taught(RNNRegressor(**SMALL, **robust, lr=0.01, dtype="float64"), rng)
    module, X = model.to_torch(), gappy(rng, 100)
    X[::7, 0], X[::9, 2] = -9999.0, 1e9
    assert module.scaled(torch.from_numpy(X)).abs().max() == pytest.approx(2.0, rel=0.1)
    expected = frozen_steps(model, X)
    np.testing.assert_allclose(predict(module, X, module.carried_state()), expected, rtol=1e-9)
    back = RNNRegressor.from_torch(module, scale_memory=50)
    assert (back.scale_clip, back.scale_memory) == (2.0, 50)
    np.testing.assert_allclose(frozen_steps(back, X[:5]), expected[:5], rtol=1e-9)
    state_dict = {**module.state_dict(), "scale_clip": np.ones(2)}
    with pytest.raises(ValueError, match=r"scale_clip is \(2,\), it must be one number"):
        RNNRegressor.from_torch(state_dict)


def test_a_module_is_saved_and_copied_whole(rng):
    model = taught(RNNRegressor(**SMALL), rng)
    module, X = model.to_torch(), gappy(rng, 20)
    expected = predict(module, X, module.carried_state())
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    for other in (torch.load(file, weights_only=False), copy.deepcopy(module)):
        assert (predict(other, X, other.carried_state()) == expected).all()
        assert other.feature_names == NAMES


def test_what_has_no_form_in_pytorch_is_refused(rng, monkeypatch):
    with pytest.raises(ValueError, match="no input yet"):
        RNNRegressor(**SMALL, **PLAIN).to_torch()
    model = RNNClassifier(**SMALL)
    model.learn_one({"a": 1.0}, None)
    with pytest.raises(ValueError, match=r"has seen \[\] as targets only"):
        model.to_torch()
    model = taught(RNNRegressor(**SMALL), rng)
    monkeypatch.setitem(model._model.blueprint.__dict__, "plugins", foreign(model, "cell"))
    with pytest.raises(ValueError, match="cannot travel; gru, lstm, rnn, rnn_relu can"):
        model.to_torch()
    monkeypatch.setitem(model._model.blueprint.__dict__, "plugins", foreign(model, "head"))
    with pytest.raises(ValueError, match="cannot travel; linear, linear_skip, rls can"):
        model.to_torch()


def foreign(model, part):
    """The model's plug-ins with one of another type under the same name."""
    plugins = model._model.blueprint.plugins
    kind = type(getattr(plugins, part))
    original = {"cell": cells.LSTM(), "head": type(plugins.head)()}
    return plugins._replace(**{**original, part: type("Foreign", (kind,), {})()})


# --- and back


@pytest.mark.parametrize("cell", cells.registry())
def test_there_and_back_is_the_same_model(cell, rng):
    model = taught(RNNRegressor(**SMALL, cell=cell, num_layers=2, lr=0.01), rng)
    back = RNNRegressor.from_torch(model.to_torch(), truncation=5)
    assert back.cell == cell
    assert (back.hidden_size, back.num_layers) == (6, 2)
    assert back.feature_names == NAMES
    weights = back.get_weights()
    assert all((weights[name] == array).all() for name, array in model.get_weights().items())
    X = gappy(rng, 50)
    assert (frozen_steps(back, X) == frozen_steps(model, X)).all()
    back.learn_one({"a": 1.0, "new": 3.0}, 40.0)


@pytest.mark.parametrize(
    ("loss", "labels"), [("cross_entropy", LABELS), ("logistic", [False, True])]
)
def test_a_classifier_comes_back_with_its_labels(loss, labels, rng):
    model = taught(RNNClassifier(**SMALL, loss=loss), rng, labels)
    back = RNNClassifier.from_torch(model.to_torch())
    assert back.labels == model.labels
    row = gappy(rng, 1)[0]
    assert (answer(back, row) == answer(model, row)).all()
    with pytest.raises(ValueError, match=r"RNNRegressor with loss='\w+' by identity"):
        RNNRegressor.from_torch(model.to_torch())
    with pytest.raises(ValueError, match="no scale_target"):
        RNNClassifier.from_torch(model.to_torch(), target_mean=0.0, target_scale=1.0)


def test_our_module_inside_another_and_as_a_state_dict(rng):
    model = taught(RNNRegressor(**SMALL), rng)
    module = model.to_torch()
    state = nn.ModuleDict({"model": module}).state_dict()
    row = gappy(rng, 1)[0]
    for given in (nn.ModuleDict({"model": module}), state):
        back = RNNRegressor.from_torch(given, features=NAMES)
        assert answer(back, row) == answer(model, row)
    with pytest.raises(ValueError, match=r"no place for the parameters \['more.weight'"):
        RNNRegressor.from_torch(nn.ModuleDict({"model": module, "more": nn.Linear(1, 1)}))
    wide = RNNRegressor.from_torch(module.double())
    assert wide.dtype == "float64"
    assert answer(wide, row) == pytest.approx(answer(model, row), abs=1e-4)


def test_columns_without_names_travel(rng):
    module = nn.ModuleDict({"net": nn.GRU(3, 6), "out": nn.Linear(6, 1)})
    model = RNNRegressor.from_torch(module)
    model.learn_one({"b": 1.0}, 1.0)
    back = RNNRegressor.from_torch(model.to_torch())
    assert back.feature_names == ["b"]
    x = {"b": 2.0, "c": 1.0}
    assert back.predict_one(x) == model.predict_one(x)


# --- from elsewhere


class Offline(nn.Module):
    """What a PyTorch user has: own names, dropout, a loss kept for training."""

    def __init__(self, kind, n_outputs=1, **more):
        super().__init__()
        self.encoder = kind(3, 8, batch_first=True, **more)
        self.dropout = nn.Dropout(0.1)
        self.readout = nn.Linear(8, n_outputs)
        self.criterion = nn.MSELoss()

    def forward(self, x):
        return self.readout(self.dropout(self.encoder(x)[0]))


CASES = [
    (nn.LSTM, {}, "lstm"),
    (nn.GRU, {"num_layers": 2, "dropout": 0.2}, "gru"),
    (nn.RNN, {}, "rnn"),
    (nn.RNN, {"nonlinearity": "relu"}, "rnn_relu"),
    (nn.LSTM, {"bias": False}, "lstm"),
]


#: How a model learns does not matter to what came; this much other files compile for every cell.
COMPILED = {"loss": "squared", "optimizer": "sgd", "dtype": "float64"}


@pytest.mark.parametrize(("kind", "more", "cell"), CASES)
def test_a_users_module_predicts_the_same(kind, more, cell, rng):
    module = Offline(kind, **more).eval()
    X = rng.normal(size=(40, 3))
    with torch.no_grad():
        expected = module(torch.from_numpy(X).float()[None])[0].numpy()
    arrays = {name: value.numpy() for name, value in module.state_dict().items()}
    for given, asked in ((module, None), (module.state_dict(), cell), (arrays, cell)):
        model = RNNRegressor.from_torch(given, features=NAMES, cell=asked, **COMPILED)
        assert (model.cell, model.scale_inputs, model.scale_target) == (cell, False, False)
        np.testing.assert_allclose(frozen_steps(model, X), expected, atol=2e-6)


def test_a_users_classifier(rng):
    module = Offline(nn.LSTM, n_outputs=3).eval()
    with pytest.raises(ValueError, match="give labels="):
        RNNClassifier.from_torch(module)
    model = RNNClassifier.from_torch(module, features=NAMES, labels=LABELS)
    X = rng.normal(size=(20, 3))
    with torch.no_grad():
        expected = module(torch.from_numpy(X).float()[None])[0].softmax(-1).numpy()
    np.testing.assert_allclose(frozen_steps(model, X), expected, atol=1e-6)


def test_trained_offline_on_standardised_data_then_online(rng):
    torch.manual_seed(0)
    X = rng.normal(size=(1500, 3)) * [1.0, 20.0, 1e3] + [0.0, 5.0, 1e4]
    z = (X - X[:500].mean(axis=0)) / X[:500].std(axis=0)
    y = 50.0 + 7.0 * np.convolve(z[:, 0] + 0.5 * z[:, 1], [0.6, 0.4])[:1500]
    mean, scale = y[:500].mean(), y[:500].std()
    module = Offline(nn.GRU).double()
    inputs = torch.from_numpy(z[:500])[None]
    targets = torch.from_numpy((y[:500] - mean) / scale)[None, :, None]
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        module.criterion(module(inputs), targets).backward()
        optimizer.step()
    module.eval()
    with torch.no_grad():
        expected = module(torch.from_numpy(z))[:, 0].numpy() * scale + mean

    moments = {
        "input_mean": X[:500].mean(axis=0),
        "input_scale": X[:500].std(axis=0),
        "target_mean": mean,
        "target_scale": scale,
    }
    model = RNNRegressor.from_torch(module, features=NAMES, **moments)
    assert model.dtype == "float64"
    assert model.scale_inputs
    assert model.scale_target
    np.testing.assert_allclose(frozen_steps(model, X[:200])[:, 0], expected[:200], atol=1e-9)

    # The stream behaves otherwise than what was learnt offline: online learning follows.
    model.reset_state()
    y[500:] = 100.0 - y[500:]
    online = model.replay(X, y, features=NAMES)
    error = np.abs(online - y)
    assert error[1000:].mean() < 0.3 * np.abs(expected - y)[1000:].mean()
    assert np.abs(error[:100]).mean() < 0.5 * np.std(y), "it knows something from the start"


def test_moments_go_on_with_the_stream_from_as_many_samples_as_they_are_from(rng):
    module = Offline(nn.LSTM)
    moments = {"input_mean": [1.0, 2.0, 3.0], "input_scale": 2.0, "n_samples_seen": 50}
    model = RNNRegressor.from_torch(module, features=NAMES, **moments)
    back = model.to_torch()
    before = back.input_moments[:, 0]
    assert before.tolist() == [50.0, 1.0, 200.0]
    model.learn_one({"a": 52.0}, 0.0)
    after = model.to_torch().input_moments[:, 0]
    assert after[:2].tolist() == [51.0, 2.0]


@pytest.mark.parametrize(
    ("given", "arguments", "message"),
    [
        (Offline(nn.LSTM, bidirectional=True), {}, "not bidirectional"),
        (Offline(nn.LSTM, proj_size=4), {}, r"projections \(proj_size\)"),
        (nn.Linear(3, 1), {}, "one nn.LSTM, nn.GRU or nn.RNN, it holds 0"),
        (nn.Sequential(nn.GRU(3, 4), nn.GRU(4, 4)), {}, r"it holds 2: \['0', '1'\]"),
        (nn.Sequential(nn.GRU(3, 4)), {}, "one nn.Linear, it holds 0"),
        (nn.Sequential(nn.GRU(3, 4), nn.Linear(4, 4), nn.Linear(4, 1)), {}, "it holds 2"),
        (nn.Sequential(nn.GRU(3, 4), nn.LayerNorm(4), nn.Linear(4, 1)), {}, r"no place.*1\.weight"),
        (nn.Sequential(nn.GRU(3, 4), nn.ReLU(), nn.Linear(4, 1)), {}, "'1' is a ReLU"),
        (Offline(nn.GRU), {"cell": "lstm"}, "the module has a 'gru'"),
        (Offline(nn.GRU), {"hidden_size": 9}, "hidden_size=9, but the module has 8"),
        (Offline(nn.GRU), {"features": ["a", "b"]}, "features has 2 names"),
        (Offline(nn.GRU), {"input_mean": 1.0}, "input_mean and input_scale go together"),
        (Offline(nn.GRU), {"input_mean": 1.0, "input_scale": 0.0}, "a scale above 0"),
        (Offline(nn.GRU), {"input_mean": [1.0, 2.0], "input_scale": 1.0}, "has 3 inputs"),
        (
            Offline(nn.GRU),
            {"input_mean": 0.0, "input_scale": 1.0, "scale_inputs": False},
            "scale_inputs=False, but there are moments",
        ),
        (Offline(nn.GRU), {"n_samples_seen": 9}, "n_samples_seen=9 without input_mean"),
        (Offline(nn.GRU), {"labels": ["y"]}, r"has no name, got \['y'\]"),
        (Offline(nn.RNN).state_dict(), {}, "give cell='rnn' or 'rnn_relu'"),
        (Offline(nn.GRU, n_outputs=2), {}, r"'head.weight'\] is \(2, 8\), the model needs"),
    ],
)
def test_what_does_not_fit_is_refused(given, arguments, message):
    with pytest.raises(ValueError, match=message):
        RNNRegressor.from_torch(given, **arguments)


def test_what_is_of_the_wrong_type_is_refused():
    with pytest.raises(TypeError, match="got the class LSTM: give an object of it"):
        RNNRegressor.from_torch(torch.nn.LSTM)
    net = torch.nn.ModuleList([torch.nn.LSTM(2, 3), torch.nn.Linear(3, 1)])
    scales = {"input_mean": {"a": 1.0, "b": 2.0}, "input_scale": 1.0}
    with pytest.raises(TypeError, match="input_mean must be a number or 2 of them, got a dict"):
        RNNRegressor.from_torch(net, **scales)


def test_other_losses_of_a_regression_travel(rng):
    model = taught(RNNRegressor(**SMALL, loss=Huber(delta=0.5)), rng)
    row = gappy(rng, 1)[0]
    module = model.to_torch()
    back = RNNRegressor.from_torch(module, loss=Huber(delta=0.5))
    assert answer(back, row) == answer(model, row)
    assert pickle.loads(pickle.dumps(back)).predict_one(sample(row)) == answer(model, row)


def test_the_examples_of_the_documentation_run(tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    text = (Path(__file__).parent.parent / "docs" / "travel.md").read_text()
    examples = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(examples) == 6
    monkeypatch.chdir(tmp_path)
    names = {}
    for example in examples:
        exec(example, names)
    model, found = names["model"], names["predictions"]
    expected = model.predict_one({"load": 308.0, "temperature": 15.0})
    assert found[0].item() == pytest.approx(expected, rel=1e-6)
    assert names["prediction"].item() == pytest.approx(expected, rel=1e-6)
    prices = names["prices"][:, 0].tolist()
    assert prices == pytest.approx([101.0, 102.0, 101.0], abs=0.1)
    assert names["found"]["prediction"].item() == pytest.approx(prices[-1], rel=1e-6)
    assert names["features"] == ["load", "temperature"]
