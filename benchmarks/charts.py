"""Charts of a results file: time against units and truncation, growth.

Run ``python benchmarks/charts.py benchmarks/results/benchmark.json``; the PNG files are put beside
it. Needs Matplotlib (``pip install '.[bench]'``).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import summary
from scenarios import KEYED, OURS

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

#: Okabe & Ito's palette, which colour-blind readers can tell apart.
BLUE, SKY, GREY = "#0072B2", "#56B4E9", "#666666"
OTHERS = ["#D55E00", "#009E73", "#CC79A7", "#E69F00"]
STYLE = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "grid.color": "#E5E5E5",
    "grid.linewidth": 0.7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "lines.linewidth": 2,
    "lines.markersize": 5,
    "figure.dpi": 150,
}
Report = dict[str, Any]
Label = tuple[float, float, str, str]  # the line's end, its name, its colour


def speed(report: Report) -> plt.Figure:
    """Draw time against units and against truncation, for all contestants."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(11.5, 5), sharey=True)
    of_left = _all_lines(report, left, truncation=32)
    of_right = _all_lines(report, right, units=32)
    left.set_title("Units of one LSTM layer, K = 32")
    right.set_title("Truncation K, 32 units")
    left.set_ylabel("microseconds a sample")
    left.set_xlabel("units")
    right.set_xlabel("K, steps back")
    figure.tight_layout(w_pad=11)
    label_lines(left, of_left)
    label_lines(right, of_right)
    return _signed(report, figure)


def _all_lines(report: Report, axes: Axes, **held: int) -> list[Label]:
    peers = [name for name in report["contestants"] if name != OURS]
    drawn = [("stored", "replay", BLUE), ("recomputed", "replay, recomputed", SKY)]
    drawn += [
        (name, report["contestants"][name]["title"], OTHERS[i % len(OTHERS)])
        for i, name in enumerate(peers)
    ]
    # Our own goes further, but here only what can be compared.
    shown = [size for peer in peers for size in summary.series(report, peer, **held)[0]]
    shown = shown or summary.series(report, "stored", **held)[0]
    log_axes(axes)
    labels, ticks = [], set()
    for label, title, colour in drawn:
        sizes, times = summary.series(report, label, **held)
        points = [point for point in zip(sizes, times, strict=True) if point[0] in shown]
        if not points:
            continue
        sizes, times = [size for size, _ in points], [time for _, time in points]
        axes.plot(sizes, times, "o-", color=colour)
        labels.append((sizes[-1], times[-1], title, colour))
        ticks |= set(sizes)
    set_ticks(axes, sorted(ticks))
    return labels


def log_axes(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def set_ticks(axes: Axes, ticks: Sequence[int]) -> None:
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])


def label_lines(axes: Axes, labels: list[Label]) -> None:
    """Write each line's name behind its end, moved up where it would overlap the one below.

    To be called when the limits of the axes are settled.
    """
    free = -1.0  # of the axes' height
    for x, y, text, colour in sorted(labels, key=lambda label: label[1]):
        across, up = axes.transAxes.inverted().transform(axes.transData.transform((x, y)))
        half = 0.026 * (text.count("\n") + 1)
        at = max(up, free + half)
        free = at + half
        axes.annotate(
            text, (across, at), (8, 0), "axes fraction", "offset points", va="center",
            color=colour, fontweight="bold", fontsize=9, annotation_clip=False,
        )  # fmt: skip


def _signed(report: Report, figure: plt.Figure) -> plt.Figure:
    """Say below what it was measured on."""
    machine, ours = report["machine"], report["contestants"][OURS]["versions"]
    repeats = report["options"]["repeats"]
    figure.text(
        0.01, -0.01, f"streamrnn {ours['streamrnn']}, one core of {machine['cpu']}, medians of "
        f"{repeats}", color=GREY, fontsize=8, va="top",
    )  # fmt: skip
    return figure


