"""How the network learnt: errors beside the simple models', updates, weights, gates, gradients."""

import math
from collections.abc import Sequence
from typing import Any

from .style import add_marks, chart, lines

#: Columns of the picture of gradients.
COLUMNS = 240
#: Errors of models that are so many times worse than the best may lie beyond the axis.
ASTRAY = 4


def errors(snapshot: dict[str, Any], rows: Any) -> Any:
    """Return the chart of errors along the run, all contestants."""
    seen = snapshot["errors"]
    wrong = seen["measure"] == "error rate"
    label = "wrong labels, %" if wrong else "error in the target's units"
    made = chart("errors", "row", label, x_range=rows)
    shown = {
        name: [None if v is None else v * (100 if wrong else 1) for v in rolled(seen, name)]
        for name in snapshot["names"]
    }
    lines(made, seen["row"], shown)
    made.y_range.start = 0
    made.y_range.end = top(shown, seen["overall"])
    add_marks(made, snapshot["marks"])
    return made


def rolled_over(snapshot: dict[str, Any]) -> int:
    """Return over how many rows errors are averaged: a fortieth of the run, roughly."""
    seen = snapshot["errors"]
    return seen["width"] * max(1, len(seen["row"]) // 40)


def rolled(seen: dict[str, Any], name: str) -> list[float | None]:
    """Return the mean error of the stretches up to each, by their numbers of rows."""
    values, counts = seen["values"][name], seen["rows"]
    many = max(1, len(values) // 40)
    found: list[float | None] = []
    for end in range(1, len(values) + 1):
        part = range(max(0, end - many), end)
        known = [(values[i], counts[i]) for i in part if values[i] is not None and counts[i]]
        total = sum(count for _, count in known)
        found.append(sum(v * count for v, count in known) / total if total else None)
    return found


def top(columns: dict[str, list[float | None]], overall: dict[str, float | None]) -> float:
    """Return the end of the axis: neither a model nor a moment far astray flattens the others."""
    errors = [error for error in overall.values() if error is not None]
    limit = ASTRAY * min(errors, default=0.0)
    near = [name for name, error in overall.items() if error is not None and error <= limit]
    highest = max((_usual_highest(columns[name]) for name in near), default=1.0)
    return 1.1 * highest if highest > 0 else 1.0


def _usual_highest(values: Sequence[float | None]) -> float:
    """Return the highest value, unless it is far above nearly all others."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return 0.0
    usual = known[int(0.9 * (len(known) - 1))]
    return min(known[-1], 2 * usual) if usual > 0 else known[-1]


def throughput(snapshot: dict[str, Any], rows: Any) -> Any:
    """Return the chart of the network's speed."""
    rates = snapshot["rates"]
    made = chart("throughput", "row", "rows a second", x_range=rows)
    lines(made, rates["row"], {snapshot["names"][0]: rates["rows_per_second"]})
    made.y_range.start = 0
    _large_numbers(made)
    return made


def updates(snapshot: dict[str, Any], rows: Any) -> Any:
    """Return the chart of what was held back or missing."""
    rates = snapshot["rates"]
    made = chart("updates", "row", "share, %", x_range=rows)
    shown = {
        "updates clipped": rates["clipped"],
        "updates skipped": rates["skipped"],
        "rows without target": rates["unknown"],
    }
    percent = {n: [None if v is None else 100 * v for v in c] for n, c in shown.items()}
    lines(made, rates["row"], percent)
    made.y_range.start = 0
    return made


def update_size(snapshot: dict[str, Any], rows: Any) -> Any:
    """Return the chart of how far the weights moved."""
    seen = snapshot["update_size"]
    label = "relative change of the weights"
    made = chart("update_size", "row", label, x_range=rows, y_axis_type="log")
    # Zero has no place on this axis: nothing was learnt there.
    values = [value if value else None for value in seen["value"]]
    lines(made, seen["row"], {snapshot["names"][0]: values})
    return made


def saturation(snapshot: dict[str, Any], rows: Any) -> Any:
    """Return the chart of how many units of each gate are near their limits."""
    seen = snapshot["saturation"]
    made = chart("saturation", "row", "saturated units, %", x_range=rows)
    shares = {g: [None if v is None else 100 * v for v in c] for g, c in seen["gates"].items()}
    lines(made, seen["row"], shares)
    made.y_range.start = 0
    return made


def gradient_map(snapshot: dict[str, Any], rows: Any) -> Any:
    """Return the picture of the gradient's norm over rows and lags; some must not be zero."""
    import numpy as np
    from bokeh.models import ColorBar, HoverTool, LogColorMapper

    columns = snapshot["gradient"]
    lags = max(len(norms) for _, norms in columns)
    at, norms = _even(columns, lags)
    positive = norms[norms > 0]
    low, high = float(positive.min()), float(positive.max())
    low = max(low, high * 1e-12)  # beyond that all is nothing
    made = chart("gradient", "row", "lag, rows back", x_range=rows, y_range=(-0.5, lags - 0.5))
    mapper = LogColorMapper("Cividis256", low=low, high=max(high, low * 1.001))
    mapper.nan_color = "rgba(128, 128, 128, 0.15)"
    begin, end = float(at[0]), float(at[-1])
    image = np.where(norms > 0, norms, math.nan)
    shown = made.image(
        [image], x=begin, y=-0.5, dw=max(end - begin, 1.0), dh=lags, color_mapper=mapper
    )
    made.add_layout(ColorBar(color_mapper=mapper, width=10, title="norm", name="bar"), "right")
    told = [("row", "$x{0,0}"), ("lag", "$y{0}"), ("norm of dL/dh", "@image{0.00e+0}")]
    made.add_tools(HoverTool(renderers=[shown], tooltips=told))
    return made


def gradient_lines(snapshot: dict[str, Any]) -> Any:
    """Return the gradient's norm over the lag, early, in the middle and at the end of the run."""
    columns = snapshot["gradient"]
    made = chart("gradient_lines", "lag, rows back", "norm of dL/dh", y_axis_type="log")
    third = len(columns) // 3
    parts = {"whole run": columns}
    if third:
        parts = {
            "last third of the run": columns[-third:],
            "middle": columns[third:-third],
            "first third": columns[:third],
        }
    lags = max(len(norms) for _, norms in columns)
    medians = {name: _medians(part, lags) for name, part in parts.items()}
    lines(made, range(lags), medians)
    return made


def _even(columns: Sequence[Any], lags: int) -> Any:
    """Spread columns that stand at any rows evenly: each place shows the newest one before it."""
    import numpy as np

    rows = np.array([row for row, _ in columns], dtype=float)
    norms = np.full((lags, len(columns)), math.nan)
    for place, (_, column) in enumerate(columns):
        norms[: len(column), place] = [math.nan if v is None else v for v in column]
    at = np.linspace(rows[0], rows[-1], min(COLUMNS, 4 * len(columns)))
    newest = np.searchsorted(rows, at, side="right") - 1
    return at, norms[:, np.maximum(newest, 0)]


def _medians(columns: Sequence[Any], lags: int) -> list[float | None]:
    found: list[float | None] = []
    for lag in range(lags):
        norms = sorted(n[lag] for _, n in columns if lag < len(n) and n[lag])
        found.append(norms[len(norms) // 2] if norms else None)
    return found


def _large_numbers(made: Any) -> None:
    from bokeh.models import NumeralTickFormatter

    made.yaxis.formatter = NumeralTickFormatter(format="0,0")
