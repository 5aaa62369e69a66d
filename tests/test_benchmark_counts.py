"""Operations and bytes a sample: the formulas beside a learner that counts all it does."""

import device_twin
import numpy as np
import pytest
from device import counts, limits
from device.jobs import Job, make_rows, weights

SIZES = {"units": 4, "truncation": 5, "inputs": 3}
SAMPLES = 9


@pytest.fixture(params=["stored", "recomputed"], scope="module")
def counted(request):
    """The job, what the last sample took, with a full window, and all predictions."""
    job = Job(streams=1, activations=request.param, **SIZES)
    twin = device_twin.Twin(job, weights(job, True))
    X, y = make_rows(job, SAMPLES)
    predictions = []
    for x, target in zip(X[:, 0], y[:, 0].tolist(), strict=True):
        for counter in (device_twin.OPERATIONS, twin.memory.read, twin.memory.written):
            counter.clear()
        predictions.append(twin.learn(x, target))
    return job, dict(device_twin.OPERATIONS), twin.memory, predictions


def test_the_twin_does_the_job(counted):
    from device import ours, serving

    job, _, _, predictions = counted
    expected = np.ravel(serving.check(ours.Streams, job.as_json, SAMPLES)["predictions"])
    np.testing.assert_allclose(predictions, expected, rtol=0, atol=1e-5)


def test_operations_are_those_of_the_twin(counted):
    job, found, _, _ = counted
    formula = {name: value for name, value in counts.operations(job).items() if value}
    assert set(formula) == set(found)
    for name, value in formula.items():
        # The formula takes adding to nothing for an addition, which counts in sums this short.
        assert value == pytest.approx(found[name], rel=0.2), name
    assert sum(formula.values()) == pytest.approx(sum(found.values()), rel=0.06)


def test_accesses_are_those_of_the_twin(counted):
    job, _, memory, _ = counted
    for name, (read, written, kept) in counts.traffic(job).items():
        assert (read, written) == (memory.read[name], memory.written[name]), name
        if kept:
            assert kept == memory.size(name), name
    assert counts.n_parameters(job) == memory.size("parameters")


def test_what_lies_on_the_chip_moves_once_a_launch(counted):
    job, _, memory, _ = counted
    rows = 10
    in_and_out = 8 * (job.inputs + 2 + 1)
    everything = 4 * (sum(memory.read.values()) + sum(memory.written.values())) + in_and_out
    assert counts.moved(job, rows, []) == everything
    spared = memory.read["parameters"] + memory.written["parameters"]
    brought = 2 * memory.size("parameters") / rows
    found = counts.moved(job, rows, ["parameters"])
    assert found == pytest.approx(everything - 4 * (spared - brought))
    kept = sum(memory.size(name) for name in ("parameters", "slots", "memory", "state"))
    assert counts.least(job, rows) == pytest.approx(4 * 2 * kept / rows + in_and_out)


def test_an_update_of_shared_weights_is_divided():
    own, shared = (counts.operations(Job(10, shared=way, **SIZES)) for way in (False, True))
    assert shared.pop("norm_and_adam") * 10 == own.pop("norm_and_adam")
    assert own == shared


def test_limits_follow_from_units_and_clocks():
    assert limits.arithmetic(2, 3.0, (9, 0)) == 2 * 128 * 2 * 3
    assert limits.arithmetic(2, 3.0, (8, 0)) == 2 * 64 * 2 * 3
    assert limits.bandwidth(16, 5.0) == 2 * 2 * 5
