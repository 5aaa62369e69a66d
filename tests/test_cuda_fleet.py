"""Streams that share their weights, on a device: the numbers of the host, but for rounding."""

import numpy as np
import pytest
from device_helpers import rows_of
from river.optim.schedulers import InverseScaling

from streamrnn import KeyedModel, RNNRegressor
from streamrnn.backends.cuda import cutting, launching, memory
from streamrnn.backends.errors import DeviceError
from streamrnn.fleet import Fleet
from streamrnn.learner import LEARN, OBSERVE

pytestmark = pytest.mark.simulated

TINY = {
    **{"hidden_size": 2, "truncation": 2, "dtype": "float64"},
    **{"head": "linear", "predict_change": False, "lagged_target": False},
}
LEVELS = {"head": "linear_skip", "predict_change": True, "lagged_target": True}
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def fleet(n=6, **words):
    """A fleet of streams of two inputs, and their slots."""
    made = Fleet(RNNRegressor(**TINY | words)._model.blueprint)
    made.grow(2, 1)
    return made, np.array([made.take() for _ in range(n)])


def pair(n=6, **words):
    """Two equal fleets, of which the second is run by the device."""
    (here, slots), (there, _) = fleet(n, **words), fleet(n, **words)
    there.backend = "cuda"
    return here, there, slots


def run_both(here, there, slots, rng, counts, task=LEARN):
    bounds, X, Y, out = rows_of(rng, counts)
    answer = out.copy()
    here.run_groups(slots, bounds, X, Y, out, 1, task)
    there.run_groups(slots, bounds, X, Y, answer, 1, task)
    np.testing.assert_allclose(answer, out, **CLOSE)


def check_equal(here, there, slots):
    """Compare streams, weights, what the optimizer knows, and counters."""
    one, other = here.state_of(slots), there.state_of(slots)
    for name in ("rows", "kept", "counters"):
        np.testing.assert_allclose(other[name], one[name], **CLOSE)
    np.testing.assert_allclose(other["fresh"].arena, one["fresh"].arena, **CLOSE)
    assert one["counters"].any()


OPTIONS = {
    "usual": {"clip_norm": 1.0, **LEVELS},
    "regularised": {"l2": 0.1, "clip_norm": 0.05, "cell": "gru", "clip_value": 0.1},
    "scheduled": {"lr": InverseScaling(0.1), "optimizer": "sgd", "activations": "recomputed"},
    "paced": {"optimizer": "obgd", "lr": 0.5, "num_layers": 2},
    "seldom": {"update_every": 2, "loss_window": 2, "l2_init": 0.1, "perturb": 0.01},
}


@pytest.mark.parametrize("words", OPTIONS.values(), ids=OPTIONS)
def test_a_fleet_gives_the_numbers_of_the_host(rng, monkeypatch, words):
    """Streams of other lengths, some that begin later, in several launches."""
    monkeypatch.setattr(cutting, "_FIRST_ROWS", 8)
    monkeypatch.setattr(cutting, "_MOST_ROWS", 8)
    here, there, slots = pair(**words)
    run_both(here, there, slots[:3], rng, [1, 5, 2])
    run_both(here, there, slots, rng, [2, 0, 1, 3, 1, 1])
    check_equal(here, there, slots)
    assert there.driver.seconds > 0


def test_observed_rows_and_rows_of_one_stream(rng):
    here, there, slots = pair()
    run_both(here, there, slots, rng, [1, 2, 1, 1, 1, 0])
    run_both(here, there, slots, rng, [2, 0, 1, 0, 0, 1], OBSERVE)
    run_both(here, there, slots[1:2], rng, [3])
    run_both(here, there, slots, rng, [0] * 6)
    run_both(here, there, slots[:0], rng, [])
    check_equal(here, there, slots)


def test_a_bad_gradient_is_left_out_and_a_round_without_any_moves_nothing(rng):
    here, there, slots = pair(3)
    bounds, X, Y, out = rows_of(rng, [3, 3, 3])
    Y[2::3, 0], Y[4, 1] = np.nan, 1e25
    answer = out.copy()
    with np.errstate(over="ignore"):  # as compiled code does
        here.run_groups(slots, bounds, X, Y, out, 1)
        there.run_groups(slots, bounds, X, Y, answer, 1)
    np.testing.assert_allclose(answer, out, **CLOSE)
    check_equal(here, there, slots)
    there.select(slots[1])
    assert (there.counters["updates"], there.counters["skipped"]) == (2, 1)


def test_many_streams_are_gathered_in_few_chunks(rng, monkeypatch):
    """Then a chunk has more of them, and a block several chunks."""
    monkeypatch.setattr("streamrnn.backends.cuda.rounds._MOST_CHUNKS", 3)
    here, there, slots = pair(17)
    run_both(here, there, slots, rng, rng.integers(0, 3, 17).tolist())
    check_equal(here, there, slots)


