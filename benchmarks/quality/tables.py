"""Tables of a results file: a block a stream, or a series with its horizons, best rows first."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from statistics import mean, median, stdev
from typing import Any

from quality.published import as_rows, sources
from quality.scores import FIGURES, RISING
from quality.streams import TASKS

Report = dict[str, Any]
#: From here on a figure is only said to be large.
ENDLESS = 1000.0


@dataclass
class Line:
    """A row of a table.

    Attributes
    ----------
    name, family
        As in `quality.rows.Row`, or ``"published"``.
    cells
        Values by seed, for each of the block's columns; None where there are none.
    us
        Microseconds a step, the median of the seeds; None if that is not known.
    measured
        When, and with which version.
    steps
        How many steps were run, if that is not all of them.
    """

    name: str
    family: str
    cells: list[list[float] | None]
    us: float | None
    measured: str
    steps: int | None = None


@dataclass
class Block:
    """What a table says of a stream, or of a series with its horizons."""

    title: str
    about: str
    columns: list[tuple[str, str]]  # the stream's name and the figure's
    lines: list[Line] = field(default_factory=list)
    sources: list[str] = field(default_factory=list)

    @property
    def heads(self) -> list[str]:
        """Return what the columns are called."""
        streams = {name for name, _ in self.columns}
        if len(streams) == 1:
            return [figure for _, figure in self.columns]
        return [f"{figure}, {name.split(', ')[-1]}" for name, figure in self.columns]


def blocks(report: Report, task: str) -> list[Block]:
    """Return the blocks of a task's table, each with its rows in their order."""
    groups: dict[str, list[str]] = {}
    for name, described in report["described"].items():
        if described["task"] == task and name in report["streams"]:
            groups.setdefault(re.sub(r", \d+ ahead$", "", name), []).append(name)
    return [_block(report, title, names) for title, names in groups.items()]


def _block(report: Report, title: str, names: list[str]) -> Block:
    described = report["described"][names[0]]
    figures = FIGURES[described["kind"]]
    columns = [(name, figure) for figure in figures for name in names]
    block = Block(title, described["about"], columns)
    found = {name: report["streams"][name] | as_rows(name) for name in names}
    for row in dict.fromkeys(row for rows in found.values() for row in rows):
        block.lines.append(_line(report, row, found, columns))
    block.sources = list(dict.fromkeys(s for name in names for s in sources(name)))
    block.lines.sort(key=lambda line: _place(line, columns))
    return block


def _line(report: Report, row: str, found: dict[str, Any], columns: list[tuple[str, str]]) -> Line:
    ones = [rows[row] for rows in found.values() if row in rows]
    cells = [
        found[name].get(row, {"figures": {}})["figures"].get(figure) for name, figure in columns
    ]
    times = [us for one in ones for us in one["us"]]
    first, name = ones[0], next(name for name, rows in found.items() if row in rows)
    steps = first.get("steps")
    return Line(
        row,
        first["family"],
        cells,
        median(times) if times else None,
        f"{first['with']}, {first['measured'][:10]}" if "with" in first else "published",
        steps if steps is not None and steps < report["described"][name]["steps"] else None,
    )


def _place(line: Line, columns: list[tuple[str, str]]) -> tuple[int, float]:
    """Return what rows are ordered by: the first figure that a row has; published ones last."""
    i, values = next((i, cell) for i, cell in enumerate(line.cells) if cell is not None)
    worth = mean(values) * (-1 if columns[i][1] in RISING else 1)
    return (len(columns) if line.family == "published" else i), worth


def number(value: float, figure: str) -> str:
    """Return a figure as tables show it."""
    if figure in RISING:
        return f"{value:.3f}"
    if value != value or value >= ENDLESS:
        return f"> {ENDLESS:.0f}"
    return f"{value:#.3g}".rstrip(".") if value >= 0.001 else f"{value:.1e}"


def cell(values: list[float] | None, figure: str) -> str:
    """Return the mean of the seeds, and their standard deviation if there are several."""
    if values is None:
        return "-"
    text = number(mean(values), figure)
    if len(values) == 1 or mean(values) >= ENDLESS:
        return text
    return f"{text} ± {stdev(values):.1g}"


def _time(us: float | None) -> str:
    if us is None:
        return "-"
    return "< 1" if us < 0.5 else f"{us:,.0f}".replace(",", " ")


def markdown(report: Report, task: str) -> str:
    """Return a task's table, and what its streams are."""
    every = blocks(report, task)
    width = max(len(block.columns) for block in every)
    lines = [
        "| " + " | ".join(["", *[""] * width, "µs a step", "with"]) + " |",
        "|---|" + "---:|" * (width + 1) + "---|",
    ]
    for block in every:
        heads = [f"**{head}**" for head in block.heads]
        lines.append(_row([f"**{block.title}**", *_padded(heads, width), "", ""]))
        for line in block.lines:
            us = "-" if line.us is None else f"{line.us:,.0f}".replace(",", " ")
            lines.append(
                _row([_name(line), *_padded(_cells(line, block), width), us, line.measured])
            )
    notes = [f"- {block.title}: {block.about}." for block in every]
    notes += [
        f"- {block.title}, published: {source}." for block in every for source in block.sources
    ]
    return "\n".join(lines) + "\n\n" + "\n".join(dict.fromkeys(notes))


def _name(line: Line) -> str:
    part = "" if line.steps is None else f" (first {line.steps:,} steps)".replace(",", " ")
    if line.family in ("ours", "tuned"):
        return f"**{line.name}**{part}"
    return f"*{line.name}*{part}" if line.family == "published" else line.name + part


def _padded(cells: list[str], width: int) -> list[str]:
    return cells + [""] * (width - len(cells))


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def text(report: Report) -> str:
    """Return all figures as text, and what is left out."""
    lines = []
    for block in (block for task in TASKS for block in blocks(report, task)):
        lines.append(f"\n{block.title}: {block.about}")
        lines.append(_columns("", [*block.heads, "us a step"]))
        for line in block.lines:
            lines.append(_columns(line.name, [*_cells(line, block), _time(line.us)]))
    lines += [f"{what}: left out ({why})" for what, why in report["left_out"].items()]
    return "\n".join(lines)


def _columns(name: str, cells: list[str]) -> str:
    return f"{name:<42}" + "".join(f"{one:>21}" for one in cells)


def _cells(line: Line, block: Block) -> list[str]:
    columns = zip(line.cells, block.columns, strict=True)
    return [cell(values, figure) for values, (_, figure) in columns]
