"""Banks whose models are run on a device, a simulated one: the same bits, wherever they are."""

import copy
import pickle

import numpy as np
import pytest
from device_helpers import bank, bits_of, rows_of, use_plain_kernels
from river.optim.schedulers import InverseScaling

from streamrnn.backends.cuda import cutting, memory, pipeline, residency
from streamrnn.backends.cuda.models import run_block_on_device
from streamrnn.learner import LEARN, OBSERVE, PREDICT
from streamrnn.population import Population

pytestmark = pytest.mark.simulated


@pytest.fixture(autouse=True)
def plain_kernels(monkeypatch):
    use_plain_kernels(monkeypatch)


@pytest.fixture
def small_pages(monkeypatch):
    """Rows lie in several pages, are copied a few at a time, and run in many launches."""
    monkeypatch.setattr(memory, "_PAGE_BYTES", 3000)
    monkeypatch.setattr(residency, "_CHUNK_BYTES", 3000)
    monkeypatch.setattr(pipeline, "_PIECE_BYTES", 400)
    monkeypatch.setattr(cutting, "_MOST_ROWS", 3)


def pair(n=4, **words):
    """Two equal banks, of which the second has its models on the device."""
    (here, slots), (there, _) = bank(n, **words), bank(n, **words)
    there.backend = "cuda"
    return here, there, slots


def run_both(here, there, slots, rng, counts, task=LEARN):
    bounds, X, Y, out = rows_of(rng, counts, here.sizes.n_targets)
    answer = out.copy()
    here.run_groups(slots, bounds, X, Y, out, 1, task)
    there.run_groups(slots, bounds, X, Y, answer, 1, task)
    assert answer.tobytes() == out.tobytes()


COUNTS = {"one": [1, 1, 1, 1], "uneven": [3, 0, 9, 1], "one model": [0, 0, 0, 8]}


@pytest.mark.parametrize("task", [LEARN, OBSERVE])
@pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS)
def test_a_device_gives_the_bits_of_the_host(rng, small_pages, counts, task):
    here, there, slots = pair()
    for _ in range(2):
        run_both(here, there, slots, rng, counts, task)
    run_both(here, there, slots[::-1], rng, counts, task)
    run_both(here, there, slots[2:], rng, counts[2:], task)
    assert there.driver.seconds > 0
    assert bits_of(there, slots) == bits_of(here, slots)


def test_rates_that_change_go_by_the_updates_of_each_model(rng, small_pages):
    here, there, slots = pair(lr=InverseScaling(0.1), update_every=2, loss_window=2)
    run_both(here, there, slots, rng, [1, 2, 3, 12])
    here.rate_factor = there.rate_factor = 0.5
    run_both(here, there, slots, rng, [4, 1, 9, 2])
    assert bits_of(there, slots) == bits_of(here, slots)


def test_nothing_is_run_on_no_rows(rng):
    here, there, slots = pair()
    run_both(here, there, slots, rng, [0, 0, 0, 0])
    run_both(here, there, slots[:0], rng, [])
    assert bits_of(there, slots) == bits_of(here, slots)


# --- the host touches models that are on the device


def both(here, there, do):
    do(here)
    do(there)


def learn_one(slot):
    def do(bank):
        bank.select(slot)
        bank.row[:], bank.goal[0] = (0.5, -0.25), 0.75
        bank.run_one(True)

    return do


def swap(one, other):
    """Take two models out, as they go to disk, and put them back in each other's place."""

    def do(bank):
        kept = [[part.copy() for part in bank.contents(slot)] for slot in (one, other)]
        bank.restore(one, bank.sizes, *kept[1])
        bank.restore(other, bank.sizes, *kept[0])

    return do


def replace(slot):
    def do(bank):
        bank.release(slot)
        assert bank.take() == slot

    return do


TOUCHES = {
    "learn": lambda slots: learn_one(slots[1]),
    "learn, twice": lambda slots: lambda bank: [learn_one(slots[1])(bank) for _ in range(2)],
    "swap": lambda slots: swap(slots[0], slots[2]),
    "replace": lambda slots: replace(slots[3]),
    "clear": lambda slots: lambda bank: bank.clear(slots[0]),
    "grow": lambda slots: lambda bank: bank.grow(2, 2),
    "reset": lambda slots: lambda bank: (bank.select(slots[2]), bank.reset_state()),
    "alone": lambda slots: lambda bank: (bank.select(slots[2]), bank.alone()),
    "save": lambda slots: lambda bank: bank.state_of(slots),
    "there and back": lambda slots: lambda bank: setattr(bank, "backend", "cpu"),
}


