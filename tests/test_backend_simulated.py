"""Estimators and the command line with their blocks on a simulated device.

Kernels whose blocks run the CPU's engine give its bits, so that whatever is lost, done twice or
left behind on the way shows; the real kernels are compared within rounding.
"""

import math

import numpy as np
import pytest
from cli_helpers import replay
from device_helpers import use_plain_kernels

import streamrnn
from streamrnn import KeyedModel, RNNClassifier, RNNMultiTargetRegressor, RNNRegressor, storage
from streamrnn.backends import choosing
from streamrnn.backends.cuda import launching

pytestmark = pytest.mark.simulated

TINY = {"hidden_size": 2, "truncation": 2, "dtype": "float64"}
FEATURES = ["a", "b"]


@pytest.fixture
def same_bits(monkeypatch):
    use_plain_kernels(monkeypatch)


def block(n, n_keys=3, seed=0):
    draw = np.random.default_rng(seed)
    X = draw.normal(size=(n, 2))
    return [f"k{i}" for i in draw.integers(0, n_keys, n)], X, np.tanh(X[:, 0] - X[:, 1])


def twins(kind=RNNRegressor, backends=("cpu", "cuda"), **options):
    return [KeyedModel(kind(**TINY), key="k", backend=one, **options) for one in backends]


def play_both(models, n, seed, target=lambda y: y, **how):
    keys, X, y = block(n, seed=seed)
    here, there = (m.replay(keys, X, target(y), features=FEATURES, **how) for m in models)
    np.testing.assert_array_equal(here, there)


def test_blocks_and_single_samples_mixed_give_the_bits_of_the_cpu(same_bits):
    models = here, there = twins(max_keys=2)
    play_both(models, 8, 1)
    for model in models:
        model.learn_one({"k": "k1", "a": 1.0, "b": 0.5}, 0.3)
    play_both(models, 6, 2, learn=False)
    x = {"k": "k2", "a": -1.0}
    assert here.predict_one(x) == there.predict_one(x)
    assert here.extract("k0").to_bytes() == there.extract("k0").to_bytes()
    for model in models:
        model.forget("k0")
        model.learn_one({"k": "k1", "new": 1.0}, 0.3)  # room for all
    play_both(models, 8, 3)
    assert here.to_bytes() == there.to_bytes()
    there.backend = "cpu"
    play_both(models, 4, 4)
    assert here.to_bytes() == there.to_bytes()


def test_what_runs_a_model_is_no_part_of_its_memory(same_bits):
    models = here, there = twins()
    play_both(models, 6, 1)
    assert there._raw_memory_usage < here._raw_memory_usage + 5000
    _, X, y = block(6)
    here, there = RNNRegressor(**TINY), RNNRegressor(**TINY)
    here.replay(X, y, features=FEATURES)
    there.replay(X, y, features=FEATURES, backend="cuda")
    assert there._raw_memory_usage < here._raw_memory_usage + 5000


def labels(y):
    return np.array(["low", "middle", "high"], dtype=object)[np.digitize(y, [-0.4, 0.4])]


def test_labels_that_are_new_within_a_block(same_bits):
    models = twins(RNNClassifier)
    play_both(models, 8, 1, labels)
    play_both(models, 8, 2, lambda y: np.where(y > 0.5, "new", labels(y)))
    assert models[0].to_bytes() == models[1].to_bytes()


@pytest.mark.parametrize("kind", [RNNRegressor, RNNClassifier])
def test_one_model_gives_the_bits_of_the_cpu(same_bits, kind):
    _, X, y = block(10)
    y = labels(y) if kind is RNNClassifier else y
    here, there = kind(**TINY), kind(**TINY)
    for learn in (True, False, True):
        expected, got = (
            model.replay(X, y, features=FEATURES, learn=learn, backend=backend)
            for model, backend in ((here, "cpu"), (there, "cuda"))
        )
        np.testing.assert_array_equal(got, expected)
    assert here.to_bytes() == there.to_bytes()


def test_a_model_without_outputs_takes_its_steps(same_bits):
    """No target has come so far, so there is nothing to bring back but the state."""
    _, X, y = block(6)
    here, there = RNNMultiTargetRegressor(**TINY), RNNMultiTargetRegressor(**TINY)
    for model, backend in ((here, "cpu"), (there, "cuda")):
        told = model.replay(X, None, features=FEATURES, learn=False, backend=backend)
        assert told.shape == (6, 0)
        model.replay(X, {"y": y}, features=FEATURES, backend=backend)
    assert here.to_bytes() == there.to_bytes()


