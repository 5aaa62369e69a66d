"""Banks and fleets: threads change nothing, the GIL is free, memory is what was promised."""

import os
import pickle
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from engine_helpers import blueprint
from estimator_helpers import PLAIN, SMALL, member_of, model_bytes, plain

from streamrnn import KeyedModel, RNNClassifier, RNNRegressor
from streamrnn.bank import Bank
from streamrnn.cutting import pieces_of, tasks_of
from streamrnn.fleet import Fleet
from streamrnn.heads.protocol import learn, read, send_back
from streamrnn.layout import common_size, own_size
from streamrnn.parallel import Crew
from streamrnn.running import SAMPLES_A_CALL
from streamrnn.statistics import statistics_size

NAMES = ["a", "b"]


def block(rng, n_keys, n_rows):
    keys = rng.integers(0, n_keys, n_rows).tolist()
    X = rng.normal(size=(n_rows, 2))
    return keys, X, X[:, 0] * X[:, 1]


@pytest.mark.parametrize("weights", ["own", "shared"])
def test_the_result_does_not_depend_on_the_threads(weights, rng, monkeypatch):
    monkeypatch.setattr("streamrnn.bank._WORK_FOR_THREADS", 0)
    keys, X, y = block(rng, 40, 3000)
    answers = []
    for n_threads in (1, 2, 5):
        estimator = member_of(weights, RNNRegressor, **SMALL)
        model = KeyedModel(estimator, "id", weights=weights, n_threads=n_threads)
        predictions = model.replay(keys, X, y, features=NAMES)
        answers.append((predictions.tobytes(), *(model_bytes(model.extract(k)) for k in range(40))))
    assert answers[0] == answers[1] == answers[2]


@pytest.mark.parametrize(("n_models", "has_helpers"), [(1, True), (2, False)])
def test_a_wide_model_that_is_alone_has_its_helpers(monkeypatch, n_models, has_helpers):
    """Of several models each has a thread; one alone would leave the others idle."""
    monkeypatch.setenv("STREAMRNN_NUM_THREADS", "2")
    monkeypatch.setattr("streamrnn.bank._WORK_FOR_THREADS", 0)
    monkeypatch.setattr("streamrnn.backends.cpu.run_for", lambda *_: "without helpers")
    bank, used = Bank(blueprint(hidden_size=256, truncation=2)), []
    bank.grow(1, 1)
    monkeypatch.setattr(bank, "_run_piece", lambda run, *_: used.append(run))
    slots, bounds = np.array([bank.take() for _ in range(n_models)]), np.arange(n_models + 1) * 3
    X, Y = np.zeros((bounds[-1], 1)), np.ones((bounds[-1], 2))
    bank.run_groups(slots, bounds, X, Y, np.empty((bounds[-1], 1)), 2)
    assert used
    assert all((run is bank._compiled) == has_helpers for run in used)


@pytest.mark.parametrize(
    "rows", [[1], [1, 2, 3], [5, 20000, 1, 1, 7], [SAMPLES_A_CALL + 1], [3] * 99]
)
@pytest.mark.parametrize("n", [1, 8, 1000])
def test_work_is_cut_without_gaps(rows, n):
    bounds = np.cumsum([0, *rows])
    done = []
    for task in tasks_of(bounds, n, SAMPLES_A_CALL):
        for piece in pieces_of(bounds[task.start : task.stop + 1], SAMPLES_A_CALL):
            assert len(piece) == 2 or len(piece) == task.stop - task.start + 1
            assert piece[-1] - piece[0] <= SAMPLES_A_CALL
            done += range(piece[0], piece[-1])
    assert done == list(range(sum(rows)))


def test_a_long_block_of_one_key_is_replay(rng):
    keys, X, y = block(rng, 1, SAMPLES_A_CALL + 100)
    model = KeyedModel(RNNRegressor(hidden_size=2, truncation=2), "id")
    single = RNNRegressor(hidden_size=2, truncation=2)
    predictions = model.replay(keys, X, y, features=NAMES)
    assert predictions.tobytes() == single.replay(X, y, features=NAMES).tobytes()
    assert model_bytes(model.extract(0)) == model_bytes(single)


# --- shared weights


def gradients(model, x, y):
    """Return a stream's gradient of its next sample, without moving anything."""
    probe = pickle.loads(pickle.dumps(model))
    probe.learn_one(x, y)
    return probe._gradients()


