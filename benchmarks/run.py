"""Measure: microseconds a sample of ours and of every peer that is installed, growth, memory.

::

    python benchmarks/run.py                                 # everything, some ten minutes
    python benchmarks/run.py --quick                         # a coarse look at everything
    python benchmarks/run.py --only 'lstm-8-32-k32-*'        # some scenarios, by their ids
    python benchmarks/run.py --json results.json             # keep the figures
    python benchmarks/run.py --python deep-river=PATH        # a peer in an environment of its own

Every contestant has a process of its own, on one core. Windows are full and everything is compiled
when the clock starts. A repeat goes through all scenarios, every second one backwards, so that a
drift of the machine hits all alike; the median of the repeats counts.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

import startup
import summary
from processes import Contestants, PeerError, peer_files, peer_pythons
from report import SCHEMA, machine, write
from scenarios import MEMORY, MEMORY_ID, OURS, Scenario, matches, scenarios

import streamrnn

FULL = {"repeats": 5, "seconds": 0.3, "memory_samples": MEMORY["samples"], "starts": 3}
QUICK = {"repeats": 1, "seconds": 0.05, "memory_samples": 400_000, "starts": 1}


def measure(
    contestants: Contestants, chosen: list[Scenario], repeats: int, seconds: float
) -> tuple[dict[str, Any], float]:
    """Return the scenarios' results by id, and the speed of a matrix product in GFLOP/s."""
    answers: dict[str, list[dict[str, Any]]] = {scenario.id: [] for scenario in chosen}
    gflops = 0.0
    for repeat in range(-1, repeats):  # the first builds, compiles and warms up
        gflops = max(gflops, contestants.ask(OURS, 1, "sgemm")["gflops"])
        for scenario in chosen if repeat % 2 == 0 else reversed(chosen):
            answer = _ask(contestants, scenario, seconds)
            if repeat >= 0:
                answers[scenario.id].append(answer)
        _say("warmed up" if repeat < 0 else f"repeat {repeat + 1} of {repeats}")
    return {scenario.id: _result(scenario, answers[scenario.id]) for scenario in chosen}, gflops


def _ask(contestants: Contestants, scenario: Scenario, seconds: float) -> dict[str, Any]:
    request = dict(scenario.job)
    if scenario.do == "time":
        request = {"job": scenario.job, "seconds": seconds}
    try:
        return contestants.ask(scenario.contestant, scenario.threads, scenario.do, **request)
    except PeerError as error:
        raise PeerError(f"{scenario.id}: {error}") from error


def _result(scenario: Scenario, answers: list[dict[str, Any]]) -> dict[str, Any]:
    times = [round(answer["us"], 3) for answer in answers]
    return {
        "contestant": scenario.contestant,
        "threads": scenario.threads,
        "job": scenario.job,
        "samples": answers[0]["samples"],
        "times_us": times,
        "median_us": round(median(times), 3),
    }


def measure_memory(contestants: Contestants, samples: int) -> dict[str, Any]:
    """Watch one model's process over a long stream."""
    process = contestants.start(OURS, 1)
    try:
        answer = process.ask("memory", **(MEMORY | {"samples": samples}))
    finally:
        process.close()
    _say("memory watched")
    return {"job": MEMORY | {"samples": samples}, **answer}


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def run(patterns: list[str], options: dict[str, Any], pythons: dict[str, str]) -> dict[str, Any]:
    """Measure what is asked for; return the whole report."""
    with Contestants(pythons) as contestants:
        peers = [name for name in contestants.present if name != OURS]
        every = scenarios(peers, hasattr(streamrnn, "KeyedModel"))
        chosen = [scenario for scenario in every if matches(scenario.id, patterns)]
        has_memory = matches(MEMORY_ID, patterns) and Path("/proc/self/statm").exists()
        has_startup = matches(startup.STARTUP_ID, patterns)
        if not chosen and not has_memory and not has_startup:
            ids = "\n".join([*(scenario.id for scenario in every), MEMORY_ID, startup.STARTUP_ID])
            raise ValueError(f"no scenario is called {' or '.join(patterns)}; there are\n{ids}")
        _say(f"{len(chosen)} scenarios; peers: {', '.join(peers) or 'none'}")
        found, gflops = measure(contestants, chosen, options["repeats"], options["seconds"])
        report = {
            "schema": SCHEMA,
            "unit": "microseconds a sample",
            "options": options,
            "machine": machine(),
            "contestants": contestants.present,
            "missing": contestants.missing,
            "sgemm_gflops": round(gflops, 1),
            "scenarios": found,
        }
        if has_memory:
            report["memory"] = measure_memory(contestants, options["memory_samples"])
    if has_startup:
        report["startup"] = startup.measure(options["starts"])
        _say("startup measured")
    return summary.complete(report)


def table(report: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = [f"{'scenario':<34}{'us/sample':>11}  {'times ours':<34}{'of sgemm':>8}"]
    for name, result in report["scenarios"].items():
        ratios = [f"{ratio:.3g} x {ours}" for ours, ratio in result.get("ratio_to", {}).items()]
        share = f"{result['share_of_sgemm']:8.0%}" if "share_of_sgemm" in result else ""
        lines.append(f"{name:<34}{result['median_us']:>11.2f}  {', '.join(ratios):<34}{share}")
    for name, reason in report["missing"].items():
        lines.append(f"{name}: not measured ({reason})")
    return "\n".join([*lines, "", *summary.sentences(report)])


def main() -> None:
    """Measure, print a table, and write everything as JSON if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PATTERN",
        help="ids, with '*'; repeatable",
    )
    parser.add_argument("--quick", action="store_true", help="one short repeat")
    parser.add_argument("--repeats", type=int, help="default: 5")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help=f"the interpreter of a peer ({', '.join(peer_files())}); repeatable",
    )
    arguments = parser.parse_args()
    options = dict(QUICK if arguments.quick else FULL)
    if arguments.repeats:
        options["repeats"] = arguments.repeats
    try:
        report = run(arguments.only, options, peer_pythons(arguments.python))
    except (ValueError, PeerError) as error:
        parser.exit(2, f"{error}\n")
    print(table(report))
    write(arguments.json, report)


if __name__ == "__main__":
    main()