@pytest.mark.parametrize("touch", TOUCHES.values(), ids=TOUCHES)
def test_what_the_host_touches_is_the_newest(rng, touch):
    here, there, slots = pair()
    run_both(here, there, slots, rng, [2, 1, 3, 1])
    for made in (here, there):
        backend = made.backend
        touch(slots)(made)
        made.backend = backend
    run_both(here, there, slots, rng, [1, 2, 1, 0])
    assert bits_of(there, slots) == bits_of(here, slots)


def test_the_selected_model_is_worked_with_on_the_host_between_runs(rng):
    """Its address is known to compiled code, and views of it are about."""
    here, there, slots = pair()
    for made in (here, there):
        made.select(slots[1])
    for _ in range(2):
        run_both(here, there, slots, rng, [1, 2, 1, 1])
        assert there.arena.tobytes() == here.arena.tobytes()
        assert there.counters == here.counters
        for made in (here, there):
            made.row[:], made.goal[0] = (1.0, 2.0), 3.0
            made.run_one(True)
            assert made.select(slots[1]) is None
        assert there.answer.tobytes() == here.answer.tobytes()
    assert bits_of(there, slots) == bits_of(here, slots)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda bank: pickle.loads(pickle.dumps(bank))])
def test_a_copy_has_what_is_on_the_device_and_is_run_by_the_host(rng, copied):
    here, there, slots = pair()
    run_both(here, there, slots, rng, [2, 1, 1, 1])
    twin = copied(there)
    assert twin.backend == "cpu"
    assert bits_of(twin, slots) == bits_of(here, slots)


def test_only_what_the_host_needs_comes_back(rng, monkeypatch):
    _, there, slots = pair()
    bounds, X, Y, out = rows_of(rng, [1, 1, 1, 1])
    there.run_groups(slots, bounds, X, Y, out, 1)
    came, went = [], []
    for name, seen in (("download", came), ("upload", went)):
        plain = getattr(memory.DevicePages, name)

        def counting(pages, rows, array, plain=plain, seen=seen):
            seen.extend(rows.tolist())
            plain(pages, rows, array)

        monkeypatch.setattr(memory.DevicePages, name, counting)
    there.select(slots[1])
    assert came == [slots[1]] * 2  # its arena and its statistics
    there.contents(slots[2])
    there.contents(slots[2])
    there.release(slots[3])
    there.clear(slots[3])
    assert came == [slots[1]] * 2 + [slots[2]] * 2
    there.run_groups(slots, bounds, X, Y, out, 1)
    # Who was only read is still right on the device.
    assert sorted(set(went)) == [slots[1], slots[3]]


def test_keys_that_go_to_disk_and_come_back_are_as_on_the_host(rng, tmp_path):
    answers = []
    keys = rng.integers(0, 6, 40).tolist()
    _, X, Y, _ = rows_of(rng, [40])
    for backend in ("cpu", "cuda"):
        made, _ = bank(0)
        made.backend = backend
        population = Population(made, 3, None, tmp_path)
        out = np.empty((40, 1))
        for part in (slice(0, 25), slice(25, 40)):
            population.learn_rows(keys[part], range(40)[part], X[part], Y[part], out[part], 1)
        seen = [out.tobytes()]
        for key in range(6):
            population.look(key, 40)
            seen.append(made.arena.tobytes() + made.statistics.tobytes())
        answers.append(seen)
    assert answers[0] == answers[1]


# --- one model


@pytest.mark.parametrize("task", [LEARN, OBSERVE, PREDICT])
def test_one_model_gives_the_bits_of_the_host(rng, small_pages, task):
    made, slots = bank(1)
    made.select(slots[0])
    here, there = made.alone(), made.alone()
    for _ in range(2):
        _, X, Y, out = rows_of(rng, [5])
        answer = out.copy()
        here._run_block(X, Y, out, task)
        run_block_on_device(there, X, Y, answer, task)
        assert answer.tobytes() == out.tobytes()
        assert there.arena.tobytes() == here.arena.tobytes()
        assert there.statistics.tobytes() == here.statistics.tobytes()
    assert there.driver.seconds > 0
    there.driver.seconds = 0.0
    assert there.driver.seconds == 0.0
    assert copy.deepcopy(there).driver is None