EXACT = {
    **PLAIN[RNNRegressor],
    "optimizer": "sgd",
    "lr": 0.25,
    "clip_norm": None,
    "dtype": "float64",
    "init": "torch",
    "hidden_size": 3,
    "truncation": 4,
}


def test_an_update_of_shared_weights_is_by_the_mean_gradient(rng):
    """Three streams, each beside an estimator of its own with the common weights."""
    keys = ["a", "b", "c"]
    fleet = KeyedModel(RNNRegressor(**EXACT), "id", weights="shared")
    for _ in range(6):
        X, y = rng.normal(size=(3, 2)), rng.normal(size=3)
        present = [key in fleet for key in keys]
        singles = [fleet.extract(k) if k in fleet else RNNRegressor(**EXACT) for k in keys]
        samples = [dict(zip(NAMES, x, strict=True)) for x in X.tolist()]
        expected = [single.predict_one(x) for single, x in zip(singles, samples, strict=True)]
        mean = [gradients(s, x, v) for s, x, v in zip(singles, samples, y, strict=True)]
        predicted = fleet.replay(keys, X, y, features=NAMES)
        if not all(present):
            continue
        np.testing.assert_allclose(predicted, expected, rtol=1e-12)
        before, after = singles[0].get_weights(), fleet.extract("a").get_weights()
        for name, weight in before.items():
            step = 0.25 * np.mean([gradient[name] for gradient in mean], axis=0)
            np.testing.assert_allclose(after[name], weight - step, rtol=1e-10, atol=1e-14)


def test_a_fleet_of_one_stream_is_an_estimator(rng):
    _, X, y = block(rng, 1, 300)
    fleet = KeyedModel(plain(RNNRegressor, **SMALL), "id", weights="shared")
    single = plain(RNNRegressor, **SMALL)
    predictions = fleet.replay(["only"] * 300, X, y, features=NAMES)
    assert predictions.tobytes() == single.replay(X, y, features=NAMES).tobytes()
    assert model_bytes(fleet.extract("only")) == model_bytes(single)
    for x, v in zip(X.tolist(), y.tolist(), strict=True):
        fleet.learn_one({"id": "only", "a": x[0], "b": x[1]}, v)
        single.learn_one({"a": x[0], "b": x[1]}, v)
    assert model_bytes(fleet.extract("only")) == model_bytes(single)


