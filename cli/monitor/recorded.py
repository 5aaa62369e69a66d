"""Recorded predictions, read back: what a monitor would have seen of them, in constant memory."""

import csv
import json
import math
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, NamedTuple

import click

from ..cells import label, number
from ..compression import decompressed, suffixes
from ..errors import DataError, shown
from ..lines import TextLines
from .monitor import Monitor

#: Rows told to the monitor at a time, and rows looked at to choose the task.
BLOCK = 1024
NAMES = ("prediction", "last value")

#: What files there are predictions of rows in; a forecast has none.
OURS = "It must be a file that replay, live or predict wrote (--predictions)"


class Row(NamedTuple):
    """One line of the file; `last` is the target before it, what a naive model would predict."""

    row: int
    time: Any
    target: Any
    prediction: Any
    last: Any


class Choice(NamedTuple):
    """Which rows are wanted: from one number to another, or the last so many; None: no limit."""

    first: int | None = None
    end: int | None = None
    last: int | None = None


def snapshot_of(path: str, choice: Choice, task: str) -> dict[str, Any]:
    """Return what a monitor sees of a file of predictions.

    Parameters
    ----------
    path
        A .csv or .jsonl file, perhaps compressed, with the columns row, target and prediction, and
        time if there are times.
    choice
        The rows wanted. Memory grows with `last` alone.
    task
        ``regression``, ``classification`` or ``auto``: by the first rows.

    Raises
    ------
    DataError
        If the file is no such table, or has none of these rows.
    click.UsageError
        If it cannot be read.
    """
    try:
        with open(path, "rb") as raw:
            lines = TextLines(decompressed(raw, suffixes(path)[1], path), path)
            rows = _chosen(_with_last(_records(lines, path)), choice)
            return _watched(rows, path, task, choice)
    except OSError as error:
        raise click.UsageError(f"cannot read {path!r}: {error.strerror or error}.") from None


def _watched(rows: Iterator[Row], path: str, task: str, choice: Choice) -> dict[str, Any]:
    head = list(islice(rows, BLOCK))
    if not head:
        if choice == Choice():
            raise DataError("has no rows", source=path, remedy=OURS)
        raise DataError("none of its rows is wanted", source=path, remedy="See --from and --to")
    if task == "auto":
        task = "regression" if _are_numbers(head) else "classification"
    monitor = Monitor(task, NAMES, about={"title": path})
    rows = chain(head, rows)
    while block := list(islice(rows, BLOCK)):
        told = {name: [getattr(row, name) for row in block] for name in Row._fields}
        cells = [_cells(told[name], task, path, told) for name in ("target", "prediction", "last")]
        monitor.played(told["row"], told["time"], cells[0], cells[1:], 0.0)
    return monitor.snapshot()


def _cells(values: list[Any], task: str, path: str, told: dict[str, list[Any]]) -> list[Any]:
    if task == "classification":
        return [label(value) for value in values]
    found = []
    for value, row in zip(values, told["row"], strict=True):
        try:
            found.append(number(value))
        except ValueError:
            raise DataError(
                f"{shown(value)} is no number",
                source=path,
                place=f"row {row}",
                remedy="If these are labels: --task classification",
            ) from None
    return found


def _are_numbers(rows: Iterable[Row]) -> bool:
    for row in rows:
        for cell in (row.target, row.prediction):
            try:
                number(cell)
            except ValueError:
                return False
    return True


def _chosen(rows: Iterator[Row], choice: Choice) -> Iterator[Row]:
    first = -math.inf if choice.first is None else choice.first
    end = math.inf if choice.end is None else choice.end
    wanted = (row for row in rows if first <= row.row <= end)
    return wanted if choice.last is None else iter(deque(wanted, choice.last))


def _with_last(records: Iterator[dict[str, Any]]) -> Iterator[Row]:
    last = None
    for record in records:
        target = record["target"]
        yield Row(record["row"], record.get("time"), target, record["prediction"], last)
        if label(target) is not None:
            last = target


def _records(lines: TextLines, path: str) -> Iterator[dict[str, Any]]:
    """Return the lines as dictionaries with a whole number for the row."""
    first = lines.first().lstrip()
    records = _objects(lines, path) if first.startswith("{") else _table(lines, path)
    for record in records:
        absent = [name for name in ("row", "target", "prediction") if name not in record]
        if absent:
            raise DataError(
                f"there is no column {absent[0]!r}",
                source=path,
                place=f"line {lines.number}",
                remedy=OURS,
            )
        try:
            yield {**record, "row": int(record["row"])}
        except (TypeError, ValueError):
            what = f"{shown(record['row'])} is no number of a row"
            raise DataError(what, source=path, place=f"line {lines.number}") from None


def _table(lines: TextLines, path: str) -> Iterator[dict[str, Any]]:
    try:
        # Not csv.DictReader, which takes twice as long.
        table = csv.reader(lines)
        header = next(table, [])
        yield from (dict(zip(header, row, strict=False)) for row in table if row)
    except csv.Error as error:
        place = f"line {lines.number}"
        raise DataError(f"not CSV ({error})", source=path, place=place) from None


def _objects(lines: TextLines, path: str) -> Iterator[dict[str, Any]]:
    for line in lines:
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            place = f"line {lines.number}"
            raise DataError(f"not JSON ({error})", source=path, place=place) from None
        if not isinstance(record, dict):
            raise DataError("not an object", source=path, place=f"line {lines.number}")
        yield record