def test_what_was_learnt_on_a_device_is_in_the_file_and_goes_on_elsewhere(same_bits, tmp_path):
    here, there = twins()
    play_both((here, there), 10, 1)
    path = tmp_path / "model.safetensors"
    there.save(path)
    with storage.opened(path) as parcel:
        arrays = parcel.arrays()
    slots = list(there._population.roster.resident.values())
    for i, (slot, row) in enumerate(zip(slots, arrays["rows"][1:], strict=True)):
        fetched, statistics = there._bank.contents(slot)
        assert row.tobytes() == fetched.tobytes()
        assert arrays["rows.statistics"][1 + i].tobytes() == statistics.tobytes()
    loaded = streamrnn.load(path)
    assert loaded.backend == "cpu"
    assert loaded.to_bytes() == here.to_bytes()
    play_both((here, loaded), 6, 2)
    loaded.backend = "cuda"  # and back
    play_both((here, loaded), 6, 3)
    assert loaded.to_bytes() == here.to_bytes()


def test_what_auto_shares_out_gives_the_bits_of_the_cpu(same_bits, monkeypatch):
    ticks = iter(range(10_000))
    monkeypatch.setattr(choosing, "WORTHWHILE", 0.0)
    monkeypatch.setattr(choosing, "MARGIN", -1.0)  # no side is ever right: each time the other
    monkeypatch.setattr(choosing, "CHOOSER", choosing.Chooser(lambda: next(ticks)))
    models = twins(backends=("cpu", "auto"))
    for seed in range(7):
        play_both(models, 8, seed)
        _, X, y = block(3)
        for model in models:  # one narrow stream: on the CPU, while the others stay on the device
            model.replay(["k1"] * 3, X, y, features=FEATURES)
    assert models[1]._bank.backend == "cuda"
    assert models[1]._bank.driver.seconds > 0
    assert models[0].to_bytes() == models[1].to_bytes()


def test_after_a_failure_the_model_is_as_it_was_and_can_be_used(same_bits, monkeypatch):
    models = here, there = twins()
    play_both(models, 6, 1)
    assert here.to_bytes() == there.to_bytes()  # all was brought back
    keys, X, y = block(6, seed=2)
    with monkeypatch.context() as patch:

        def fail(*args):
            raise streamrnn.DeviceError("it fails")

        patch.setattr(launching.Launcher, "launch", fail)
        with pytest.raises(streamrnn.DeviceError, match=r"^it fails; .*models are as they were"):
            there.replay(keys, X, y, features=FEATURES)
        assert there.extract("k1").to_bytes() == here.extract("k1").to_bytes()
    play_both(models, 6, 3)


def test_the_command_writes_the_same_wherever_it_plays(same_bits, tmp_path):
    path = tmp_path / "stream.csv"
    rows = [f"{'abc'[t * t % 3]},{math.sin(t)},{t % 4}" for t in range(12)]
    path.write_text("\n".join(["k,x,y", *rows]))
    network = ("--target", "y", "--hidden-size", "2", "--truncation", "2", "--quiet")
    for which in (("--key", "k"), ("--drop", "k")):
        written = []
        for backend in ("cpu", "cuda"):
            out = tmp_path / f"{backend}.csv"
            result = replay(path, *network, *which, "--backend", backend, "--predictions", out)
            assert result.exit_code == 0, result.output
            written.append(out.read_bytes())
        assert written[0] == written[1]


def test_the_real_kernels_learn_what_the_cpu_learns():
    keys, X, y = block(8)
    here, there = twins()
    np.testing.assert_allclose(
        there.replay(keys, X, y, features=FEATURES),
        here.replay(keys, X, y, features=FEATURES),
        rtol=1e-9,
        atol=1e-12,
    )
    loaded = streamrnn.from_bytes(there.to_bytes())
    for key in here:
        got, expected = (model.extract(key).get_weights() for model in (loaded, here))
        for name, values in expected.items():
            np.testing.assert_allclose(got[name], values, rtol=1e-9, atol=1e-12)
