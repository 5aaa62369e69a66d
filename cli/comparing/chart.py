"""A picture of a comparison: errors over the rows, and how it ended."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import click

from ..atomic import replacing
from ..extras import needed
from ..settings import Task
from ..table import number
from .ranking import BEST, Place

#: Pictures that can be made.
SUFFIXES = (".png", ".svg")

#: Lines of networks, and of others; bars.
NETWORKS, OTHERS, BARS = 3, 2, 24

#: A line is the mean over one in so many rows: shorter means are too ragged to be told apart.
PART = {"regression": 20, "classification": 10}

#: Okabe and Ito's colours, which the colour-blind can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")


def check_chart(_: click.Context, __: click.Parameter, path: str | None) -> str | None:
    """Refuse a file that is no picture of a kind that can be made."""
    if path is not None and os.path.splitext(path)[1].lower() not in SUFFIXES:
        raise click.BadParameter(f"must end in {' or '.join(SUFFIXES)}")
    return path


@contextmanager
def chart_file(path: str) -> Iterator[IO[str]]:
    """Open a file for `draw`, before the work is done that it is to show.

    Raises
    ------
    click.UsageError
        If there is no matplotlib, or it cannot be written.
    """
    needed("matplotlib", "matplotlib", "plot")
    with replacing(path) as stream:
        yield stream


def draw(stream: Any, path: str, ranked: list[Place], task: Task, title: str) -> None:
    """Write the picture.

    Parameters
    ----------
    stream
        What `chart_file` gave.
    path
        Its name, for its kind.
    ranked
        All that played, the best first.
    task
        What they predicted.
    title
        Stands above the picture.
    """
    figure_module = needed("matplotlib.figure", "matplotlib", "plot")
    shown = _shown(ranked)
    colours = {id(place): COLOURS[i % len(COLOURS)] for i, place in enumerate(shown)}
    bars = ranked[:BARS]
    height = max(4.2, 1.6 + 0.24 * len(bars))
    figure = figure_module.Figure(figsize=(12, height), layout="constrained")
    figure.suptitle(title, fontsize=11, parse_math=False)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    _lines(left, shown, colours, task)
    _bars(right, bars, colours, task)
    kind = os.path.splitext(path)[1].lower().removeprefix(".")
    # The same figures make the same file.
    metadata = {"Date": None} if kind == "svg" else None
    figure.savefig(stream.buffer, format=kind, dpi=120, metadata=metadata)


def _shown(ranked: list[Place]) -> list[Place]:
    """Return the best networks and the best of the others, in their order."""
    networks = [place for place in ranked if place.is_network][:NETWORKS]
    others = [place for place in ranked if not place.is_network][:OTHERS]
    chosen = {id(place) for place in networks + others}
    return [place for place in ranked if id(place) in chosen]


def _lines(axes: Any, shown: list[Place], colours: dict[int, str], task: Task) -> None:
    for place in shown:
        window = max(1, len(place.curves[0]) // PART[task])
        found = [curve.means(window) for curve in place.curves]
        rows = found[0][0]
        means = [
            sum(values) / len(values) for values in zip(*(one[1] for one in found), strict=True)
        ]
        style = "-" if place.is_network else "--"
        # The first rows say how a model begins, and would flatten all that follows.
        axes.plot(
            rows[window - 1 :],
            means[window - 1 :],
            style,
            color=colours[id(place)],
            linewidth=1.3,
            label=place.name,
        )
    what = "share of wrong labels" if task == "classification" else "absolute error"
    axes.set_xlabel("rows that were scored")
    axes.set_ylabel(f"{what}, mean of the last {100 / PART[task]:.0f} %")
    if task == "regression" and _spans_decades(axes):
        axes.set_yscale("log")
    _frame(axes)
    axes.legend(fontsize=8, frameon=False)


def _spans_decades(axes: Any) -> bool:
    """Say whether errors are so unlike that the small ones could not be told apart."""
    seen = [value for line in axes.get_lines() for value in line.get_ydata() if value > 0]
    # Beyond that, one has gone astray, and matplotlib with it.
    return bool(seen) and 10 < max(seen) / min(seen) < 1e12


def _bars(axes: Any, bars: list[Place], colours: dict[int, str], task: Task) -> None:
    metric, more = BEST[task]
    values = [place.metrics[metric] for place in bars]
    made = axes.barh(
        range(len(bars)),
        [_finite(value) for value in values],
        xerr=[_finite(place.spread) for place in bars],
        color=[colours.get(id(place), "#BBBBBB") for place in bars],
        error_kw={"linewidth": 1},
        height=0.7,
    )
    axes.bar_label(made, [number(value) for value in values], fontsize=8, padding=3)
    axes.margins(x=0.15)
    axes.set_yticks(range(len(bars)), [place.name for place in bars], fontsize=8)
    axes.invert_yaxis()
    better = "more is better" if more else "less is better"
    axes.set_xlabel(f"{metric} over all rows ({better})")
    _frame(axes)


def _finite(value: float | None) -> float:
    """Return a length that can be drawn: none for what is not defined."""
    return value if value is not None and math.isfinite(value) else 0.0


def _frame(axes: Any) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="both", linewidth=0.4, alpha=0.5)
    axes.set_axisbelow(True)
