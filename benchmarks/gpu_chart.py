"""The chart of a results file of `gpu.py`: samples a second against streams, a panel a size.

Run ``python benchmarks/gpu_chart.py benchmarks/results/gpu.json``; the PNG file is put beside it.
Needs Matplotlib (``pip install '.[bench]'``).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from charts import BLUE, GREY, OTHERS, SKY, STYLE, Label, Report, label_lines, log_axes, set_ticks
from device.contestants import CPU, CUDA
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

_COLOURS = {CUDA: BLUE, CPU: SKY, "jax": OTHERS[0], "pytorch": OTHERS[1]}


def streams(report: Report) -> plt.Figure:
    """Draw a panel for each number of units: own weights, stored activations."""
    rows = [row for row in report["scenarios"].values() if _is_drawn(row)]
    sizes = sorted({row["job"]["units"] for row in rows})
    if not sizes:
        raise ValueError("there is no row of several streams with weights of their own")
    columns = min(2, len(sizes))
    lines = -(-len(sizes) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(5.6 * columns, 4.2 * lines), squeeze=False, sharey=True
    )
    for place in axes.flat[len(sizes) :]:
        place.remove()
    drawn = list(zip(sizes, axes.flat, strict=False))
    labels = [_panel(report, rows, units, place) for units, place in drawn]
    figure.tight_layout(w_pad=8, h_pad=3)
    for (_, place), of_place in zip(drawn, labels, strict=True):
        label_lines(place, of_place)
    _sign(report, figure)
    return figure


def _is_drawn(row: Report) -> bool:
    job = row["job"]
    plain = not job["shared"] and job["activations"] == "stored" and row["contestant"] in _COLOURS
    wide = job["streams"] == 1 and job["units"] > 128
    return plain and not wide


def _panel(report: Report, rows: list[Report], units: int, axes: Axes) -> list[Label]:
    log_axes(axes)
    labels, ticks = [], set()
    for name, colour in _COLOURS.items():
        points = sorted(
            (row["job"]["streams"], _rate(row))
            for row in rows
            if row["contestant"] == name and row["job"]["units"] == units
        )
        if not points:
            continue
        x, y = zip(*points, strict=True)
        axes.plot(x, y, "o-", color=colour)
        labels.append((x[-1], y[-1], report["contestants"][name]["title"], colour))
        ticks |= set(x)
    set_ticks(axes, sorted(ticks))
    axes.set_title(f"{units} units")
    axes.set_xlabel("streams, each with weights of its own")
    axes.set_ylabel("samples a second")
    return labels


def _rate(row: Report) -> float:
    """Return what the clock on the wall says, which all have."""
    return row["samples_a_second"]


def _sign(report: Report, figure: plt.Figure) -> None:
    machine, ours = report["machine"], report["contestants"][CUDA]["versions"]
    figure.text(
        0.01, -0.01, f"streamrnn {ours['streamrnn']} on {report['device']['name']}; "
        f"{machine['cores_used']} cores of {machine['cpu']}; K = 32, clock on the wall, copies "
        f"included, medians of {report['options']['repeats']}", color=GREY, fontsize=8, va="top",
    )  # fmt: skip


def draw(report: Report, folder: Path) -> Path:
    """Write the chart; return its file."""
    with plt.rc_context(STYLE):
        figure = streams(report)
        path = folder / "gpu.png"
        figure.savefig(path, bbox_inches="tight", metadata={"Software": None})
        plt.close(figure)
    return path


def main() -> None:
    """Draw the chart of a results file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--folder", type=Path, help="default: that of the results")
    arguments = parser.parse_args()
    report = json.loads(arguments.results.read_text())
    print(draw(report, arguments.folder or arguments.results.parent))


if __name__ == "__main__":
    main()
