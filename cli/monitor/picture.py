"""A run as a picture: target and prediction above, errors below."""

import io
import warnings
from typing import Any

from .page.learning import rolled, rolled_over, top
from .page.style import COLOURS

SIZE = (11.0, 6.2)  # inches
DPI = 120
#: matplotlib's names of our dashes.
DASHES = ("-", "--", "-.", ":")
INK = "#3c444d"


def picture(snapshot: dict[str, Any], suffix: str) -> bytes:
    """Return a picture of a snapshot, as the suffix asks for: ``.png`` or ``.svg``."""
    from matplotlib.figure import Figure

    # Without pyplot there is no window, and nothing that stays behind.
    figure = Figure(figsize=SIZE, layout="constrained")
    values, errors = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
    draw = _numbers if snapshot["task"] == "regression" else _labels
    draw(values, snapshot["series"])
    _errors(errors, snapshot)
    for mark in snapshot["marks"]:
        for axes in (values, errors):
            axes.axvline(mark["row"], color=COLOURS[1], linestyle=":", linewidth=1)
    title = str(snapshot["about"].get("title") or "")
    values.set_title(title, loc="left", fontsize=11, parse_math=False)
    errors.set_xlabel("row")
    for axes in (values, errors):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", alpha=0.25)
        axes.margins(x=0.01)
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # Letters that no font of the machine has are boxes in the picture, which says it all.
        warnings.filterwarnings("ignore", r"Glyph \d+ .*missing from font")
        figure.savefig(stream, format=suffix[1:], dpi=DPI)
    return stream.getvalue()


def _numbers(axes: Any, series: dict[str, Any]) -> None:
    rows = series["row"]
    prediction = [_nan(value) for value in series["prediction"]]
    axes.plot(rows, prediction, color=COLOURS[0], linewidth=1.4, label="prediction")
    target = [_nan(value) for value in series["target"]]
    axes.plot(rows, target, color=INK, linewidth=0.9, label="target")
    axes.set_ylabel("target")


def _labels(axes: Any, series: dict[str, Any]) -> None:
    """Draw labels as rows of points; beyond forty of them names would cover each other."""
    names = sorted({*series["target"], *series["prediction"]} - {None})
    place = {name: at for at, name in enumerate(names)}
    came = [(row, place[t]) for row, t in _known(series["row"], series["target"])]
    pairs = zip(series["row"], series["target"], series["prediction"], strict=True)
    wrong = [(r, place[p]) for r, t, p in pairs if t is not None and p not in (None, t)]
    for points, marker, colour, name in (
        (came, "s", INK, "target"),
        (wrong, "x", COLOURS[1], "wrong"),
    ):
        axes.plot(
            [r for r, _ in points], [at for _, at in points], marker, color=colour, ms=3, label=name
        )
    if len(names) <= 40:
        axes.set_yticks(range(len(names)), names, parse_math=False)
    axes.set_ylabel("label")


def _known(rows: list[int], values: list[Any]) -> list[tuple[int, Any]]:
    return [(row, value) for row, value in zip(rows, values, strict=True) if value is not None]


def _errors(axes: Any, snapshot: dict[str, Any]) -> None:
    seen = snapshot["errors"]
    columns = {name: rolled(seen, name) for name in snapshot["names"]}
    for place, (name, values) in enumerate(columns.items()):
        how = {"color": COLOURS[place % len(COLOURS)], "linestyle": DASHES[place % len(DASHES)]}
        axes.plot(seen["row"], [_nan(v) for v in values], label=name, linewidth=1.5, **how)
    axes.set_ylim(0, top(columns, seen["overall"]))
    axes.set_ylabel(f"{seen['measure']},\nlast {rolled_over(snapshot):,} rows")


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value
