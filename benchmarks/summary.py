"""What follows from the measured times: ratios, shares of the arithmetic limit, laws of growth."""

from __future__ import annotations

from typing import Any

import flops
import numpy as np
from scenarios import GROWTH, OURS, POINTS, SIZES, size_id

Report = dict[str, Any]


def complete(report: Report) -> Report:
    """Add to a report what follows from its times."""
    for result in report["scenarios"].values():
        if result["contestant"] == OURS:
            _add_share(report, result)
        else:
            _add_ratios(report, result)
    report["growth"] = {
        variant: {"truncation": line(report, variant), "units": power(report, variant)}
        for variant in ("stored", "recomputed")
    }
    return report


def _add_ratios(report: Report, result: dict[str, Any]) -> None:
    """Say how many times as long as each of ours a peer takes at the same job."""
    size = size_id("lstm", result["job"]["units"], result["job"]["truncation"])
    found = {name: us(report, f"{size}-{name}") for name in ("stored", "recomputed", "loop")}
    result["ratio_to"] = {
        name: round(result["median_us"] / ours, 3) for name, ours in found.items() if ours
    }


def _add_share(report: Report, result: dict[str, Any]) -> None:
    if "variant" not in result["job"]:
        return
    result["flops"] = round(sum(flops.count(result["job"]).values()))
    result["gflops"] = round(result["flops"] / result["median_us"] / 1e3, 2)
    if result["threads"] == 1 and result["job"].get("dtype", "float32") == "float32":
        result["share_of_sgemm"] = round(result["gflops"] / report["sgemm_gflops"], 3)


def us(report: Report, name: str) -> float | None:
    """Return the median of a scenario, None where it was not measured."""
    return report["scenarios"].get(name, {}).get("median_us")


def series(
    report: Report, label: str, units: int | None = None, truncation: int | None = None
) -> tuple[list[int], list[float]]:
    """Return sizes and times of one contestant with the units or the truncation held."""
    points = []
    for H, K in SIZES + POINTS + GROWTH:
        time = us(report, f"{size_id('lstm', H, K)}-{label}")
        if time is not None and units in (None, H) and truncation in (None, K):
            points.append((K if units else H, time))
    points.sort()
    return [size for size, _ in points], [time for _, time in points]


def line(report: Report, variant: str) -> dict[str, float] | None:
    """Fit a straight line to time against truncation, at 32 units."""
    sizes, times = series(report, variant, units=32)
    if len(sizes) < 3:
        return None
    slope, intercept = np.polyfit(sizes, times, 1)
    left = np.sum((np.polyval([slope, intercept], sizes) - times) ** 2)
    r2 = 1 - left / np.sum((times - np.mean(times)) ** 2)
    return {
        "us_a_step": round(float(slope), 4),
        "us_at_0": round(float(intercept), 3),
        "r2": round(float(r2), 5),
    }


def power(report: Report, variant: str) -> dict[str, float] | None:
    """Fit a power law to time against units, at a truncation of 32, from 32 units on."""
    sizes, times = series(report, variant, truncation=32)
    kept = [i for i, size in enumerate(sizes) if size >= 32]
    if len(kept) < 3:
        return None
    slope, _ = np.polyfit(np.log([sizes[i] for i in kept]), np.log([times[i] for i in kept]), 1)
    return {"exponent": round(float(slope), 3)}


def keys(report: Report, threads: int) -> tuple[list[int], list[float]]:
    """Return numbers of keys and times of the keyed model."""
    found = [
        (result["job"]["n_keys"], result["median_us"])
        for result in report["scenarios"].values()
        if "n_keys" in result["job"] and result["threads"] == threads
    ]
    return [n for n, _ in found], [time for _, time in found]


def memory_growth(report: Report) -> float | None:
    """Return by how many MiB memory has grown since a tenth of the stream was learnt."""
    if "memory" not in report:
        return None
    resident = report["memory"]["mib"]
    return round(resident[-1] - resident[len(resident) // 10], 2)


def _scaling(report: Report) -> list[str]:
    """Say what a second thread brings to a thousand keys."""
    one, two = (dict(zip(*keys(report, threads), strict=True)) for threads in (1, 2))
    if 1000 not in one or 1000 not in two:
        return []
    return [
        f"1,000 keys: {one[1000]:.2f} µs with one thread, {two[1000]:.2f} with two, "
        f"{one[1000] / two[1000]:.2f} times as fast."
    ]


def sentences(report: Report) -> list[str]:
    """Return the laws of growth in words."""
    said = []
    for variant, laws in report["growth"].items():
        fit, law = laws["truncation"], laws["units"]
        if fit:
            sign = "-" if fit["us_at_0"] < 0 else "+"
            said.append(
                f"Time against truncation, {variant}: {fit['us_a_step']:.3f} K {sign} "
                f"{abs(fit['us_at_0']):.2f} µs, R² = {fit['r2']:.4f} (32 units)."
            )
        if law:
            said.append(
                f"Time against units, {variant}: units to the power of {law['exponent']:.2f} "
                "(K = 32, from 32 units on)."
            )
    for threads in (1, 2):
        numbers, times = keys(report, threads)
        if len(numbers) > 1:
            said.append(
                f"Time against keys, {threads} thread{'s' if threads > 1 else ''}: "
                f"{times[0]:.2f} µs with {numbers[0]}, {times[-1]:.2f} µs with {numbers[-1]:,}."
            )
    said += _scaling(report)
    if "startup" in report:
        start = report["startup"]
        said.append(
            f"The first call of a configuration compiles it, {start['first_call']:.1f} s here; a "
            f"later process predicts {start['warm_process']:.1f} s after it began to import."
        )
    growth = memory_growth(report)
    if growth is not None:
        memory = report["memory"]
        said.append(
            f"Memory over {memory['samples'][-1]:,} samples: {memory['mib'][-1]:.1f} MiB at the "
            f"end, {growth:+.2f} MiB since the first tenth."
        )
    return said
