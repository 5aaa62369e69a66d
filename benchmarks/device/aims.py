"""What is aimed at, on one device of the H200's class, and what was found."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from device.contestants import CPU, CUDA
from device.jobs import Job
from device.plan import MANY, WIDE

Results = dict[str, dict[str, Any]]

AIM_RATE, AIM_CPU, AIM_JAX = 3e6, 50.0, 20.0
AIM_WIDE_CPU, AIM_WIDE_TORCH = 20.0, 3.0


def judged(results: Results) -> list[dict[str, Any]]:
    """Say of each aim what was found, and whether it is met; None where it was not measured.

    Rates are by the device's events, ratios by the clock on the wall, with copying. Whoever has
    several ways to do a job is taken by the fastest, we and they.
    """
    many = [MANY.id]
    wide = [job.id for job in WIDE]
    rate = results.get(f"{MANY.id}-{CUDA}", {}).get("device_samples_a_second")
    either = [MANY.id, Job(MANY.streams, MANY.units, activations="recomputed").id]
    found = [
        ("samples a second, 4096 streams x 32 units, K = 32", AIM_RATE, rate),
        ("of all CPU cores, the same", AIM_CPU, _ratio(results, many, many, [CPU])),
        ("of JAX, the same", AIM_JAX, _ratio(results, many, either, ["jax", "jax-grad"])),
        ("of all CPU cores, 2048 units", AIM_WIDE_CPU, _ratio(results, wide, wide, [CPU])),
        (
            "of PyTorch, 2048 units",
            AIM_WIDE_TORCH,
            _ratio(results, wide, wide, ["pytorch", "pytorch-lstm"]),
        ),
    ]
    return [
        {
            "aim": text,
            "wanted": wanted,
            "found": value,
            "met": None if value is None else value >= wanted,
        }
        for text, wanted, value in found
    ]


def _ratio(
    results: Results, ours: Iterable[str], theirs: Iterable[str], names: Iterable[str]
) -> float | None:
    fastest = _fastest(results, ours, [CUDA])
    other = _fastest(results, theirs, names)
    return other / fastest if fastest and other else None


def _fastest(results: Results, ids: Iterable[str], names: Iterable[str]) -> float | None:
    """Return the least microseconds a sample of some contestants at some jobs."""
    names = list(names)
    rows = (results.get(f"{job}-{name}") for job in ids for name in names)
    return min((row["median_us"] for row in rows if row), default=None)
