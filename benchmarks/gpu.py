"""Measure many streams on a device: samples a second of ours, all CPU cores, JAX and PyTorch.

::

    python benchmarks/gpu.py --json benchmarks/results/gpu.json   # some eight minutes, unattended
    python benchmarks/gpu.py --shared                      # streams that share their weights, too
    python benchmarks/gpu.py --smoke                       # without a device: all of it, tiny
    python benchmarks/gpu_chart.py benchmarks/results/gpu.json

First everybody's predictions are compared with ours on the CPU, and who does another job is not
timed. Every contestant has a process of its own, and a row a limit of time: rows that are over it,
or do not fit into memory, say so in the results. The exit status is 1 if ours on the device does
not agree with ours on the CPU, 2 if it cannot run at all.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from device import aims, parity, rows
from device.contestants import CONTESTANTS, CPU, CUDA, Field, n_cores
from device.plan import Plan, full, smoke
from processes import PeerError, peer_pythons
from report import SCHEMA, machine, write

MINUTES = 8.0
_QUESTION = 20.0  # seconds


def run(
    plan: Plan,
    names: list[str],
    on_device: bool,
    pythons: dict[str, str],
    minutes: float,
    keep: Callable[[dict[str, Any]], None],
) -> dict[str, Any]:
    """Compare, then measure; return the whole report.

    Parameters
    ----------
    plan, names, on_device, pythons
        What is done, and by whom: see `Field`.
    minutes
        After which no row is begun.
    keep
        Given the report after each row: what is found is not lost if the run is ended.

    Raises
    ------
    PeerError
        If ours cannot run, on the device or on the CPU.
    """
    budget = rows.Budget(60 * minutes)
    with Field(names, on_device, pythons) as field:
        for name in (CPU, CUDA):
            if name in field.missing:
                raise PeerError(f"{name} cannot run: {field.missing[name]}")
        _say(f"here: {', '.join(field.present)}; missing: {', '.join(field.missing) or 'nobody'}")
        report = _begun(plan, field, on_device, minutes)
        for row in report["parity"]:
            _say(_verdict(row))
        report["tuned"] = field.tune(plan.timed[0])
        objection = partial(parity.objection, report["parity"])
        for name, found in rows.measure(field, plan, budget, objection):
            is_left_out = isinstance(found, str)
            report["left_out" if is_left_out else "scenarios"][name] = found
            _say(f"{name}: {found if is_left_out else rows.rate_of(found)}")
            keep(report)
    rows.complete(report["scenarios"], report["device"])
    report["aims"] = aims.judged(report["scenarios"]) if on_device else []
    return report


def _begun(plan: Plan, field: Field, on_device: bool, minutes: float) -> dict[str, Any]:
    """Return the report as it is before anything is timed."""
    limits = field.ask(CUDA, "properties", _QUESTION)
    limits |= field.ask(CUDA, "copy", _QUESTION) if on_device else {}
    return {
        "schema": SCHEMA,
        "unit": "microseconds a sample",
        "options": {"minutes": minutes, "repeats": plan.repeats, "seconds": plan.seconds},
        "machine": machine() | {"cores_used": n_cores()},
        "device": limits,
        "contestants": field.present,
        "missing": field.missing,
        "parity": parity.compare(field, plan.compared),
        "scenarios": {},
        "left_out": {},
    }


def _verdict(row: dict[str, Any]) -> str:
    about = f"{row['contestant']} at {row['job']}"
    if "difference" not in row:
        return f"{about}: not compared: {row['why']}"
    does = "agrees" if row["agrees"] else "DOES NOT AGREE"
    return f"{about} {does}: differs by {row['difference']:.2g}"


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def table(report: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = [f"{report['device']['name']}; {report['machine']['cpu']}", ""]
    lines.append(
        f"{'job':<36}{'contestant':<16}{'samples/s':>13}{'by events':>13}{'times ours':>12}"
    )
    for name, row in report["scenarios"].items():
        job = name.removesuffix(f"-{row['contestant']}")
        ours = report["scenarios"].get(f"{job}-{CUDA}")
        times = f"{row['median_us'] / ours['median_us']:.3g}" if ours else "-"
        events = row.get("device_samples_a_second")
        lines.append(
            f"{job:<36}{row['contestant']:<16}{row['samples_a_second']:>13,.0f}"
            f"{'-' if events is None else f'{events:,.0f}':>13}{times:>12}"
        )
    lines += ["", *(f"{name}: left out, {why}" for name, why in report["left_out"].items())]
    lines += [f"{name}: missing, {why}" for name, why in report["missing"].items()]
    for aim in report["aims"]:
        found = "not measured" if aim["found"] is None else f"{aim['found']:,.3g}"
        lines.append(f"aim: {aim['wanted']:,.3g} {aim['aim']}; found: {found}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, write everything as JSON if asked to; return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--smoke", action="store_true", help="tiny, in Numba's simulator")
    parser.add_argument("--shared", action="store_true", help="shared weights, too")
    parser.add_argument("--without", action="append", default=[], choices=_peers(), metavar="NAME")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"default: {MINUTES:g}")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="the interpreter of a peer (jax, pytorch); repeatable",
    )
    chosen = parser.parse_args(arguments)
    plan = (smoke if chosen.smoke else full)(chosen.shared)
    names = [name for name in CONTESTANTS if name not in chosen.without]
    keep = partial(write, chosen.json)
    try:
        pythons = peer_pythons(chosen.python)
        report = run(plan, names, not chosen.smoke, pythons, chosen.minutes, keep)
    except (ValueError, PeerError) as error:
        print(error, file=sys.stderr)
        return 2
    print(table(report))
    keep(report)
    return int(any(row["contestant"] == CUDA and not row["agrees"] for row in report["parity"]))


def _peers() -> list[str]:
    return [name for name in CONTESTANTS if name not in (CPU, CUDA)]


if __name__ == "__main__":
    raise SystemExit(main())
