"""Several threads at one sample of a wide model: the same bits, and nothing left behind."""

import copy
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import numpy as np
import pytest
from estimator_helpers import PLAIN

from streamrnn import RNNRegressor
from streamrnn.backends import helpers
from streamrnn.parallel import available_cores

FEATURES = ["a", "b", "c"]
ROWS = 60

CONFIGURATIONS = [
    {"cell": "lstm", "clip_norm": 0.5, "l2": 1e-3},
    {
        **PLAIN[RNNRegressor],
        "cell": "gru",
        "optimizer": "nesterov",
        "num_layers": 2,
        "activations": "recomputed",
    },
    {
        "cell": "rnn",
        "optimizer": "rmsprop",
        "num_layers": 2,
        "dtype": "float64",
        "l1": 1e-4,
        "weight_decay": 0.1,
        "update_every": 3,
        "loss_window": 3,
    },
    {**PLAIN[RNNRegressor], "cell": "rnn", "optimizer": "intentional", "clip_value": 0.01},
]


def _stream(seed=0):
    X = np.random.default_rng(seed).normal(size=(ROWS, len(FEATURES)))
    return X, np.tanh(X[:, 0] + np.roll(X[:, 1], 1))


@pytest.fixture
def model(monkeypatch):
    """Make a function that makes models of so many threads."""

    def make(threads, **options):
        monkeypatch.setenv(helpers.THREADS_VARIABLE, str(threads))
        model = RNNRegressor(**{"hidden_size": 384, "truncation": 6, "seed": 1, **options})
        X, y = _stream()
        model.replay(X[:1], y[:1], features=FEATURES)  # it reads the variable when it grows
        assert model._model._n_threads == threads
        return model

    return make


def _replayed(model):
    predictions = model.replay(*_stream(), features=FEATURES)
    return np.array(predictions), model._model.arena, model._model.statistics


def _assert_equal(some, others):
    for one, other in zip(some, others, strict=True):
        np.testing.assert_array_equal(one, other)


def _helper_threads():
    return [one for one in threading.enumerate() if one.name.startswith("streamrnn-helper")]


def _wait_until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("options", CONFIGURATIONS, ids=str)
def test_bits_do_not_depend_on_the_number_of_threads(model, options):
    alone = _replayed(model(1, **options))
    for threads in (2, 3):  # more than there are cores, perhaps
        _assert_equal(alone, _replayed(model(threads, **options)))


def test_one_by_one_gives_the_bits_of_a_block(model):
    block, looped = model(2), model(2)
    X, y = _stream()
    predictions = []
    for row, target in zip(X.tolist(), y.tolist(), strict=True):
        x = dict(zip(FEATURES, row, strict=True))
        predictions.append(looped.predict_one(x))
        looped.learn_one(x, target)
    expected = _replayed(block)
    _assert_equal(expected, (predictions, looped._model.arena, looped._model.statistics))


def test_helpers_help(model):
    """Not that they are fast, but that they come and work at all."""
    if available_cores() < 2 or not hasattr(time, "pthread_getcpuclockid"):
        pytest.skip("needs two cores, and the clocks of threads")
    two = model(2)

    def spent():
        total = 0.0
        for one in _helper_threads():
            # Those of models that are gone may end at any time.
            with suppress(ProcessLookupError):
                total += time.clock_gettime(time.pthread_getcpuclockid(one.ident))
        return total

    before = spent()
    end = time.monotonic() + 90  # on a busy machine they are often left asleep
    while spent() - before < 0.005:
        assert time.monotonic() < end
        _replayed(two)


def test_helpers_that_never_come(model, monkeypatch):
    monkeypatch.setattr(helpers.Helpers, "_wake", lambda self, place: None)
    helpers.helpers_of.cache_clear()
    _assert_equal(_replayed(model(1)), _replayed(model(3)))


def test_helpers_that_come_and_go(model, monkeypatch):
    """Each comes with every other call only, and sleeps in between."""
    expected = model(1), model(3)
    calls = iter(range(10**6))
    wake = helpers.Helpers._wake
    monkeypatch.setattr(
        helpers.Helpers, "_wake", lambda self, place: next(calls) % 2 or wake(self, place)
    )
    X, y = _stream()
    for start in range(0, ROWS, 5):
        rows = slice(start, start + 5)
        one, three = (one.replay(X[rows], y[rows], features=FEATURES) for one in expected)
        np.testing.assert_array_equal(one, three)
        time.sleep(0.002)


