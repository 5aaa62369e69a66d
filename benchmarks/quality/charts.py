"""Charts of a results file: one a task, a panel a stream, models by how good they are.

``python -m quality.charts benchmarks/results/quality.json``; the PNG files are put beside it.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import charts

from quality.scores import RISING
from quality.streams import TASKS
from quality.tables import Block, Line, blocks

plt, Axes = charts.plt, charts.Axes

COLOURS = {
    "ours": charts.BLUE,
    "tuned": charts.SKY,
    "baseline": charts.GREY,
    "peer": charts.OTHERS[0],
    "published": charts.OTHERS[1],
}
NAMES = {
    "ours": "streamrnn, defaults",
    "tuned": "streamrnn, tuned",
    "baseline": "baselines",
    "peer": "deep-river",
    "published": "published",
}
#: The signs of the horizons of one series.
SIGNS = ["o", "s", "D"]
#: Errors are drawn up to so many times the best, of several horizons up to this; those beyond stand
#: at the edge.
FAR, FAR_NMSE = 6.0, 10.0


def draw(report: dict[str, Any], task: str) -> plt.Figure:
    """Draw a task: a panel for each stream."""
    every = blocks(report, task)
    columns = 2
    rows = [every[i : i + columns] for i in range(0, len(every), columns)]
    heights = [0.9 + 0.27 * max(len(_shown(block)) for block in row) for row in rows]
    figure, axes = plt.subplots(
        len(rows), columns, figsize=(13, sum(heights)), squeeze=False,
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for place, block in zip(axes.flat, every, strict=False):
        _panel(place, block)
    for place in axes.flat[len(every) :]:
        place.set_axis_off()
    found = {line.family for block in every for line in _shown(block)}
    shown = [family for family in NAMES if family in found]
    dots = [plt.Line2D([], [], marker="o", linestyle="", color=COLOURS[one]) for one in shown]
    figure.tight_layout(w_pad=3, h_pad=2)
    figure.legend(
        dots, [NAMES[one] for one in shown], loc="upper center", bbox_to_anchor=(0.5, 0),
        ncols=len(shown), frameon=False,
    )  # fmt: skip
    return figure


def _shown(block: Block) -> list[Line]:
    """Return the rows that have the figure that is drawn, the first one."""
    drawn = [i for i, (_, figure) in enumerate(block.columns) if figure == block.columns[0][1]]
    return [line for line in block.lines if any(line.cells[i] for i in drawn)]


def _panel(axes: Axes, block: Block) -> None:
    """Draw one stream: the first figure, for a series at all its horizons."""
    figure = block.columns[0][1]
    drawn = [i for i, (_, one) in enumerate(block.columns) if one == figure]
    lines = _shown(block)
    several = len(drawn) > 1
    values = [mean(line.cells[i] or [0]) for line in lines for i in drawn if line.cells[i]]
    edge = _edge(axes, values, figure, several)
    for at, line in enumerate(reversed(lines)):
        cells = [(sign, line.cells[i]) for sign, i in zip(SIGNS, drawn, strict=False)]
        far = [mean(cell) for _, cell in cells if cell and not mean(cell) <= edge]
        for sign, cell in cells:
            if cell and mean(cell) <= edge:
                _dot(axes, at, line, cell, sign)
        if far:
            _beyond(axes, at, line, edge, far)
    axes.set_yticks(range(len(lines)), [line.name for line in reversed(lines)], fontsize=9)
    for label, line in zip(axes.get_yticklabels(), reversed(lines), strict=True):
        label.set_color(COLOURS[line.family])
        if line.family in ("ours", "tuned"):
            label.set_fontweight("bold")
    axes.set_ylim(-0.7, len(lines) - 0.3)
    axes.grid(axis="y", visible=False)
    of = " at " + ", ".join(
        f"{sign} {block.columns[i][0].split(', ')[-1]}"
        for sign, i in zip("●■◆", drawn, strict=False)
    )
    better = "more is better" if figure in RISING else "less is better"
    axes.set_title(block.title, pad=8)
    axes.set_xlabel(f"{figure}{of if several else ''}  ({better})", fontsize=9)


def _edge(axes: Axes, values: list[float], figure: str, several: bool) -> float:
    """Set the scale; return where values beyond are drawn."""
    far = FAR_NMSE if several else FAR * min(value for value in values if value == value)
    high = max((value for value in values if value <= far), default=far)
    if figure in RISING:
        low = min(values)
        axes.set_xlim(low - 0.08 * (high - low), high + 0.08 * (high - low))
        return math.inf
    is_cut = any(not value <= far for value in values)
    if several:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(charts.FuncFormatter(lambda value, _: ""))
        low = min(0.09, *(0.7 * value for value in values if value == value))
        axes.set_xlim(low, far)
        return 0.75 * far if is_cut else math.inf
    axes.set_xlim(0, (1.2 if is_cut else 1.08) * high)
    return 1.15 * high if is_cut else math.inf


def _dot(axes: Axes, at: int, line: Line, values: list[float], sign: str) -> None:
    spread = stdev(values) if len(values) > 1 else 0.0
    colour = COLOURS[line.family]
    axes.errorbar(
        mean(values), at, xerr=spread, fmt=sign, color=colour, elinewidth=1.5,
        markerfacecolor="white" if line.family == "published" else colour,
    )  # fmt: skip


def _beyond(axes: Axes, at: int, line: Line, edge: float, values: list[float]) -> None:
    """Say at the edge what values are too large to be drawn."""
    colour = COLOURS[line.family]
    axes.plot(edge, at, ">", color=colour, clip_on=False)
    said = ", ".join(f"{value:.2g}" for value in values)
    axes.annotate(
        said, (edge, at), (-6, 0), textcoords="offset points", ha="right", va="center",
        fontsize=8, color=colour,
    )  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    """Draw the charts of a results file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--folder", type=Path, help="default: that of the results")
    chosen = parser.parse_args(arguments)
    for path in write(
        json.loads(chosen.results.read_text()), chosen.folder or chosen.results.parent
    ):
        print(path)


def write(report: dict[str, Any], folder: Path) -> list[Path]:
    """Write all charts; return their files."""
    files = []
    with plt.rc_context(charts.STYLE):
        for task in TASKS:
            if not blocks(report, task):
                continue
            figure = draw(report, task)
            files.append(folder / f"quality-{task}.png")
            figure.savefig(files[-1], bbox_inches="tight", metadata={"Software": None})
            plt.close(figure)
    return files


if __name__ == "__main__":
    main()
