"""Rows of figures: who learns which job how fast, or why that is not known."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

from processes import PeerError, without_paths

from device import counts
from device.contestants import CONTESTANTS, CUDA, Field
from device.jobs import Job
from device.plan import Plan

#: Of the seconds of a row, what a contestant plans with; the rest is for its last repeat.
_PLANNED = 0.7


class Budget:
    """The time of a whole run, and what has turned out to be too much.

    Parameters
    ----------
    seconds
        Of the run, from now on.
    clock
        Tells seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._end = clock() + seconds
        self._too_much: list[tuple[str, Job, str]] = []

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self._end - self._clock()

    def refusal(self, name: str, job: Job, least: float) -> str | None:
        """Say why a row need not be tried, None if it should be.

        Parameters
        ----------
        name, job
            The row.
        least
            Seconds below which it is not begun.
        """
        for other, smaller, why in self._too_much:
            if other == name and _is_like(smaller, job):
                return f"a smaller one, {smaller.id}: {why}"
        return "the time of the run was over" if self.left < least else None

    def note(self, name: str, job: Job, why: str) -> None:
        """Remember that a row took too much, so that no larger one is tried."""
        self._too_much.append((name, job, why))


def _is_like(smaller: Job, job: Job) -> bool:
    """Say whether a job is another one but for its size, and no smaller."""
    sizes = (smaller.streams <= job.streams, smaller.units <= job.units)
    kinds = [(one.shared, one.activations, one.truncation, one.inputs) for one in (smaller, job)]
    return all(sizes) and kinds[0] == kinds[1]


def measure(
    field: Field,
    plan: Plan,
    budget: Budget,
    objection: Callable[[str, Job], str | None] = lambda name, job: None,
) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Time all jobs, those who serve one directly after one another, every second job backwards.

    Parameters
    ----------
    field, plan, budget
        Who, what, and for how long.
    objection
        Says why a contestant's time at a job would mean nothing; None where it would.

    Yields
    ------
    row, found
        The ids of job and contestant; its figures, or the reason why there are none.
    """
    for i, job in enumerate(plan.timed):
        names = [name for name in field.present if CONTESTANTS[name].serves(job)]
        for name in names if i % 2 == 0 else reversed(names):
            row = f"{job.id}-{name}"
            refusal = objection(name, job) or budget.refusal(name, job, plan.row_seconds / 10)
            yield row, refusal or _measured(field, name, job, plan, budget)


def _measured(
    field: Field, name: str, job: Job, plan: Plan, budget: Budget
) -> dict[str, Any] | str:
    within = min(plan.row_seconds, budget.left)
    request = {"seconds": plan.seconds, "repeats": plan.repeats, "chunk": plan.chunk}
    request["limit"] = _PLANNED * within
    try:
        answer = field.ask(name, "time", within, job=job.as_json, **request)
    except PeerError as error:
        why = _reason(error)
        if not why.startswith("error"):
            budget.note(name, job, why)
        return why
    return _row(name, job, answer)


def _reason(error: PeerError) -> str:
    """Put an error into one of three kinds: time, memory, anything else."""
    text = without_paths(error)
    if isinstance(error.__cause__, TimeoutError):
        return f"time: {text}"
    wants_memory = ("out of memory", "MemoryError", "RESOURCE_EXHAUSTED", "does not fit")
    return f"{'memory' if any(word in text for word in wants_memory) else 'error'}: {text}"


def _row(name: str, job: Job, answer: dict[str, Any]) -> dict[str, Any]:
    """Turn an answer into figures: microseconds a sample, the median, samples a second."""
    row = {"contestant": name, "job": job.as_json, "samples": answer["samples"]}
    for clock, prefix in (("wall_s", ""), ("device_s", "device_")):
        times = [seconds / answer["samples"] * 1e6 for seconds in answer[clock]]
        if times:
            row[f"{prefix}times_us"] = times
            row[f"{prefix}median_us"] = median(times)
            row[f"{prefix}samples_a_second"] = 1e6 / median(times)
    return row | {word: answer[word] for word in answer if word not in ("wall_s", "device_s")}


def rate_of(row: dict[str, Any]) -> str:
    """Return samples a second as text."""
    return f"{row['samples_a_second']:,.0f} samples/s"


def complete(results: dict[str, dict[str, Any]], limits: dict[str, Any]) -> None:
    """Add what follows: times as fast as others, and our shares of the device's limits.

    Parameters
    ----------
    results
        Those of `measure`; the arrays that our kernel keeps ``on_chip`` are among them, if known.
    limits
        What `limits.properties` and `limits.copy_bandwidth` said.
    """
    for row in results.values():
        job = Job(**row["job"])
        row["operations"] = sum(counts.operations(job).values())
        if row["contestant"] != CUDA:
            continue
        others = {name: results.get(f"{job.id}-{name}") for name in CONTESTANTS if name != CUDA}
        row["times_as_fast_as"] = {
            name: other["median_us"] / row["median_us"] for name, other in others.items() if other
        }
        rate = row.get("device_samples_a_second", row["samples_a_second"])
        if "float32_tflops" in limits:
            row["share_of_float32"] = rate * row["operations"] / limits["float32_tflops"] / 1e12
        if not job.shared:
            _add_bytes(row, job, rate, limits)


def _add_bytes(row: dict[str, Any], job: Job, rate: float, limits: dict[str, Any]) -> None:
    row["least_bytes"] = counts.least(job, row["chunk"])
    if "on_chip" in row:
        row["moved_bytes"] = counts.moved(job, row["chunk"], row["on_chip"])
    moving = row.get("moved_bytes", row["least_bytes"])
    for limit in ("memory_gb_s", "copy_gb_s"):
        if limit in limits:
            row[f"share_of_{limit.removesuffix('_gb_s')}"] = rate * moving / limits[limit] / 1e9
