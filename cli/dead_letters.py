"""Rows that could not be used, kept for whoever mends them: JSON Lines with line and reason."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import RowError
from .sinks import open_sink
from .sinks.protocol import Sink

COLUMNS = ("line", "reason", "row")


class DeadLetters:
    """Writes rows that could not be used.

    Parameters
    ----------
    sink
        Where they go.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def add(self, error: RowError) -> None:
        """Write one row: its line, the reason, and its text or its cells by column."""
        raw = error.raw
        if isinstance(raw, dict):
            raw = {name: _plain(cell) for name, cell in raw.items()}
        self._sink.write(COLUMNS, [(error.line, error.format_message(), raw)])

    def flush(self) -> None:
        """Hand all over."""
        self._sink.flush()

    def size(self) -> int | None:
        """Return how long the file is, once it is on the disk."""
        return self._sink.size()


@contextmanager
def dead_letters(path: str, size: int | None) -> Iterator[DeadLetters]:
    """Open a file for rows that cannot be used.

    Parameters
    ----------
    path
        The file, or a sink of another kind.
    size
        How long a file was at the last checkpoint; None for a new one.
    """
    with open_sink(path, ".jsonl", keeps=True, size=size) as sink:
        yield DeadLetters(sink)


def _plain(cell: object) -> object:
    """Return a cell as JSON can say it."""
    try:
        json.dumps(cell, allow_nan=False)
    except (TypeError, ValueError):
        return str(cell)
    return cell
