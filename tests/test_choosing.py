"""Where work goes by ``backend="auto"``: laws over made-up speeds, and rows shared out fairly."""

import random
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest

from streamrnn.backends.choosing import AGAIN, MARGIN, SOUND, WORTHWHILE, Chooser
from streamrnn.backends.errors import DeviceError
from streamrnn.backends.slicing import part

SEEDS = range(25)


@dataclass
class World:
    """A clock, and two backends that move it on: so many seconds a row, after compiling once."""

    a_row: dict
    compiling: dict = field(default_factory=lambda: {"cpu": 8.0, "cuda": 15.0})
    is_there: bool = True
    now: float = 0.0
    calls: list = field(default_factory=list)
    asked: int = 0

    def run(self, backend, first, last):
        self.now += self.compiling.pop(backend, 0.0) + (last - first) * self.a_row[backend]
        self.calls.append((backend, first, last))

    def missing(self):
        self.asked += 1
        return None if self.is_there else "there is none"

    def play(self, chooser, n_rows, n_models=1, run=None):
        self.calls.clear()
        chooser.play("work", n_rows, n_models, run or self.run, self.missing)
        assert_each_row_once(self.calls, n_rows)

    def rows_on(self, backend):
        return sum(last - first for where, first, last in self.calls if where == backend)


def assert_each_row_once(calls, n_rows):
    ends = [0, *(last for _, _, last in calls)]
    assert [first for _, first, _ in calls] == ends[:-1]
    assert ends[-1] == n_rows


def made_up(seed, ratio):
    """A world whose device is so many times as fast, a job for it, and its chooser."""
    draw = random.Random(seed)
    cpu = 10 ** draw.uniform(-6, -3)
    world = World({"cpu": cpu, "cuda": cpu / ratio})
    world.compiling = {"cpu": draw.uniform(0, 20), "cuda": draw.uniform(0, 20)}
    return world, Chooser(lambda: world.now), draw.randint(1, 5000)


@pytest.mark.parametrize("seed", SEEDS)
def test_little_work_never_meets_the_device(seed):
    world, chooser, n_models = made_up(seed, ratio=1000)
    n_rows = int(0.9 * WORTHWHILE / world.a_row["cpu"])
    world.play(chooser, n_rows, n_models)
    assert world.asked == world.rows_on("cuda") == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_much_work_goes_to_a_faster_device(seed):
    world, chooser, n_models = made_up(seed, ratio=random.Random(seed).uniform(1.5, 300))
    n_rows = int(100 * WORTHWHILE / world.a_row["cpu"])
    world.play(chooser, n_rows, n_models)
    assert world.rows_on("cuda") > 0.98 * n_rows
    compiled, at_best = 40.0, n_rows * world.a_row["cuda"]
    assert world.now < compiled + at_best + 8 * SOUND + 2 * n_models * world.a_row["cpu"]


@pytest.mark.parametrize("seed", SEEDS)
def test_much_work_stays_away_from_a_slower_device(seed):
    world, chooser, n_models = made_up(seed, ratio=random.Random(seed).uniform(0.01, 1.1))
    n_rows = int(100 * WORTHWHILE / world.a_row["cpu"])
    world.play(chooser, n_rows, n_models)
    tried = world.rows_on("cuda") * world.a_row["cuda"]
    assert 0 < tried < 8 * SOUND + 4 * n_models * world.a_row["cuda"]
    on_device, small = [], max(1, int(0.05 * AGAIN / world.a_row["cpu"]))
    for _ in range(40):
        world.play(chooser, small, n_models)
        on_device.append(world.rows_on("cuda") * world.a_row["cuda"])
    # Looks are seldom, and short.
    assert sum(seconds > 0 for seconds in on_device) <= 4
    assert max(on_device) < 8 * SOUND + 4 * n_models * world.a_row["cuda"]


def test_a_device_that_was_busy_is_looked_at_again():
    world = World({"cpu": 1e-3, "cuda": 1e-2})
    chooser = Chooser(lambda: world.now)
    world.play(chooser, 100_000)
    assert world.calls[-1][0] == "cpu"
    world.a_row["cuda"] = 1e-5
    begun, blocks = world.now, 0
    while world.calls[-1][0] == "cpu":
        world.play(chooser, 10_000)
        blocks += 1
        assert blocks < 2 * AGAIN / 10
    assert world.now - begun == pytest.approx(AGAIN, rel=0.4)


@pytest.mark.parametrize("seed", SEEDS)
def test_speeds_are_remembered_and_compiling_is_no_part_of_them(seed):
    world, chooser, n_models = made_up(seed, ratio=random.Random(seed).choice([0.5, 2.0]))
    world.compiling = {"cpu": 1e4, "cuda": 1e4}
    world.play(chooser, int(2 * WORTHWHILE / world.a_row["cpu"]), n_models)
    world.play(chooser, 7 * n_models, n_models)
    faster = min(world.a_row, key=world.a_row.get)
    assert world.calls == [(faster, 0, 7 * n_models)]


def test_small_blocks_add_up():
    world = World({"cpu": 1e-4, "cuda": 1e-5})
    chooser = Chooser(lambda: world.now)
    spent = []
    while not world.rows_on("cuda"):
        world.play(chooser, 1000)
        spent.append(world.now)
        assert world.now < 2 * WORTHWHILE
    assert spent[-2] > WORTHWHILE
    for _ in range(5):
        world.play(chooser, 1000)
    assert world.rows_on("cuda") == 1000


