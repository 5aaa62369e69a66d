"""`benchmarks/gpu.py` without a device: peers do our job, rows keep to limits, charts are drawn."""

import importlib
import importlib.util
import json
import sys
from dataclasses import replace
from functools import partial

import gpu
import gpu_chart
import numpy as np
import processes
import pytest
from device import aims, jobs, ours, parity, plan, rows, serving
from device.contestants import CONTESTANTS, CPU, CUDA, Field
from device.jobs import Job
from processes import PeerError

SIZES = {"streams": 3, "units": 6, "truncation": 9, "inputs": 3}
SAMPLES = 40


@pytest.fixture(params=["stored", "recomputed"])
def activations(request):
    return request.param


def predicted(module, job):
    return np.array(serving.check(module.Streams, job.as_json, SAMPLES)["predictions"])


def unlearnt(job):
    """What first weights predict if nothing is learnt."""
    learner = ours.Streams(job, True)
    learner.bank.rate_factor = 0.0
    return learner.numbers(learner.run(learner.load(*jobs.make_rows(job, SAMPLES))))


@pytest.fixture
def numpy_arrays(monkeypatch):
    monkeypatch.setenv("BENCHMARK_ARRAYS", "numpy")
    yield importlib.import_module("device.arrays_shared")
    del sys.modules["device.arrays_shared"]


# --- everybody does the same job


def test_the_job_is_learnt_and_some_gradients_are_clipped(activations):
    job = Job(activations=activations, **SIZES)
    learner = ours.Streams(job, True)
    found = learner.numbers(learner.run(learner.load(*jobs.make_rows(job, SAMPLES))))
    moved = abs(found - unlearnt(job))[job.truncation :]
    assert moved.max() > 50 * parity.TOLERANCE
    clipped = 0
    for slot in learner._slots:
        learner.bank.select(int(slot))
        clipped += learner.bank.counters["clipped"]
    assert 0 < clipped < job.streams * SAMPLES
    # Streams start from weights and see rows of their own.
    assert len(np.unique(found[0])) == job.streams


def test_pytorch_by_hand_does_our_job(activations):
    pytest.importorskip("torch")
    torch_by_hand = importlib.import_module("device.torch_by_hand")
    job = Job(activations=activations, **SIZES)
    expected = predicted(ours, job)
    assert abs(predicted(torch_by_hand, job) - expected).max() < parity.TOLERANCE / 10
    other = torch_by_hand.WAYS["steps by fused sums"]
    learner = torch_by_hand.Streams(job, True)
    learner._work = lambda: learner._sample(*other)
    found = learner.numbers(learner.run(learner.load(*jobs.make_rows(job, SAMPLES))))
    assert abs(found - expected).max() < parity.TOLERANCE / 10


def test_pytorch_lstm_does_our_job():
    pytest.importorskip("torch")
    torch_lstm = importlib.import_module("device.torch_lstm")
    job = Job(**SIZES | {"streams": 1}, activations="recomputed")
    assert abs(predicted(torch_lstm, job) - predicted(ours, job)).max() < parity.TOLERANCE / 10


def test_pytorch_lstm_shares_weights_as_arrays_do(numpy_arrays):
    """In a window of one step there is nothing to run again, so both ways are one."""
    pytest.importorskip("torch")
    torch_lstm = importlib.import_module("device.torch_lstm")
    job = Job(**SIZES | {"truncation": 1}, shared=True)
    again = replace(job, activations="recomputed")
    found = predicted(torch_lstm, again)
    assert abs(found - predicted(numpy_arrays, job)).max() < parity.TOLERANCE / 10


def test_products_of_shared_weights_do_our_job(numpy_arrays):
    job = Job(**SIZES | {"streams": 20}, shared=True)  # more than one chunk of ours
    assert abs(predicted(numpy_arrays, job) - predicted(ours, job)).max() < parity.TOLERANCE / 10


@pytest.fixture(scope="module")
def field():
    names = [CPU, "jax", "jax-grad"]
    with Field(names, False, processes.peer_pythons([])) as field:
        yield field


def test_jax_does_our_job(field, activations):
    if "jax" in field.missing:
        pytest.skip(f"JAX is not compared: {field.missing['jax']}")
    found = parity.compare(field, [(Job(activations=activations, **SIZES), SAMPLES)])
    served = ["jax", "jax-grad"] if activations == "recomputed" else ["jax"]
    assert [row["contestant"] for row in found] == served
    assert all(row["agrees"] and row["difference"] < parity.TOLERANCE / 10 for row in found)
    assert parity.objection(found, "jax", Job(activations=activations, **SIZES)) is None


