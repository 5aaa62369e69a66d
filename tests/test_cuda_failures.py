"""Whatever fails on a device, and whenever: the host's models are whole, and the next run works."""

from itertools import count

import numpy as np
import pytest
from device_helpers import bank, bits_of, rows_of, use_plain_kernels

from streamrnn.backends.cuda import cutting, device, memory, residency
from streamrnn.backends.cuda.launching import Kernel
from streamrnn.backends.cuda.models import run_block_on_device
from streamrnn.backends.errors import DeviceError
from streamrnn.learner import LEARN

pytestmark = pytest.mark.simulated

SHORT, DEAD = "CUDA_ERROR_OUT_OF_MEMORY", "CUDA_ERROR_ILLEGAL_ADDRESS"
COUNTS = [3, 1, 5, 2]


@pytest.fixture(autouse=True)
def several_launches(monkeypatch):
    use_plain_kernels(monkeypatch)
    monkeypatch.setattr(memory, "_PAGE_BYTES", 3000)
    monkeypatch.setattr(residency, "_CHUNK_BYTES", 3000)
    monkeypatch.setattr(cutting, "_MOST_ROWS", 2)
    monkeypatch.setattr(cutting, "_FIRST_ROWS", 2)


class Faults:
    """Counts what is asked of the device; lets one of it fail."""

    def __init__(self, monkeypatch):
        from numba import cuda
        from numba.cuda.cudadrv.driver import CudaAPIError
        from numba.cuda.simulator.cudadrv.devicearray import FakeCUDAArray

        self._error = CudaAPIError
        self.stop()
        for name in ("device_array", "pinned_array"):
            self._watch(monkeypatch, cuda, name)
        for name in ("copy_to_device", "copy_to_host"):
            self._watch(monkeypatch, FakeCUDAArray, name)
        self._watch(monkeypatch, Kernel, "launch")
        self._watch(monkeypatch, cuda.event, "synchronize")

    def _watch(self, monkeypatch, owner, name):
        plain = getattr(owner, name)

        def watched(*args, **kwargs):
            self.seen.append(name)
            if len(self.seen) == self._at and self._failure is not None:
                if isinstance(self._failure, str):
                    raise self._error(1, f"Call to it results in {self._failure}")
                raise self._failure
            return plain(*args, **kwargs)

        monkeypatch.setattr(owner, name, watched)

    def start(self, at, failure):
        self.seen, self._at, self._failure = [], at, failure

    def stop(self):
        self.start(0, None)

    def attempt(self, at, failure, do, *arguments):
        """Do something of which the part `at` fails; return how it ended, and what was asked."""
        self.start(at, failure)
        error = None
        try:
            do(*arguments)
        except (DeviceError, KeyboardInterrupt) as caught:
            error = caught
        seen = self.seen
        self.stop()
        return error, seen


@pytest.fixture
def faults(monkeypatch):
    return Faults(monkeypatch)


def run(made, slots, seed, out=None):
    bounds, X, Y, answer = rows_of(np.random.default_rng(seed), COUNTS)
    made.run_groups(slots, bounds, X, Y, answer if out is None else out, 1)
    return answer


def after(*seeds):
    """What the models are after these runs, without a device."""
    made, slots = bank()
    for seed in seeds:
        run(made, slots, seed)
    return bits_of(made, slots)


def parts_of(made, slots):
    return [[part.tobytes() for part in made.contents(slot)] for slot in slots]


def told(error):
    assert "\n" not in str(error)
    return str(error)


@pytest.mark.parametrize("failure", [SHORT, DEAD])
@pytest.mark.parametrize("earlier", [(), (0,)], ids=["first run", "later run"])
def test_a_run_that_fails_anywhere_leaves_whole_models(faults, failure, earlier):
    """Before the first launch nothing is lost; later, or with the device, what was not fetched.

    And the same bank works again, from what it has.
    """
    for at in count(1):
        made, slots = bank()
        made.backend = "cuda"
        for seed in earlier:
            run(made, slots, seed)
        error, seen = faults.attempt(at, failure, run, made, slots, 1)
        kept = earlier
        if error is None:
            kept = *earlier, 1
            assert at > len(seen) or (seen[at - 1], failure) == ("pinned_array", SHORT)
        else:
            has_launched = "launch" in seen
            if failure == DEAD or has_launched:
                kept = ()
            is_less = has_launched or (failure == DEAD and earlier)
            assert error.is_lost == (failure == DEAD)
            assert bool(error.n_set_back) == bool(is_less and earlier)
            assert told(error).endswith("back from the device" if is_less else "is lost")
        assert bits_of(made, slots) == after(*kept)
        run(made, slots, 2)
        assert bits_of(made, slots) == after(*kept, 2)
        if at > len(seen):
            break
    assert at > (10 if earlier else 25)  # several launches, and copies of rows before


@pytest.mark.parametrize("failure", [SHORT, DEAD])
def test_models_that_cannot_be_brought_back_are_whole(faults, failure):
    twin, slots = bank()
    old = parts_of(twin, slots)
    run(twin, slots, 0)
    new = parts_of(twin, slots)
    for at in count(1):
        made, slots = bank()
        made.backend = "cuda"
        run(made, slots, 0)
        error, seen = faults.attempt(at, failure, bits_of, made, slots)
        if at > len(seen):
            break
        found = parts_of(made, slots)
        if failure == SHORT:  # it comes at the second attempt
            assert error is None
            assert found == new
        else:
            assert "are as they were when they were last brought back" in told(error)
            assert all(one in pair for one, *pair in zip(found, old, new, strict=True))
        run(made, slots, 1)
    assert at > 2


