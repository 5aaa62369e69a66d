"""ONNX Runtime, step by step with the state fed back, predicts what the model does."""

import pickle
import subprocess
import sys

import numpy as np
import onnx
import pytest
from estimator_helpers import SMALL
from travel_helpers import NAMES, PLAIN, Runtime, answer, frozen_steps, gappy, sample, taught

from streamrnn import RNNClassifier, RNNRegressor, cells

LABELS = ["low", 7, ("high", 1)]
STEPS = 1000


def largest_difference(model, path, X):
    """Over the steps, in standard deviations of the predictions."""
    model.to_onnx(path)
    runtime = Runtime(path)
    name = "probabilities" if isinstance(model, RNNClassifier) else "prediction"
    found = np.array([runtime.step(row)[name][0] for row in X])
    expected = frozen_steps(model, X)
    assert expected.shape == found.shape
    assert expected.std() > 0.01
    return np.abs(found - expected).max() / expected.std()


@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("cell", cells.registry())
def test_a_regressor_over_a_thousand_steps(cell, num_layers, tmp_path, rng):
    model = taught(RNNRegressor(**SMALL, cell=cell, num_layers=num_layers, lr=0.01), rng)
    difference = largest_difference(model, tmp_path / "model.onnx", gappy(rng, STEPS))
    assert difference < 1e-5


@pytest.mark.parametrize("num_layers", [1, 2])
def test_a_classifier_over_a_thousand_steps(num_layers, tmp_path, rng):
    """Of one cell: what comes above it does not know which it is."""
    model = RNNClassifier(**SMALL, num_layers=num_layers, lr=0.01)
    model = taught(model, rng, LABELS)
    difference = largest_difference(model, tmp_path / "model.onnx", gappy(rng, STEPS))
    assert difference < 1e-5


def test_two_labels_on_one_output(tmp_path, rng):
    model = taught(RNNClassifier(**SMALL, loss="logistic", lr=0.01), rng, [True, False])
    assert largest_difference(model, tmp_path / "model.onnx", gappy(rng, 100)) < 1e-5


def test_float64_is_equal_to_rounding(tmp_path, rng):
    model = taught(RNNRegressor(**SMALL, dtype="float64", lr=0.01), rng)
    assert largest_difference(model, tmp_path / "model.onnx", gappy(rng, STEPS)) < 1e-12


def test_without_scaling(tmp_path, rng):
    model = RNNRegressor(**SMALL, scale_inputs=False, scale_target=False)
    for row in rng.normal(size=(50, 3)):
        model.learn_one(sample(row), float(row.sum()))
    X = rng.normal(size=(50, 3))
    X[::5, 0], X[1, 1] = np.nan, 1e11  # beyond what is taken where nothing is scaled
    assert largest_difference(model, tmp_path / "model.onnx", X) < 1e-5


@pytest.mark.parametrize("robust", [{}, {"scale_clip": 2.0, "scale_memory": 20}])
def test_exported_while_it_learns(robust, tmp_path, rng):
    model, path = RNNRegressor(**SMALL, **robust, lr=0.01), str(tmp_path / "model.onnx")
    X = gappy(rng, 150)
    for t, row in enumerate(X):
        if t in (1, 2, 10, 100, 149):
            before = pickle.dumps(model)
            model.to_onnx(path)
            assert pickle.dumps(model) == before
            found = Runtime(path).step(row)["prediction"][0]
            np.testing.assert_allclose(found, answer(model, row), rtol=1e-6)
        model.predict_one(sample(row))
        model.learn_one(sample(row), float(np.nan_to_num(row[0], posinf=0.0) + 50.0))


def test_a_batch_is_as_many_streams(tmp_path, rng):
    model, path = taught(RNNRegressor(**SMALL, **PLAIN), rng), str(tmp_path / "model.onnx")
    model.to_onnx(path)
    runtime, X = Runtime(path), gappy(rng, 5)
    state = {name: np.repeat(value, 5, axis=1) for name, value in runtime.state.items()}
    together = runtime.session.run(["prediction"], {"x": X, **state})[0]
    for row, prediction in zip(X, together, strict=True):
        np.testing.assert_allclose(prediction, answer(model, row), rtol=1e-6)


def test_the_label_is_the_most_probable(tmp_path, rng):
    model, path = taught(RNNClassifier(**SMALL), rng, LABELS), str(tmp_path / "model.onnx")
    model.to_onnx(path)
    for row in gappy(rng, 20):
        index = Runtime(path).step(row)["label_index"][0]
        assert model.labels[index] == model.predict_one(sample(row))