# --- the host looks between runs


def learn_one(made, slots):
    made.select(slots[1])
    made.row[:], made.goal[0] = (0.5, -0.25), 0.75
    made.run_one(True)


def predict_one_that_is_selected(made, slots):
    """Compiled code knows where it is: nobody says that it is looked at."""
    made.row[:] = (0.5, -0.25)
    made.run_one(False)
    made.seen = made.answer.copy()


def alone(made, slots):
    made.select(slots[2])
    made.alone()


TOUCHES = {
    "learn": learn_one,
    "predict": predict_one_that_is_selected,
    "reset": lambda made, slots: made.reset_optimizer(),
    "alone": alone,
    "clear": lambda made, slots: made.clear(slots[0]),
    "grow": lambda made, slots: made.grow(3, 1),
    "rate": lambda made, slots: setattr(made, "rate_factor", 0.5),
    "save": lambda made, slots: made.state_of(slots),
    "there and back": lambda made, slots: setattr(made, "backend", "cpu"),
}


@pytest.mark.parametrize("touch", TOUCHES.values(), ids=TOUCHES)
def test_what_the_host_touches_is_the_newest(rng, touch):
    here, there, slots = pair(4)
    for made in (here, there):
        made.select(slots[3])  # which is not run, so nobody brings it back
    run_both(here, there, slots, rng, [1, 2, 1, 0])
    for made in (here, there):
        touch(made, slots)
    there.backend = "cuda"
    if touch is predict_one_that_is_selected:
        np.testing.assert_allclose(there.seen, here.seen, **CLOSE)
    if here.sizes.n_inputs == 2:
        run_both(here, there, slots, rng, [1, 1, 0, 1])
    check_equal(here, there, slots)


def test_weights_stay_on_the_device_until_somebody_looks(rng, monkeypatch):
    made, slots = fleet(4)
    made.backend = "cuda"
    bounds, *rows = rows_of(rng, [1, 1, 1, 1])
    made.run_groups(slots, bounds, *rows, 1)
    copied = []
    for name in ("download", "upload"):
        plain = getattr(memory.DevicePages, name)

        def counting(pages, places, array, plain=plain, name=name):
            copied.append((name, pages.columns))
            plain(pages, places, array)

        monkeypatch.setattr(memory.DevicePages, name, counting)
    made.run_groups(slots, bounds, *rows, 1)
    assert copied == []
    n = made.in_common[0].size
    assert made.counters["updates"] == 2
    assert [one for one in copied if one[1] == n] == [("download", n)]
    copied.clear()
    assert made.counters["updates"] == 2
    assert copied == []
    made.run_groups(slots, bounds, *rows, 1)
    assert [one for one in copied if one[1] == n] == [("upload", n)]


def test_a_failure_leaves_streams_and_weights_as_they_were(rng, monkeypatch):
    here, there, slots = pair(4)
    run_both(here, there, slots, rng, [1, 1, 1, 1])
    check_equal(here, there, slots)  # all was brought back
    plain, launches = launching.Kernel.launch, []

    def fail(kernel, *arguments):
        launches.append(kernel)
        if len(launches) == 5:
            raise DeviceError("it fails")
        plain(kernel, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(launching.Kernel, "launch", fail)
        with pytest.raises(DeviceError, match=r"^it fails; the streams and their weights are as"):
            there.run_groups(slots, *rows_of(rng, [2, 1, 1, 1]), 1)
    check_equal(here, there, slots)
    run_both(here, there, slots, rng, [1, 2, 1, 1])
    check_equal(here, there, slots)


def test_keys_that_share_weights_as_users_have_them(rng):
    here, there = (
        KeyedModel(RNNRegressor(**TINY), key="k", weights="shared", backend=backend, max_keys=2)
        for backend in ("cpu", "cuda")
    )
    for n in (6, 5):
        keys, X = rng.integers(0, 3, n).tolist(), rng.normal(size=(n, 2))
        expected, found = (m.replay(keys, X, X[:, 0], features=["a", "b"]) for m in (here, there))
        np.testing.assert_allclose(found, expected, **CLOSE)
        x = {"k": 1, "a": 0.5}
        assert there.predict_one(x) == pytest.approx(here.predict_one(x), rel=1e-9)
        for model in (here, there):
            model.learn_one(x, 0.25)
    assert there._bank.driver.seconds > 0
    there.backend = "cpu"
    assert set(there) == set(here)
    for key in here:
        one, other = here.extract(key), there.extract(key)
        assert one.counters == other.counters
        np.testing.assert_allclose(other._model.arena, one._model.arena, **CLOSE)