@pytest.mark.parametrize("faster", ["cpu", "cuda"])
def test_what_becomes_slow_is_left(faster):
    slower = {"cpu": "cuda", "cuda": "cpu"}[faster]
    world = World({faster: 1e-4, slower: 3e-4})
    chooser = Chooser(lambda: world.now)
    world.play(chooser, 1_000_000)
    assert world.calls[-1][0] == faster
    world.a_row[faster] = 1e-2
    for _ in range(20):
        world.play(chooser, 10_000)
    assert world.calls[-1][0] == slower


def test_a_little_faster_is_not_worth_the_way():
    world = World({"cpu": 1e-4, "cuda": 1e-4 / (MARGIN + 0.1)})
    chooser = Chooser(lambda: world.now)
    world.play(chooser, 1_000_000)
    world.a_row["cuda"] = 1e-4 * (MARGIN - 0.1)
    for _ in range(50):
        world.play(chooser, 10_000)
        assert world.calls == [("cuda", 0, 10_000)]


def test_without_a_device_it_is_asked_for_once():
    world = World({"cpu": 1e-3, "cuda": 1e-9}, is_there=False)
    chooser = Chooser(lambda: world.now)
    for _ in range(3):
        world.play(chooser, 100_000)
        assert world.rows_on("cpu") == 100_000
    assert world.asked == 1


@pytest.mark.parametrize("good", [0, 1, 30])
@pytest.mark.parametrize("n_set_back", [0, 3])
def test_a_device_that_fails_is_left_and_what_models_lose_by_it_is_told(good, n_set_back):
    world = World({"cpu": 1e-3, "cuda": 1e-5})
    left = good

    def run(backend, first, last):
        nonlocal left
        if backend == "cuda":
            if not left:
                raise DeviceError("too small", n_set_back=n_set_back)
            left -= 1
        world.run(backend, first, last)

    def blocks(n):
        for _ in range(n):
            world.play(chooser, 100_000, run=run)

    chooser = Chooser(lambda: world.now)
    if n_set_back:
        with pytest.raises(DeviceError, match=r"^too small$"):
            blocks(good + 1)
    else:
        with pytest.warns(UserWarning, match=r"^too small; the CPU does the rest$") as told:
            blocks(good + 1)
        assert len(told) == 1
    assert left == 0
    blocks(2)
    assert world.rows_on("cpu") == 100_000


def test_a_first_try_that_undoes_other_work_is_told():
    """The CPU would go on with models that have forgotten what they were taught before."""
    world = World({"cpu": 1e-3, "cuda": 1e-5})

    def run(backend, first, last):
        if backend == "cuda":
            raise DeviceError("it failed", n_set_back=1)
        world.run(backend, first, last)

    with pytest.raises(DeviceError, match="it failed"):
        world.play(Chooser(lambda: world.now), 100_000, run=run)


# --- parts of the rows


@pytest.mark.parametrize("seed", SEEDS)
def test_parts_have_every_row_once_and_each_models_rows_in_order(seed):
    draw = np.random.default_rng(seed)
    lengths = draw.integers(0, 30, draw.integers(1, 40))
    lengths[draw.integers(len(lengths))] = 30
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    cuts = np.unique(np.concatenate([[0, bounds[-1]], draw.integers(0, bounds[-1], 5)]))
    played = []
    for first, last in pairwise(cuts):
        some = part(bounds, first, last)
        assert some.bounds.dtype == np.int64
        for model, start, stop in zip(some.models, some.bounds[:-1], some.bounds[1:], strict=True):
            rows = some.rows[start:stop]
            assert bounds[model] <= rows.min() <= rows.max() < bounds[model + 1]
        assert abs(len(some.rows) - (last - first)) <= len(lengths)
        played.append(some.rows)
    played = np.concatenate(played)
    assert sorted(played) == list(range(bounds[-1]))
    for start, stop in pairwise(bounds):
        own = played[(played >= start) & (played < stop)]
        assert (np.diff(own) == 1).all()


def test_a_part_of_one_model_has_as_many_rows_as_were_asked_for():
    for length in range(1, 200):
        assert [len(part(np.array([0, length]), i, i + 1).rows) for i in range(length)] == (
            [1] * length
        )
    length = 10**9 + 7  # more than one machine's memory, and whole numbers all the same
    some = part(np.array([0, length, 2 * length]), 2 * length - 10, 2 * length)
    assert some.rows[-1] == 2 * length - 1
    assert len(some.rows) == 10


@pytest.mark.parametrize("n_models", [10, 1000])
@pytest.mark.parametrize("length", [1, 7, 500])
def test_a_part_has_its_share_of_every_model(n_models, length):
    bounds = np.arange(n_models + 1) * length
    n = bounds[-1]
    for first in range(10):
        some = part(bounds, first * n // 10, (first + 1) * n // 10)
        assert len(some.rows) == pytest.approx(n / 10, abs=3 + 0.005 * n)
        counts = np.bincount(some.models, weights=np.diff(some.bounds), minlength=n_models)
        assert counts.max() - counts.min() <= 1 + (length % 10 > 0)