@pytest.mark.parametrize("step", ["grow", "backend"])
def test_growth_and_another_backend_go_on_with_what_the_host_has(faults, step):
    def go():
        if step == "grow":
            made.grow(3, 1)
        else:
            made.backend = "cpu"

    made, slots = bank()
    made.backend = "cuda"
    run(made, slots, 0)
    faults.start(1, DEAD)
    with pytest.raises(DeviceError, match="4 models are as they were"):
        go()
    faults.stop()
    assert bits_of(made, slots) == after()
    go()
    assert (made.sizes.n_inputs, made.backend) == ((3, "cuda") if step == "grow" else (2, "cpu"))


def test_one_model_is_changed_as_a_whole_or_not_at_all(faults):
    made, slots = bank(1)
    made.select(slots[0])
    _, X, Y, out = rows_of(np.random.default_rng(0), [6])
    learnt = made.alone()
    learnt.run(X, Y, out, True)
    for at in count(1):
        model = made.alone()
        error, seen = faults.attempt(at, SHORT, run_block_on_device, model, X, Y, out, LEARN)
        expected = learnt if error is None else made
        assert model.arena.tobytes() == expected.arena.tobytes()
        assert model.statistics.tobytes() == expected.statistics.tobytes()
        if at > len(seen):
            break
    assert error is None
    assert at > 10


# --- what is no failure of the device


def test_an_interrupt_leaves_each_model_with_the_first_of_its_rows(faults):
    """As on the host; and what the device was doing meanwhile does no harm to the next run."""
    bounds, X, Y, out = rows_of(np.random.default_rng(1), [7])
    twin, slots = bank(1)
    twin.run_groups(slots, bounds, X, Y, out, 1)
    expected = bits_of(twin, slots), out.copy()
    for at in count(1):
        made, slots = bank(1)
        made.backend = "cuda"
        interrupt = KeyboardInterrupt()
        error, seen = faults.attempt(at, interrupt, made.run_groups, slots, bounds, X, Y, out, 1)
        if at > len(seen):
            break
        assert error is interrupt
        made.select(slots[0])
        done = made.counters["samples"]
        made.run_groups(slots, bounds[[0, 1]] - [0, done], X[done:], Y[done:], out[done:], 1)
        assert bits_of(made, slots) == expected[0]
        assert out[done:].tobytes() == expected[1][done:].tobytes()
    assert at > 15


def test_an_interrupt_leaves_one_model_with_the_first_of_its_rows(faults):
    made, slots = bank(1)
    made.select(slots[0])
    _, X, Y, out = rows_of(np.random.default_rng(1), [7])
    seen_at_stops = set()
    for at in count(1):
        model, twin = made.alone(), made.alone()
        interrupt = KeyboardInterrupt()
        error, seen = faults.attempt(at, interrupt, run_block_on_device, model, X, Y, out, LEARN)
        done = model.counters["samples"]
        twin.run(X[:done], Y[:done], out[:done], True)
        assert model.arena.tobytes() == twin.arena.tobytes()
        assert model.statistics.tobytes() == twin.statistics.tobytes()
        if at > len(seen):
            break
        assert error is interrupt
        seen_at_stops.add(done)
    assert done == 7
    assert len(seen_at_stops) > 3  # between any two launches


def test_a_schedule_that_goes_wrong_stops_as_on_the_host():
    class Rising:
        def get(self, t):
            return 0.05 if t < 4 else float("nan")

    for backend in ("cpu", "cuda"):
        made, slots = bank(2, lr=Rising())
        made.backend = backend
        bounds, X, Y, out = rows_of(np.random.default_rng(2), [3, 3])
        made.run_groups(slots, bounds, X, Y, out, 1)
        with pytest.raises(ValueError, match="nan"):
            made.run_groups(slots, bounds, X, Y, out, 1)
        made.select(slots[0])
        assert 3 <= made.counters["updates"] <= 4


def test_a_kernel_with_a_fault_of_ours_is_not_believed(faults):
    made, slots = bank()
    made.backend = "cuda"
    run(made, slots, 0)
    bits_of(made, slots)
    faults.start(1, None)
    run(made, slots, 1)
    first_launch = faults.seen.index("launch") + 1
    bits_of(made, slots)
    faults.start(first_launch, IndexError("of ours"))
    with pytest.raises(IndexError) as caught:
        run(made, slots, 2)
    faults.stop()
    assert "last brought back from the device" in caught.value.__notes__[0]
    assert bits_of(made, slots) == after(0, 1)


def test_a_model_that_does_not_fit_is_named(monkeypatch):
    monkeypatch.setattr(device, "SIMULATED", device.SIMULATED._replace(shared=100))
    made, slots = bank(1)
    made.backend = "cuda"
    rows = rows_of(np.random.default_rng(0), [1])
    with pytest.raises(DeviceError, match=r"2 inputs, 2 units, 1 outputs .* does not fit .* 100"):
        made.run_groups(slots, *rows, 1)