def test_the_metadata_name_everything_and_keep_types(tmp_path):
    model, path = RNNClassifier(**SMALL), str(tmp_path / "model.onnx")
    labels = ["1", 2, True, 2.5, ("high", 1), np.int64(9), np.inf]
    for label in labels:
        model.learn_one({"a": 1.0, 3: 2.0, ("b", 1): 0.5}, label)
    model.to_onnx(path)
    metadata = Runtime(path).metadata
    assert [metadata["features"][i] for i in range(2)] == [3, "a"]
    assert metadata["features"][2] == ["b", 1]
    expected = ["1", 2, True, 2.5, ["high", 1], 9]
    expected.append({"type": "float", "repr": "inf"})
    assert metadata["labels"] == expected
    assert list(map(type, metadata["labels"])) == list(map(type, expected))
    assert metadata["model"]["task"] == "classification"
    state = np.array(metadata["state"]["h"], np.float32)[0, 0]
    assert (state == model._model.parts.state[0, : len(state)]).all()
    found = onnx.load(path)
    assert (found.producer_name, found.opset_import[0].version) == ("streamrnn", 13)


def test_a_file_is_there_as_a_whole_or_not_at_all(tmp_path, rng, monkeypatch):
    path = tmp_path / "model.onnx"
    path.write_bytes(b"old")
    with pytest.raises(ValueError, match="no input yet"):
        RNNRegressor(**SMALL, **PLAIN).to_onnx(path)
    model = taught(RNNRegressor(**SMALL), rng)
    with pytest.raises(FileNotFoundError):
        model.to_onnx(tmp_path / "nowhere" / "model.onnx")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        model.to_onnx(path)
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [
        ("model.onnx", b"old")
    ]
    monkeypatch.undo()
    model.to_onnx(path)
    first = path.read_bytes()
    model.to_onnx(path)
    assert path.read_bytes() == first, "the same model makes the same file"


def test_a_column_without_a_name_is_null(tmp_path):
    weights = RNNRegressor(**SMALL)
    weights.learn_one(dict.fromkeys(NAMES, 1.0), 1.0)
    model, path = RNNRegressor(**SMALL), str(tmp_path / "model.onnx")
    model.set_weights(weights.get_weights())
    model.learn_one({"b": 1.0}, 1.0)
    model.to_onnx(path)
    assert Runtime(path).metadata["features"] == ["b", None, None]


@pytest.mark.parametrize(("method", "package"), [("to_onnx", "onnx"), ("to_torch", "torch")])
def test_a_missing_package_is_named_with_its_extra(method, package, rng, monkeypatch, tmp_path):
    model = taught(RNNRegressor(**SMALL), rng)
    monkeypatch.setitem(sys.modules, package, None)
    arguments = [tmp_path / "model.onnx"] if method == "to_onnx" else []
    with pytest.raises(ImportError, match=rf"{method}\(\) needs .*'streamrnn\[{package}\]'"):
        getattr(model, method)(*arguments)


def test_neither_is_imported_unless_asked_for():
    code = """if True:
        import sys
        import numpy as np
        from streamrnn import RNNRegressor
        state = {"net.weight_ih_l0": np.ones((16, 3)), "net.weight_hh_l0": np.ones((16, 4))}
        state |= {"out.weight": np.ones((1, 4)), "out.bias": np.zeros(1)}
        model = RNNRegressor.from_torch(state, features=["a", "b", "c"])
        assert (model.cell, model.hidden_size, model.dtype) == ("lstm", 4, "float64")
        assert model.feature_names == ["a", "b", "c"]
        assert model.get_weights()["bias_hh_l0"].tolist() == [0.0] * 16
        print(sorted({"torch", "onnx"} & sys.modules.keys()))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"net.weight_ih_l0": None}, "weight_ih_l0 is missing"),
        ({"net.weight_hh_l0": np.ones((15, 4))}, r"\(15, 4\), which is no LSTM, GRU or RNN"),
        ({"other.weight_ih_l0": np.ones((16, 3))}, "one recurrent module is needed"),
        ({"out.weight": None}, "one nn.Linear is needed"),
        ({"norm.weight": np.ones(4)}, r"no place for \['norm.weight'\]"),
        ({"net.weight_ih_l0_reverse": np.ones((16, 3))}, "not bidirectional"),
        ({"net.weight_hh_l0": "text"}, "is no array of numbers: 'text'"),
        ({"net.weight_hh_l0": np.full((16, 4), np.nan)}, "not finite"),
        ({"net.weight_ih_l2": np.ones((16, 4))}, "weight_ih_l1 is missing"),
        (
            {"input_moments": np.ones((3, 2))},
            r"input_moments is \(3, 2\), the model needs \(3, 3\)",
        ),
        ({"input_moments": -np.ones((3, 3))}, "below 0"),
        ({"initial_state": np.full((2, 1, 4), np.inf)}, "initial_state has values that are not"),
    ],
)
def test_a_state_dict_that_does_not_fit_is_refused(change, message):
    state = {
        "net.weight_ih_l0": np.ones((16, 3)),
        "net.weight_hh_l0": np.ones((16, 4)),
        "out.weight": np.ones((1, 4)),
    }
    state = {name: value for name, value in {**state, **change}.items() if value is not None}
    with pytest.raises(ValueError, match=message):
        RNNRegressor.from_torch(state)


def test_what_is_no_module_is_refused():
    with pytest.raises(TypeError, match=r"a torch\.nn\.Module or its state_dict, got a list"):
        RNNRegressor.from_torch([1.0])
    with pytest.raises(TypeError, match="strings as names, got 1"):
        RNNRegressor.from_torch({1: np.ones((16, 3))})