def test_jax_tries_how_many_steps_to_unroll(field):
    if "jax" in field.missing:
        pytest.skip(f"JAX does not run: {field.missing['jax']}")
    found = field.tune(Job(streams=2, units=2, truncation=2, inputs=1))
    fastest = min(found["jax"]["seconds"], key=found["jax"]["seconds"].get)
    assert found["jax"]["variables"] == {"BENCHMARK_JAX_UNROLL": fastest}


class Scripted:
    """Answers as it is told to, in place of processes."""

    def __init__(self, answer, present=(CPU, CUDA)):
        self.answer, self.present = answer, {name: {} for name in present}

    def ask(self, name, do, within, **request):
        return self.answer(name, Job(**request["job"]), within, request)


def test_who_does_another_job_is_not_timed():
    def answer(name, job, within, request):
        if request.get("samples") is None:
            return timed_answer(1.0)
        return {"predictions": [[0.5 if name == CPU else 0.502]], "how": ""}

    field = Scripted(answer)
    job = Job(streams=1, units=2)
    found = parity.compare(field, [(job, 1)])
    assert [(row["agrees"], row["difference"]) for row in found] == [(False, pytest.approx(0.002))]
    timed = plan.Plan([], [job], 20.0, 0.1, 1)
    objection = partial(parity.objection, found)
    results = dict(rows.measure(field, timed, rows.Budget(60), objection))
    assert results[f"{job.id}-{CUDA}"] == f"{job.id}: it does not agree with ours"
    assert objection(CUDA, replace(job, streams=5))
    assert objection(CUDA, replace(job, units=5))  # that width was not compared
    assert objection(CUDA, replace(job, shared=True)) is None
    found += parity.compare(
        Scripted(lambda *_: {"predictions": [[0.5]], "how": ""}), [(Job(1, 5), 1)]
    )
    assert objection(CUDA, Job(1, 5)) is None
    assert results[f"{job.id}-{CPU}"]["median_us"] == 1e6


def test_who_cannot_be_compared_is_told():
    def answer(name, job, within, request):
        if name == CUDA:
            raise PeerError("no room in /some/folder")
        return {"predictions": [[0.5]], "how": ""}

    (row,) = parity.compare(Scripted(answer), [(Job(streams=1, units=2), 1)])
    assert row["agrees"] is False
    assert row["why"] == "no room in ..."
    assert parity.objection([row], CUDA, Job(1, 2)) == f"{Job(1, 2).id}: no room in ..."


# --- timing, and limits


def timed_answer(seconds, **more):
    return {"samples": 1, "wall_s": [seconds], "device_s": [], "chunk": 1, **more}


class Steady:
    """A learner whose call takes a second of a clock of its own."""

    how, device_seconds, to_warm, further = "", 0.0, 3, {"on_chip": ["deltas"]}
    now = 0.0

    def __init__(self, job, distinct):
        type(self).now += 10.0

    def load(self, X, y):
        return X, y

    def run(self, rows):
        type(self).now += 1.0
        self.device_seconds += 0.5

    def memory(self):
        return 7


@pytest.mark.parametrize(("limit", "repeats"), [(100, 5), (18, 2), (1, 1)])
def test_repeats_keep_to_the_limit(limit, repeats):
    job = Job(streams=4, units=2).as_json
    answer = serving.timed(Steady, job, 2.0, 5, limit, chunk=2, clock=lambda: Steady.now)
    assert answer["wall_s"] == [2.0] * repeats  # two calls, a second each
    assert answer["device_s"] == [1.0] * repeats
    assert answer["samples"] == 2 * 2 * 4
    assert answer["set_up_s"] == 12.0  # two calls until three samples have gone by
    assert (answer["memory_bytes"], answer["on_chip"]) == (7, ["deltas"])


def test_chunks_are_short_where_samples_are_much_work():
    lengths = [jobs.chunk_length(job) for job in plan.full(True).timed]
    assert all(length & (length - 1) == 0 and 2 <= length <= 256 for length in lengths)
    assert jobs.chunk_length(Job(1, 32)) == 256
    assert jobs.chunk_length(Job(16384, 128)) == 2