def test_two_wide_models_at_the_same_time(model):
    expected = _replayed(model(1))
    results = [None] * 4

    def run(i):
        results[i] = _replayed(models[i])

    models = [model(2) for _ in results]
    threads = [threading.Thread(target=run, args=(i,)) for i in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for result in results:
        _assert_equal(expected, result)


def test_helpers_end_when_nothing_is_to_be_done(model, monkeypatch):
    monkeypatch.setattr(helpers, "_PATIENCE", 0.05)
    _wait_until(lambda: not _helper_threads())
    for _ in range(3):
        two = model(2)
        _replayed(two)
        _wait_until(lambda: not _helper_threads())


def test_copies_and_pickles_know_no_threads(model):
    original = model(2)
    copies = [copy.deepcopy(original), pickle.loads(pickle.dumps(original))]
    expected = _replayed(original)
    for one in copies:
        _assert_equal(expected, _replayed(one))


def _replay_in_child(model, queue):
    queue.put([_replayed(model)[0], len(_helper_threads())])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_finds_helpers_of_its_own(model):
    two = model(2)
    clone = copy.deepcopy(two)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_replay_in_child, args=(two, queue))
    child.start()
    predictions, n_helpers = queue.get(timeout=60)
    child.join(10)
    assert child.exitcode == 0
    assert n_helpers == 1
    np.testing.assert_array_equal(predictions, _replayed(clone)[0])


INTERRUPTED = """
import os, signal, threading, time
import numpy as np
from streamrnn import RNNRegressor
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where run in the background
X = np.zeros((10**5, 1))
model = RNNRegressor(hidden_size=256, truncation=4, seed=1)
model.replay(X[:5], X[:5, 0], features=["a"])
threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
try:
    model.replay(X, X[:, 0], features=["a"])
except KeyboardInterrupt:
    time.sleep(0.3)
    before = time.process_time()
    time.sleep(0.5)
    print("idle" if time.process_time() - before < 0.1 else "busy")
"""

SHORT = """
from streamrnn import RNNRegressor
model = RNNRegressor(hidden_size=256, truncation=4, seed=1)
model.learn_one({"a": 1.0}, 1.0)
model.learn_one({"a": 2.0}, 1.0)
print(model.predict_one({"a": 3.0}))
"""


def _run(script, **environment):
    start = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, helpers.THREADS_VARIABLE: "2", **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert not result.stderr
    return result.stdout.strip(), time.monotonic() - start


@pytest.mark.skipif(not hasattr(signal, "SIGINT") or os.name == "nt", reason="needs signals")
def test_an_interrupt_leaves_nobody_spinning():
    assert _run(INTERRUPTED)[0] == "idle"


def test_a_program_ends_at_once_whatever_other_libraries_are_told():
    answers = [_run(SHORT, OPENBLAS_NUM_THREADS=n)[0] for n in ("1", "2")]
    answers += [_run(SHORT, **{helpers.THREADS_VARIABLE: n})[0] for n in ("1", "2")]
    assert len(set(answers)) == 1


@pytest.mark.parametrize(
    ("units", "variable", "expected"),
    [(255, "8", 1), (256, "8", 2), (256, "1", 1), (512, "8", 4), (512, "3", 3), (1024, " 2 ", 2)],
)
def test_how_many_threads(monkeypatch, units, variable, expected):
    monkeypatch.setenv(helpers.THREADS_VARIABLE, variable)
    assert helpers.n_threads(units) == expected
    monkeypatch.delenv(helpers.THREADS_VARIABLE)
    assert 1 <= helpers.n_threads(units) <= available_cores()


@pytest.mark.parametrize("variable", ["0", "-1", "two", "1.5"])
def test_a_wrong_number_of_threads_is_refused(monkeypatch, variable):
    monkeypatch.setenv(helpers.THREADS_VARIABLE, variable)
    with pytest.raises(ValueError, match=helpers.THREADS_VARIABLE):
        helpers.n_threads(256)


def test_small_models_have_no_helpers(model):
    assert helpers.n_threads(128) == 1
    small = RNNRegressor(hidden_size=4, truncation=4)
    small.learn_one({"a": 1.0}, 1.0)
    assert small._model._n_threads == 1
