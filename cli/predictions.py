"""The predictions as a table: row, time if there is one, target, prediction."""

import csv
import datetime
import json
import math
from collections.abc import Sequence
from typing import IO, Any, Protocol

from .blocks import Block
from .compression import suffixes


class PredictionWriter(Protocol):
    """Writes the predictions of one block after the other."""

    def __init__(self, stream: IO[str], with_time: bool) -> None:
        """Begin a table."""

    def write(self, block: Block, predictions: Sequence[Any]) -> None:
        """Write one line a row."""


class CsvWriter:
    """CSV with a header; what is missing is an empty cell."""

    def __init__(self, stream: IO[str], with_time: bool) -> None:
        self._with_time = with_time
        self._writer = csv.writer(stream, lineterminator="\n")
        self._writer.writerow(_columns(with_time))

    def write(self, block: Block, predictions: Sequence[Any]) -> None:
        """Write one line a row."""
        self._writer.writerows(_rows(block, predictions, self._with_time))


class JsonlWriter:
    """One JSON object a line; what is missing is null."""

    def __init__(self, stream: IO[str], with_time: bool) -> None:
        self._stream = stream
        self._with_time = with_time

    def write(self, block: Block, predictions: Sequence[Any]) -> None:
        """Write one line a row."""
        names = _columns(self._with_time)
        for row in _rows(block, predictions, self._with_time):
            self._stream.write(json.dumps(dict(zip(names, row, strict=True))) + "\n")


BY_SUFFIX: dict[str, type[PredictionWriter]] = {".csv": CsvWriter, ".jsonl": JsonlWriter}


def writer_for(path: str) -> type[PredictionWriter]:
    """Return the writer for a suffix, CSV for standard output; KeyError if there is none."""
    return CsvWriter if path == "-" else BY_SUFFIX[suffixes(path)[0]]


def _columns(with_time: bool) -> list[str]:
    return ["row", *(["time"] if with_time else []), "target", "prediction"]


def _rows(block: Block, predictions: Sequence[Any], with_time: bool) -> list[list[Any]]:
    columns = [block.numbers, block.targets, predictions]
    if with_time:
        columns.insert(1, block.times)
    return [[_plain(cell) for cell in row] for row in zip(*columns, strict=True)]


def _plain(cell: Any) -> Any:
    """Return a cell as both formats can hold it."""
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return cell.isoformat() if isinstance(cell, datetime.datetime) else cell
