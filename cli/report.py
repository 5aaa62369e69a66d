"""The outcome of a run: as data for ``--metrics-json``, and as text for people."""

import json
import math
from typing import Any

from .scoreboard import Scoreboard
from .table import counted, number, render

#: Counters of the network that need no line, or have one by another name.
NAMED = {"samples", "updates", "clipped", "skipped", "missing_values", "missing_targets"}


def summary(board: Scoreboard, model: Any, skipped: int, about: dict[str, Any]) -> dict[str, Any]:
    """Gather the outcome.

    Parameters
    ----------
    board
        The models with their scores; the first is the network.
    model
        The network itself, for its counters and memory.
    skipped
        The number of rows left out.
    about
        What else there is to tell about the run; comes first.
    """
    entries = [
        {
            "name": contestant.name,
            "metrics": scores.values(),
            "seconds": contestant.seconds,
            "us_per_sample": 1e6 * contestant.seconds / max(board.rows, 1),
        }
        for contestant, scores in zip(board.contestants, board.scores, strict=True)
    ]
    network = entries[0] | {
        "samples_per_second": board.rows / max(board.contestants[0].seconds, 1e-9),
        "memory_bytes": model._raw_memory_usage,
        "counters": dict(model.counters),
    }
    rows = {
        "used": board.rows,
        "scored": board.scored,
        "skipped": skipped,
        "without_target": board.without_target,
        "missing_cells": board.missing_cells,
    }
    return about | {"rows": rows, "model": network, "baselines": entries[1:]}


def as_json(outcome: dict[str, Any]) -> str:
    """Return the outcome as JSON; a metric that is not defined is null."""
    return json.dumps(without_nan(outcome), indent=2) + "\n"


def as_text(outcome: dict[str, Any]) -> str:
    """Return the outcome as a table with a few lines around it."""
    rows, network = outcome["rows"], outcome["model"]
    # A model that stays as it is needs no target.
    of = "" if outcome["target"] is None else f" of {outcome['target']!r}"
    head = (
        f"{outcome['source']}: {outcome['task']}{of}, "
        f"{counted(rows['used'], 'row')}, {rows['scored']:,} scored"
    )
    lines = [head, "", _table(outcome), "", _speed(network, outcome)]
    # A model that stays as it is has counters of earlier runs.
    trouble = _trouble(rows, {} if outcome.get("frozen") else network["counters"])
    return "\n".join([*lines, trouble] if trouble else lines)


def _table(outcome: dict[str, Any]) -> str:
    entries = [outcome["model"], *outcome["baselines"]]
    header = ["model", *entries[0]["metrics"], "us/sample"]
    return render(
        header,
        [
            [e["name"], *map(number, e["metrics"].values()), f"{e['us_per_sample']:.2f}"]
            for e in entries
        ],
    )


def _speed(network: dict[str, Any], outcome: dict[str, Any]) -> str:
    return (
        f"{network['name']}: {network['samples_per_second']:,.0f} samples/s, "
        f"{network['seconds']:.3f} s of {outcome['seconds']:.3f} s in all, "
        f"{network['memory_bytes'] / 1024:,.1f} KiB"
    )


def _trouble(rows: dict[str, int], counters: dict[str, int]) -> str:
    """Name the counts that are not zero."""
    found = {
        "rows skipped": rows["skipped"],
        "rows without target": rows["without_target"],
        "missing cells": rows["missing_cells"],
        "updates clipped": counters.get("clipped", 0),
        "updates skipped": counters.get("skipped", 0),
        **{name: n for name, n in counters.items() if name not in NAMED},
    }
    return ", ".join(f"{name.replace('_', ' ')} {n:,}" for name, n in found.items() if n)


def without_nan(value: Any) -> Any:
    """Return plain data with None for numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