def test_rows_say_why_they_are_left_out():
    now = [0.0]

    def answer(name, job, within, request):
        now[0] += 1.0
        if name == CPU and job.streams == 2:
            raise PeerError(f"no answer within {within:g} s") from TimeoutError()
        if name == CUDA and job.units == 4:
            raise PeerError("DeviceError: out of memory")
        if name == CUDA and job.streams == 3:
            raise PeerError("ValueError: odd")
        return timed_answer(0.5)

    chosen = [Job(2, 2), Job(1, 2), Job(3, 2), Job(1, 4), Job(2, 4), Job(3, 2, shared=True)]
    timed = plan.Plan([], [*chosen, Job(9, 9)], 20.0, 0.1, 1)
    budget = rows.Budget(10.0, clock=lambda: now[0])
    found = dict(rows.measure(Scripted(answer), timed, budget))
    reasons = {name: why for name, why in found.items() if isinstance(why, str)}
    small = f"a smaller one, {Job(2, 2).id}: time: no answer within 10 s"
    assert reasons == {
        f"{Job(2, 2).id}-{CPU}": "time: no answer within 10 s",
        f"{Job(3, 2).id}-{CPU}": small,
        f"{Job(3, 2).id}-{CUDA}": "error: ValueError: odd",
        f"{Job(1, 4).id}-{CUDA}": "memory: DeviceError: out of memory",
        f"{Job(2, 4).id}-{CPU}": small,
        f"{Job(2, 4).id}-{CUDA}": f"a smaller one, {Job(1, 4).id}: memory: DeviceError: out of "
        "memory",
        f"{Job(3, 2, shared=True).id}-{CUDA}": "error: ValueError: odd",
        f"{Job(9, 9).id}-{CUDA}": f"a smaller one, {Job(1, 4).id}: memory: DeviceError: out of "
        "memory",
        f"{Job(9, 9).id}-{CPU}": small,
    }
    now[0] = 9.5
    late = dict(rows.measure(Scripted(answer), plan.Plan([], [Job(1, 2)], 20.0, 0.1, 1), budget))
    assert set(late.values()) == {"the time of the run was over"}


def test_a_process_that_does_not_answer_is_ended(tmp_path):
    script = tmp_path / "silent.py"
    script.write_text("import sys\nfor line in sys.stdin:\n    pass\n")
    process = processes.Process(script)
    try:
        with pytest.raises(PeerError, match=r"no answer within 0\.2 s") as raised:
            process.ask("hello", 0.2)
        assert isinstance(raised.value.__cause__, TimeoutError)
    finally:
        process.close()


def test_a_process_that_fails_is_begun_anew(field):
    job = Job(streams=1, units=2, truncation=2, inputs=1).as_json
    request = {"seconds": 1e-4, "repeats": 1, "limit": 1.0, "chunk": 2}
    with pytest.raises(PeerError, match="TypeError"):
        field.ask(CPU, "time", 20.0, job=job | {"colour": 1}, **request)
    answer = field.ask(CPU, "time", 20.0, job=job, **request)
    assert answer["wall_s"][0] > 0
    assert answer["device_s"] == []


@pytest.mark.skipif(
    not importlib.util.find_spec("numba_cuda"), reason="numba-cuda is not installed"
)
def test_all_of_it_in_the_simulator(tmp_path, capsys):
    results = tmp_path / "gpu.json"
    others = [word for name in gpu._peers() for word in ("--without", name)]
    assert gpu.main(["--smoke", "--json", str(results), *others]) == 0
    report = json.loads(results.read_text())
    assert report["device"]["name"] == "simulator"
    assert [row["contestant"] for row in report["parity"]] == [CUDA, CUDA]
    assert all(row["agrees"] and row["difference"] < 1e-5 for row in report["parity"])
    jobs_there = {job.id for job in plan.smoke(False).timed}
    assert set(report["scenarios"]) == {
        f"{job}-{name}" for job in jobs_there for name in (CPU, CUDA)
    }
    for row in report["scenarios"].values():
        assert (row["contestant"] == CUDA) == ("device_median_us" in row) == ("on_chip" in row)
    assert capsys.readouterr().out.startswith("simulator; ")


def test_an_interpreter_that_is_not_there_is_told():
    with Field(
        ["jax", "pytorch"], False, {"jax": "/nowhere/python", "pytorch": "/bin/false"}
    ) as found:
        assert found.present == {}
        assert set(found.missing) == {"jax", "pytorch"}
        assert "No such file" in found.missing["jax"]
        assert "nowhere" not in found.missing["jax"]


