"""Which jobs are measured, the most telling ones first, and which are compared before."""

from __future__ import annotations

from dataclasses import dataclass

from device.jobs import Job

STREAMS = (4096, 1056, 132, 16384, 1)
UNITS = (32, 64, 16, 128)
#: What the aims are about.
MANY = Job(4096, 32)
WAYS = ("stored", "recomputed")
#: At the rate of the others so wide a network does not settle, in no library: with activations
#: recomputed, a difference in the last digit grows a thousandfold in ten samples.
WIDE = [Job(1, 2048, activations=way, lr=2e-5) for way in WAYS]


@dataclass(frozen=True)
class Plan:
    """Jobs to compare, each with a number of samples, and jobs to time.

    ``row_seconds``: what a row may take, building and compiling included; ``seconds`` is what a
    repeat should take; ``chunk`` the samples of a call, None for `jobs.chunk_length`.
    """

    compared: list[tuple[Job, int]]
    timed: list[Job]
    row_seconds: float
    seconds: float
    repeats: int
    chunk: int | None = None


def full(shared: bool) -> Plan:
    """Return the plan for a device."""
    compared = [(Job(5, units), 80) for units in UNITS]
    compared += [(Job(5, 32, activations="recomputed"), 80)]
    compared += [(job, 40) for job in WIDE]
    timed = [MANY, Job(4096, 32, activations="recomputed")]
    timed += WIDE
    every = [Job(streams, units) for units in UNITS for streams in STREAMS]
    timed += [job for job in every if job != MANY]
    if shared:
        compared += [(Job(20, 32, activations=way, shared=True), 80) for way in WAYS]
        timed += [
            Job(streams, units, activations=way, shared=True)
            for units in (32, 128)
            for streams in (4096, 132, 16384)
            for way in WAYS
        ]
    return Plan(compared, timed, row_seconds=20.0, seconds=0.2, repeats=5)


def smoke(shared: bool) -> Plan:
    """Return a plan that says nothing of speed, and goes through everything without a device."""
    few = {"truncation": 2, "inputs": 1}
    jobs = [Job(2, 2, **few), Job(1, 2, activations="recomputed", **few)]
    if shared:
        jobs += [Job(2, 2, activations=way, shared=True, **few) for way in WAYS]
    return Plan([(job, 3) for job in jobs], jobs, 30.0, seconds=1e-3, repeats=1, chunk=1)