def growth(report: Report) -> plt.Figure:
    """Draw what grows and what does not: time against K, units and keys, memory over samples."""
    panels = [_against_truncation, _against_units]
    if summary.keys(report, 1)[0]:
        panels.append(_against_keys)
    if "memory" in report:
        panels.append(_memory)
    columns = 2 if len(panels) in (2, 4) else len(panels)
    rows = -(-len(panels) // columns)
    size = (5.6 * columns, 4.2 * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    labels = [draw(report, place) for draw, place in zip(panels, axes.flat, strict=True)]
    figure.tight_layout(w_pad=10, h_pad=3)
    for place, of_place in zip(axes.flat, labels, strict=True):
        label_lines(place, of_place)
    return _signed(report, figure)


def _against_truncation(report: Report, axes: Axes) -> list[Label]:
    labels = []
    for variant, colour in (("stored", BLUE), ("recomputed", SKY)):
        sizes, times = summary.series(report, variant, units=32)
        fit = report["growth"][variant]["truncation"]
        axes.plot(sizes, times, "o", color=colour)
        if not fit:
            continue
        x = np.array([0, sizes[-1]])
        axes.plot(x, fit["us_at_0"] + fit["us_a_step"] * x, color=colour, linewidth=1.2)
        text = f"{variant}\n{fit['us_a_step']:.2f} µs a step\nR² = {fit['r2']:.4f}"
        labels.append((sizes[-1], times[-1], text, colour))
    axes.set_title("Time against truncation")
    axes.set_xlabel("K, steps back (32 units)")
    axes.set_ylabel("microseconds a sample")
    axes.set_ylim(bottom=0)
    axes.set_xlim(left=0)
    return labels


def _against_units(report: Report, axes: Axes) -> list[Label]:
    log_axes(axes)
    labels, ticks = [], []
    for variant, colour in (("stored", BLUE), ("recomputed", SKY)):
        sizes, times = summary.series(report, variant, truncation=32)
        if not sizes:
            continue
        ticks = sizes
        axes.plot(sizes, times, "o-", color=colour)
        law = report["growth"][variant]["units"]
        text = f"{variant}\n~ units$^{{{law['exponent']:.2f}}}$" if law else variant
        labels.append((sizes[-1], times[-1], text, colour))
    set_ticks(axes, ticks)
    axes.set_title("Time against units")
    axes.set_xlabel("units (K = 32)")
    axes.set_ylabel("microseconds a sample")
    return labels


def _against_keys(report: Report, axes: Axes) -> list[Label]:
    axes.set_xscale("log")
    labels, top = [], 0.0
    for threads, colour in ((1, BLUE), (2, OTHERS[0])):
        numbers, times = summary.keys(report, threads)
        if not numbers:
            continue
        axes.plot(numbers, times, "o-", color=colour)
        named = "1 thread" if threads == 1 else f"{threads} threads"
        labels.append((numbers[-1], times[-1], named, colour))
        top = max(top, *times)
        set_ticks(axes, numbers)
    axes.set_ylim(0, 1.2 * top)
    axes.set_title("Time against the number of keys")
    axes.set_xlabel(f"keys ({KEYED['units']} units, K = {KEYED['truncation']})")
    axes.set_ylabel("microseconds a sample")
    return labels


def _memory(report: Report, axes: Axes) -> list[Label]:
    memory = report["memory"]
    millions = np.array(memory["samples"]) / 1e6
    axes.plot(millions, memory["mib"], color=BLUE)
    axes.set_ylim(0, 1.25 * max(memory["mib"]))
    axes.set_xlim(0, millions[-1])
    axes.annotate(
        f"{summary.memory_growth(report):+.2f} MiB since the first tenth",
        (millions[-1], memory["mib"][-1]), (0, 8), textcoords="offset points", ha="right",
        va="bottom", color=BLUE, fontweight="bold", fontsize=9,
    )  # fmt: skip
    job = memory["job"]
    axes.set_title("Resident memory over the stream")
    axes.set_xlabel(f"million samples ({job['units']} units, K = {job['truncation']})")
    axes.set_ylabel("MiB, the whole process")
    return []


def draw(report: Report, folder: Path) -> list[Path]:
    """Write all charts; return their files."""
    files = []
    with plt.rc_context(STYLE):
        for make in (speed, growth):
            figure = make(report)
            files.append(folder / f"{make.__name__}.png")
            figure.savefig(files[-1], bbox_inches="tight", metadata={"Software": None})
            plt.close(figure)
    return files


def main() -> None:
    """Draw the charts of a results file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--folder", type=Path, help="default: that of the results")
    arguments = parser.parse_args()
    report = json.loads(arguments.results.read_text())
    for path in draw(report, arguments.folder or arguments.results.parent):
        print(path)


if __name__ == "__main__":
    main()