def test_without_a_device_there_is_one_line(capsys, monkeypatch):
    monkeypatch.setitem(CONTESTANTS, "cupy", CONTESTANTS[CPU])
    monkeypatch.setattr(gpu, "CONTESTANTS", {CPU: CONTESTANTS[CPU], CUDA: CONTESTANTS[CUDA]})
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpu.main([]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1
    assert said[0].startswith(f"{CUDA} cannot run: ")
    assert gpu.main(["--python", "abacus=x"]) == 2


# --- what follows from the figures


def row_of(job, name, us, **more):
    answer = timed_answer(us / 1e6, on_chip=["parameters", "deltas"], **more)
    return rows._row(name, job, answer)


@pytest.fixture
def report():
    """A results file of some device: rates are made up, to be drawn in a test."""
    found = {}
    for job in plan.full(True).timed:
        size = job.streams * job.units
        for name, slower in ((CUDA, 1), (CPU, 60), ("jax", 25), ("pytorch", 4)):
            if CONTESTANTS[name].serves(job):
                us = slower * (1 + 1e5 / size) * job.units / 100
                device = {"device_s": [us / 2e6]} if name == CUDA else {}
                found[f"{job.id}-{name}"] = row_of(job, name, us, **device)
    limits = {"name": "none", "float32_tflops": 1.0, "memory_gb_s": 100.0, "copy_gb_s": 80.0}
    rows.complete(found, limits)
    about = {"title": "", "versions": {"streamrnn": "0"}}
    return {
        "machine": {"cpu": "none", "cores_used": 2},
        "device": limits,
        "options": {"repeats": 1},
        "contestants": {name: about | {"title": name} for name in (CUDA, CPU, "jax", "pytorch")},
        "missing": {"cupy": "not there"},
        "scenarios": found,
        "left_out": {"a-row": "time"},
        "aims": aims.judged(found),
    }


def test_ratios_and_shares_follow(report):
    row = report["scenarios"][f"{plan.MANY.id}-{CUDA}"]
    assert row["times_as_fast_as"] == pytest.approx({CPU: 60, "jax": 25, "pytorch": 4})
    rate = row["device_samples_a_second"]
    assert rate == pytest.approx(2 * row["samples_a_second"])
    assert row["share_of_float32"] == pytest.approx(rate * row["operations"] / 1e12)
    assert row["share_of_memory"] == pytest.approx(rate * row["moved_bytes"] / 100e9)
    assert row["share_of_copy"] == pytest.approx(1.25 * row["share_of_memory"])
    assert row["least_bytes"] < row["moved_bytes"]
    assert "share_of_float32" not in report["scenarios"][f"{plan.MANY.id}-jax"]


def test_aims_are_judged_by_the_fastest_way(report):
    found = {aim["aim"]: (aim["found"], aim["met"]) for aim in report["aims"]}
    (rate, _), *ratios = found.values()
    assert rate == report["scenarios"][f"{plan.MANY.id}-{CUDA}"]["device_samples_a_second"]
    assert ratios == [
        (pytest.approx(60), True),
        (pytest.approx(25), True),
        (pytest.approx(60), True),
        (pytest.approx(4), True),
    ]
    quick = report["scenarios"][f"{plan.MANY.id}-jax"]
    other = Job(plan.MANY.streams, plan.MANY.units, activations="recomputed")
    report["scenarios"][f"{other.id}-jax-grad"] = quick | {"median_us": quick["median_us"] / 2}
    jax = aims.judged(report["scenarios"])[2]
    assert (jax["found"], jax["met"]) == (pytest.approx(12.5), False)
    assert {aim["met"] for aim in aims.judged({})} == {None}


def test_the_table_tells_all(report):
    text = gpu.table(report)
    assert len(text.splitlines()) > len(report["scenarios"])
    many = next(
        line for line in text.splitlines() if line.startswith(f"{plan.MANY.id} ") and CPU in line
    )
    assert many.split()[-1] == "60"
    assert "a-row: left out, time" in text
    assert "cupy: missing, not there" in text
    assert "aim: 50 of all CPU cores, the same; found: 60" in text


def test_the_chart_has_a_panel_for_each_size(report, tmp_path):
    figure = gpu_chart.streams(report)
    assert [axes.get_title() for axes in figure.axes] == [f"{n} units" for n in (16, 32, 64, 128)]
    for axes in figure.axes:
        assert [len(line.get_xdata()) for line in axes.lines] == [len(plan.STREAMS)] * 4
    gpu_chart.plt.close(figure)
    results = tmp_path / "gpu.json"
    results.write_text(json.dumps(report))
    path = gpu_chart.draw(json.loads(results.read_text()), tmp_path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_a_chart_of_nothing_is_refused(report):
    report["scenarios"] = {}
    with pytest.raises(ValueError, match="no row of several streams"):
        gpu_chart.streams(report)
