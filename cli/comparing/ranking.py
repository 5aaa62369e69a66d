"""Who was how good: means and spreads over seeds, in order, and what is better than the rest."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Any

from ..settings import Task
from ..table import number, render
from .curve import Curve
from .field import Field
from .networks import Entry

#: The first metric of each task, and whether more of it is better.
BEST = {"regression": ("MAE", False), "classification": ("accuracy", True)}


@dataclass
class Place:
    """One line of the outcome.

    Parameters
    ----------
    name
        What it is called.
    metrics
        Means over the seeds.
    spread
        Standard deviation of the first metric over the seeds; None of one model alone.
    us_per_sample, memory_bytes
        Means over the seeds; no memory where it is not known.
    entry
        The configuration, None if it is no network.
    curves
        How wrong it was over the rows, one a seed.
    is_better
        Whether it is better than the best of those that are no networks, by more than the spread.
    """

    name: str
    metrics: dict[str, float]
    spread: float | None
    us_per_sample: float
    memory_bytes: float | None
    entry: Entry | None
    curves: list[Curve]
    is_better: bool = False

    @property
    def is_network(self) -> bool:
        """Whether it is one of the networks."""
        return self.entry is not None

    def as_dict(self) -> dict[str, Any]:
        """Return the figures, for ``--metrics-json``."""
        names = ("name", "metrics", "spread", "us_per_sample", "memory_bytes", "is_network")
        return {name: getattr(self, name) for name in (*names, "is_better")}


def places(field: Field, found: list[Entry], task: Task) -> list[Place]:
    """Return all that played, the best first; what has no number is last."""
    all_of = list(zip(field.contestants, field.scores, field.curves, strict=True))
    made, at = [], 0
    for entry in found:
        members = all_of[at : at + len(entry.networks)]
        at += len(members)
        made.append(_place(entry.name, entry, members, field.rows, task))
    made += [_place(one[0].name, None, [one], field.rows, task) for one in all_of[at:]]
    metric, more = BEST[task]

    def rank(place: Place) -> float:
        value = place.metrics[metric]
        return math.inf if math.isnan(value) else -value if more else value

    made.sort(key=rank)
    other = best_other(made)
    for place in made:
        if place.spread is not None and other is not None:
            place.is_better = rank(place) + place.spread < rank(other)
    return made


def best_other(ranked: list[Place]) -> Place | None:
    """Return the best of those that are no networks, None if there is none."""
    return next((place for place in ranked if not place.is_network), None)


def as_table(ranked: list[Place], task: Task) -> str:
    """Return the outcome as a table."""
    metric, _ = BEST[task]
    header = ["model"]
    for name in ranked[0].metrics:
        header += [name, "+-"] if name == metric else [name]
    rows = [_row(place, metric) for place in ranked]
    return render([*header, "us/sample", "KiB"], rows)


def _row(place: Place, metric: str) -> list[str]:
    cells = [f"{'*' if place.is_better else ' '} {place.name}"]
    for name, value in place.metrics.items():
        cells.append(number(value))
        if name == metric:
            cells.append(_plus_minus(place.spread))
    memory = "-" if place.memory_bytes is None else f"{place.memory_bytes / 1024:,.1f}"
    return [*cells, f"{place.us_per_sample:.2f}", memory]


def _plus_minus(spread: float | None) -> str:
    if spread is None:
        return ""
    return f"{spread:.2g}" if math.isfinite(spread) else "n/a"


def _place(name: str, entry: Entry | None, members: list[Any], rows: int, task: Task) -> Place:
    contestants, scores, curves = zip(*members, strict=True)
    values = [one.values() for one in scores]
    metric, _ = BEST[task]
    seen = [one[metric] for one in values]
    seconds = statistics.fmean(one.seconds for one in contestants)
    memory = [one for one in map(_memory, contestants) if one is not None]
    return Place(
        name,
        {key: statistics.fmean(one[key] for one in values) for key in values[0]},
        _spread(seen),
        1e6 * seconds / rows,
        statistics.fmean(memory) if memory else None,
        entry,
        list(curves),
    )


def _spread(values: list[float]) -> float | None:
    """Return the standard deviation, None of a single value; NaN if one is not defined."""
    if len(values) == 1:
        return None
    return statistics.stdev(values) if all(map(math.isfinite, values)) else math.nan


def _memory(contestant: Any) -> int | None:
    model = getattr(contestant, "model", None)
    return None if model is None else model._raw_memory_usage
