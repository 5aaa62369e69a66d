"""What is measured. Ids are permanent: results of different versions are compared by them.

``lstm-8-32-k32-stored``: cell, inputs, units (``x2``: of two layers), truncation, contestant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

OURS = "streamrnn"
INPUTS = 8

#: (units, truncation) of the table; all contestants.
SIZES = [(16, 16), (32, 32), (64, 32), (128, 32), (256, 32)]
#: Further points of the charts; all contestants, but not our loop.
POINTS = [(16, 32), (32, 8), (32, 16), (32, 64), (32, 128)]
#: Further points of our own growth.
GROWTH = [(8, 32), (32, 256), (32, 512)]
#: Here everybody may show what a second thread brings.
TWO_THREADS = (256, 32)

#: Samples one model sees while its memory is watched.
MEMORY = {"samples": 10_000_000, "block": 20_000, "units": 8, "truncation": 8}
MEMORY_ID = "lstm-8-8-k8-memory"
KEYS = [1, 10, 100, 1000, 10_000]
KEYED = {"samples": 50_000, "units": 32, "truncation": 32}


@dataclass(frozen=True)
class Scenario:
    """One figure: who does which job, with how many threads."""

    id: str
    contestant: str
    threads: int
    job: dict[str, Any] = field(compare=False)
    do: str = "time"


def size_id(cell: str, units: int, truncation: int, layers: int = 1) -> str:
    """Return the id of a job, which is that of its scenarios without the contestant."""
    deep = f"x{layers}" if layers > 1 else ""
    return f"{cell}-{INPUTS}-{units}{deep}-k{truncation}"


def _scenario(
    contestant: str,
    variant: str,
    units: int,
    truncation: int,
    label: str = "",
    threads: int = 1,
    **more: Any,
) -> Scenario:
    job = {"inputs": INPUTS, "units": units, "truncation": truncation, "variant": variant, **more}
    size = size_id(more.get("cell", "lstm"), units, truncation, more.get("layers", 1))
    return Scenario(f"{size}-{label or variant or contestant}", contestant, threads, job)


def _kinds() -> list[Scenario]:
    """Return what else we can do, at the default size."""
    return [
        _scenario(OURS, "stored", 32, 32, layers=2),
        _scenario(OURS, "stored", 32, 32, cell="gru"),
        _scenario(OURS, "stored", 32, 32, cell="rnn"),
        _scenario(OURS, "every16", 32, 32),
        _scenario(OURS, "defaults", 32, 32),
        _scenario(OURS, "stored", 32, 32, "float64", dtype="float64"),
    ]


def _keys(n_keys: int, threads: int) -> Scenario:
    size = size_id("lstm", KEYED["units"], KEYED["truncation"])
    job = {"n_keys": n_keys, "n_threads": threads, **KEYED}
    return Scenario(f"{size}-keys{n_keys}-threads{threads}", OURS, threads, job, "keys")


def scenarios(peers: list[str], has_keys: bool) -> list[Scenario]:
    """Return all scenarios, those of one job behind one another."""
    found = []
    for units, truncation in SIZES + POINTS + GROWTH:
        size = (units, truncation)
        variants = ["stored", "recomputed"] + (["loop"] if size in SIZES else [])
        found += [_scenario(OURS, variant, *size) for variant in variants]
        if size not in GROWTH:
            found += [_scenario(peer, "", *size) for peer in peers]
        if size == TWO_THREADS:
            found += [_scenario(peer, "", *size, f"{peer}-threads2", 2) for peer in peers]
            found += [_scenario(OURS, way, *size, f"{way}-threads2", 2) for way in variants]
    keyed = [_keys(n, threads) for threads in (1, 2) for n in KEYS] if has_keys else []
    return found + _kinds() + keyed


def matches(name: str, patterns: list[str]) -> bool:
    """Say whether an id is asked for: a pattern may have ``*``; none at all asks for everything."""
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