def test_streams_of_a_fleet_teach_each_other(rng):
    """Fifty short streams of one law: together they learn what one alone has no time for."""
    n, T = 50, 40
    X = rng.normal(size=(n * T, 1))
    y = np.concatenate([np.convolve(x, [1.0, -0.8])[:T] for x in X[:, 0].reshape(n, T)])
    keys = np.repeat(np.arange(n), T).tolist()
    errors = {}
    for weights in ("own", "shared"):
        model = KeyedModel(plain(RNNRegressor, lr=0.02, **SMALL), "id", weights=weights)
        out = model.replay(keys, X, y, features=["a"])
        errors[weights] = np.mean((out - y).reshape(n, T)[:, T // 2 :] ** 2)
    assert errors["shared"] < 0.5 * errors["own"]


def test_scaling_is_each_streams_own():
    fleet = KeyedModel(plain(RNNRegressor, **SMALL), "id", weights="shared")
    for t in range(200):
        for key, scale in (("small", 1.0), ("large", 1e6)):
            fleet.learn_one({"id": key, "a": scale * (t % 3)}, scale * (t % 3))
    assert fleet.predict_one({"id": "small", "a": 2.0}) == pytest.approx(2.0, abs=0.5)
    assert fleet.predict_one({"id": "large", "a": 2e6}) == pytest.approx(2e6, abs=5e5)


def test_one_bad_stream_does_not_stop_a_fleet(rng):
    keys, X, y = block(rng, 4, 400)
    y = np.where(np.array(keys) == 3, 1e99, y)
    estimator = plain(RNNRegressor, **SMALL, scale_target=False)
    fleet = KeyedModel(estimator, "id", weights="shared")
    assert np.isfinite(fleet.replay(keys, X, y, features=NAMES)).all()
    assert fleet.extract(0).counters["updates"] > 80


def test_labels_and_features_come_late_to_a_fleet():
    fleet = KeyedModel(RNNClassifier(**SMALL), "id", weights="shared", max_keys=2)
    for t in range(300):
        x = {"id": t % 5, "a": float(t % 2)} | ({"late": 1.0} if t > 100 else {})
        fleet.learn_one(x, "odd" if t % 2 else "even" if t < 200 else 0)
    assert fleet.predict_one({"id": 3, "a": 1.0, "late": 1.0}) == "odd"
    assert fleet.predict_one({"id": 2, "a": 0.0, "late": 1.0}) == 0


def test_a_head_with_a_memory_is_not_shared():
    from test_head_plugin import Skip

    assert {read, send_back, learn}  # the plug-in registers with these
    for head in (Skip, "rls"):
        with pytest.raises(ValueError, match=r"^head='(skip|rls)' .*; use head='linear_skip'$"):
            KeyedModel(RNNRegressor(head=head), "id", weights="shared")


# --- the GIL, and memory


@pytest.mark.parametrize("weights", ["own", "shared"])
def test_other_threads_run_during_a_block(weights, rng):
    """Another thread counts on while a block is learnt in one thread."""
    keys, X, y = block(rng, 64, 6400)
    model = KeyedModel(member_of(weights, RNNRegressor), "id", weights=weights, n_threads=1)
    model.replay(keys[:64], X[:64], y[:64], features=NAMES)  # compiles
    longest, done = 0.0, threading.Event()

    def watch():
        nonlocal longest
        last = time.perf_counter()
        while not done.is_set():
            time.sleep(0.0005)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    watcher = threading.Thread(target=watch)
    watcher.start()
    started = time.perf_counter()
    model.replay(keys, X, y, features=NAMES)
    took = time.perf_counter() - started
    done.set()
    watcher.join()
    assert longest < took / 2, (longest, took)


def test_a_single_models_block_frees_the_gil(rng):
    model = RNNRegressor()
    _, X, y = block(rng, 1, 6000)
    model.replay(X[:10], y[:10], features=NAMES)
    counted = 0

    def learn():
        model.replay(X, y, features=NAMES)

    learner = threading.Thread(target=learn)
    learner.start()
    while learner.is_alive():
        counted += 1
        time.sleep(0.0005)
    assert counted > 5


def test_an_error_in_one_task_stops_the_others():
    begun = []

    def work(task, stop):
        begun.append(task)
        if task == 1:
            raise ZeroDivisionError
        stop.wait(5)

    started = time.perf_counter()
    with pytest.raises(ZeroDivisionError), Crew(2) as crew:
        crew.do(work, range(1, 20))
    assert time.perf_counter() - started < 4
    assert len(begun) < 19


def bytes_of_a_key(kind, n_inputs, **arguments):
    sizes = RNNRegressor(**arguments)._model.blueprint.sized(n_inputs, 1)
    own = own_size(sizes) + (common_size(sizes) if kind is Bank else 0)
    return own * 4 + statistics_size(sizes) * 8


def test_the_memory_of_a_key():
    assert bytes_of_a_key(Bank, 8) <= 150e3
    assert bytes_of_a_key(Bank, 8, hidden_size=8) * 1e5 <= 3.5e9
    network = PLAIN[RNNRegressor]
    assert bytes_of_a_key(Bank, 8, hidden_size=8, **network) * 1e5 <= 2e9
    assert bytes_of_a_key(Fleet, 8, **network) < 0.4 * bytes_of_a_key(Bank, 8, **network)


def test_pages_are_paid_for_as_they_fill():
    """Memory that the process holds for 2 000 keys, beside what the layout says."""
    script = (
        "import resource\n"
        "from streamrnn import KeyedModel, RNNRegressor\n"
        "def held():\n"
        "    pages = int(open('/proc/self/statm').read().split()[1])\n"
        "    return pages * resource.getpagesize()\n"
        "model = KeyedModel(RNNRegressor(hidden_size=8), 'id')\n"
        "x = {f'x{i}': 1.0 for i in range(8)}\n"
        "model.learn_one({'id': 0, **x}, 1.0)\n"
        "before = held()\n"
        "for i in range(2000):\n"
        "    model.learn_one({'id': i, **x}, 1.0)\n"
        "print((held() - before) / 2000)\n"
    )
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("no /proc to read the process's memory from")
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert float(out.stdout) < 1.15 * bytes_of_a_key(Bank, 8, hidden_size=8) + 500
