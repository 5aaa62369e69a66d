"""Jobs: each row on each stream with each seed; results are put among those of before."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from concurrent.futures import Executor, as_completed
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.metadata import version
from typing import Any, NamedTuple

from quality import ours
from quality.baselines import deep_river
from quality.baselines import rows as baselines
from quality.catalogue import STREAMS, is_there, stream
from quality.rows import Row
from quality.scores import scored

NO_DATA = "STREAMRNN_DATA is not set"
NO_PEER = "STREAMRNN_PEER_DEEP_RIVER is not set"
Report = dict[str, Any]


class Job(NamedTuple):
    """One row on one stream with one seed."""

    stream: str
    row: str
    seed: int


def rows_of(name: str) -> dict[str, Row]:
    """Return the rows that are run on a stream, ours first."""
    return rows_of_kind(name, stream(name).kind)


def rows_of_kind(name: str, kind: str) -> dict[str, Row]:
    """Return the rows that are run on a stream of some kind, which need not be readable."""
    every = ours.rows(kind) | baselines(kind)
    return {row: one for row, one in every.items() if one.streams is None or name in one.streams}


def planned(
    only: list[str], models: list[str], seeds: int, quick: bool
) -> tuple[list[Job], dict[str, str]]:
    """Return the jobs that were asked for, those that take long first, and what is left out.

    Parameters
    ----------
    only, models
        Patterns of streams and rows; none for all.
    seeds
        How many, for the rows that they make a difference to.
    quick
        Whether slow rows are left out.
    """
    jobs: list[tuple[bool, Job]] = []
    left_out = {}
    for name in _matching(STREAMS, only):
        if not is_there(name):
            left_out[name] = NO_DATA
            continue
        for row, one in rows_of(name).items():
            if not _matches(row, models) or (quick and one.slow):
                continue
            if one.family == "peer" and deep_river.python() is None:
                left_out[row] = NO_PEER
                continue
            chosen = range(1, (seeds if one.seeded else 1) + 1)
            jobs += [(one.slow, Job(name, row, seed)) for seed in chosen]
    jobs.sort(key=lambda job: -len(stream(job[1].stream).xs) * job[0])
    return [job for _, job in jobs], left_out


def _matches(name: str, patterns: list[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _matching(names: Iterable[str], patterns: list[str]) -> list[str]:
    return [name for name in names if _matches(name, patterns)]


def do(job: Job) -> dict[str, Any]:
    """Run a job; return its figures, microseconds a step, and how many steps there were."""
    row, all_of_it = rows_of(job.stream)[job.row], stream(job.stream)
    part = all_of_it if row.limit is None else all_of_it.head(row.limit)
    predictions, seconds = row.run(part, job.seed)
    n = len(part.xs)
    return {"figures": scored(part, predictions), "us": 1e6 * seconds / n, "steps": n}


def run(jobs: list[Job], pool: Executor) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """Run jobs; return by stream and row what came of them, and by both why others failed."""
    started = {pool.submit(do, job): job for job in jobs}
    done: dict[Job, dict[str, Any]] = {}
    failed: dict[str, str] = {}
    for future in as_completed(started):
        job, error = started[future], future.exception()
        if error is None:
            done[job] = future.result()
        else:  # told at the end, with what is known of the others
            failed[f"{job.stream}: {job.row}"] = f"{type(error).__name__}: {error}"
        state = "failed" if error else f"{done[job]['us']:.0f} us a step"
        _say(f"{len(done) + len(failed)} of {len(jobs)}: {': '.join(job[:2])}, {job[2]}: {state}")
    found: dict[str, dict[str, Any]] = {}
    for job in jobs:
        found.setdefault(job.stream, {})
    for name, rows in found.items():
        for row in rows_of(name):
            each = [done[job] for job in sorted(done) if job[:2] == (name, row)]
            if each and f"{name}: {row}" not in failed:
                rows[row] = _together(name, row, each)
    return found, failed


def described(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return what tables say of streams, for where these cannot be read."""
    return {
        name: {
            "task": stream(name).task,
            "kind": stream(name).kind,
            "about": stream(name).about,
            "steps": len(stream(name).xs),
            "counted": len(stream(name).xs) - stream(name).first,
        }
        for name in names
    }


def _together(name: str, row: str, each: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the seeds of a row together."""
    one = rows_of(name)[row]
    return {
        "family": one.family,
        "figures": {key: [seed["figures"][key] for seed in each] for key in each[0]["figures"]},
        "us": [round(seed["us"], 1) for seed in each],
        "steps": each[0]["steps"],
        "measured": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "with": _version(one.library),
    }


def _version(library: str) -> str:
    """Return a library's name and version, of deep-river in its own environment."""
    return deep_river.version() if library == "deep-river" else f"{library} {version(library)}"


def merged(old: Report | None, new: Report) -> Report:
    """Return a report with the rows of both, the new ones in place of the old.

    Rows and streams that there are no longer are dropped.
    """
    old = old or {"streams": {}, "described": {}}
    about = old["described"] | new["described"]
    streams = {}
    for name in STREAMS:
        rows = old["streams"].get(name, {}) | new["streams"].get(name, {})
        if rows:
            there = rows_of_kind(name, about[name]["kind"])
            streams[name] = {row: rows[row] for row in there if row in rows}
    known = {*streams, *(row for rows in streams.values() for row in rows)}
    left_out = {what: why for what, why in new["left_out"].items() if what not in known}
    described = {name: about[name] for name in streams}
    return {**new, "streams": streams, "described": described, "left_out": left_out}


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
