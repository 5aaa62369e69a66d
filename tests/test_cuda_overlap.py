"""Copies and kernels that go on at the same time: each waits for what it needs.

The simulator does everything at once. Here nothing is done before somebody waits for it, and then
no more than that needs: so whatever is used too early is not there yet.
"""

import numpy as np
import pytest
from device_helpers import bank, bits_of, rows_of, use_plain_kernels
from river.optim.schedulers import InverseScaling

from streamrnn.backends.cuda import cutting
from streamrnn.backends.cuda.launching import Kernel
from streamrnn.backends.cuda.transfer import Parcel

pytestmark = pytest.mark.simulated


class LazyStream:
    """A queue of the device: work, and marks of other queues that it waits for."""

    def __init__(self):
        self.work, self.launches = [], 0

    def do(self, n):
        """Do the first `n` things that are left, and before each what it waits for."""
        for _ in range(n):
            self.work.pop(0)()

    def synchronize(self):
        self.do(len(self.work))


class LazyEvent:
    def __init__(self, timing=True):
        self.synchronize = lambda: None

    def record(self, stream):
        reached = []
        stream.work.append(lambda: reached.append(True))

        def reach():
            while not reached:
                stream.do(1)

        self.synchronize = reach

    def wait(self, stream):
        stream.work.append(self.synchronize)


@pytest.fixture(autouse=True)
def lazy_device(monkeypatch):
    from numba import cuda
    from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

    use_plain_kernels(monkeypatch)
    monkeypatch.setattr(cutting, "_MOST_ROWS", 3)
    monkeypatch.setattr(cutting, "_FIRST_ROWS", 3)
    monkeypatch.setattr(cuda, "stream", LazyStream)
    monkeypatch.setattr(cuda, "event", LazyEvent)
    for name in ("copy_to_device", "copy_to_host"):
        plain = getattr(FakeCUDAArray, name)

        def lazy(array, other, stream=0, plain=plain):
            if stream != 0:
                stream.work.append(lambda: plain(array, other))
            else:  # at once, and waits for nobody, as it may be set in CUDA
                plain(array, other)

        monkeypatch.setattr(FakeCUDAArray, name, lazy)
    monkeypatch.setattr(Kernel, "launch", lazily(Kernel.launch))


def lazily(launch):
    def lazy(kernel, blocks, threads, shared, words, stream):
        def work():
            launch(kernel, blocks, threads, shared, words, stream)
            stream.launches -= 1

        stream.work.append(work)
        stream.launches += 1

    return lazy


@pytest.mark.parametrize("lr", [0.05, InverseScaling(0.1)], ids=["rate", "schedule"])
def test_nothing_is_used_before_it_is_there(rng, lr):
    (here, slots), (there, _) = bank(lr=lr), bank(lr=lr)
    there.backend = "cuda"
    for counts in ([7, 12, 0, 3], [20, 1, 9, 9]):
        bounds, X, Y, out = rows_of(rng, counts)
        answer = out.copy()
        here.run_groups(slots, bounds, X, Y, out, 1)
        there.run_groups(slots, bounds, X, Y, answer, 1)
        assert answer.tobytes() == out.tobytes()
    assert bits_of(there, slots) == bits_of(here, slots)


def test_a_launch_is_ready_when_the_one_before_ends(rng, monkeypatch):
    plain, under_way = Kernel.launch, []

    def launch(kernel, blocks, threads, shared, words, stream):
        plain(kernel, blocks, threads, shared, words, stream)
        under_way.append(stream.launches)

    monkeypatch.setattr(Kernel, "launch", launch)
    there, slots = bank()
    there.backend = "cuda"
    there.run_groups(slots, *rows_of(rng, [9, 9, 9, 9]), 1)
    assert len(under_way) > 4
    assert under_way[0] == 1
    assert set(under_way[1:]) == {2}


def test_two_interrupts_do_not_leave_work_to_the_next_run(rng, monkeypatch):
    """The second one comes while what was launched is waited for."""
    (here, slots), (there, _) = bank(1), bank(1)
    there.backend = "cuda"
    bounds, X, Y, out = rows_of(rng, [12])
    there.run_groups(slots, bounds, X, Y, out, 1)
    asked = []

    def answer(parcel, n):
        asked.append(n)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Parcel, "answer", answer)
        with pytest.raises(KeyboardInterrupt):
            there.run_groups(slots, bounds, X, Y, out, 1)
    assert len(asked) == 2
    answer, out = out.copy(), out.copy()
    there.run_groups(slots, bounds, X, Y, answer, 1)
    there.select(slots[0])
    done = there.counters["samples"] - 24
    assert 0 < done < 12
    for n in (12, done, 12):
        here.run_groups(slots, np.array([0, n]), X[:n], Y[:n], out[:n], 1)
    assert answer.tobytes() == out.tobytes()
    assert bits_of(there, slots) == bits_of(here, slots)


def test_what_two_interrupts_leave_does_not_touch_what_the_host_has_learnt_since(rng, monkeypatch):
    (here, slots), (there, _) = bank(1), bank(1)
    there.backend = "cuda"
    bounds, X, Y, out = rows_of(rng, [12])

    def answer(parcel, n):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Parcel, "answer", answer)
        with pytest.raises(KeyboardInterrupt):
            there.run_groups(slots, bounds, X, Y, out, 1)
    there.select(slots[0])
    done = there.counters["samples"]
    here.select(slots[0])
    here.run(X[:done], Y[:done], out[:done], True)
    for made in (here, there):
        made.run(X[:1], Y[:1], out[:1], True)
        made.select(0)
        made.run_groups(slots, bounds, X, Y, out, 1)
    assert bits_of(there, slots) == bits_of(here, slots)


def test_an_interrupt_before_an_answer_is_asked_for_leaves_no_older_one(rng, monkeypatch):
    (here, slots), (there, _) = bank(1), bank(1)
    there.backend = "cuda"
    bounds, X, Y, out = rows_of(rng, [12])
    for made in (here, there):
        made.run_groups(slots, bounds, X, Y, out, 1)
    here.run_groups(slots, bounds, X, Y, out, 1)

    def expect(parcel, n, streams):
        raise KeyboardInterrupt

    answer = np.full_like(out, np.nan)
    with monkeypatch.context() as patch:
        patch.setattr(Parcel, "expect", expect)
        with pytest.raises(KeyboardInterrupt):
            there.run_groups(slots, bounds, X, Y, answer, 1)
    known = np.isfinite(answer)
    np.testing.assert_array_equal(answer[known], out[known])
