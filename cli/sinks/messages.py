"""Predictions as messages: one JSON object each."""

import datetime
import json
import math
from typing import Any

from ..urls import Option, whole
from .protocol import Record

#: The seconds for which a sink tries to get rid of its records before it gives up, as a checkpoint
#: waits for it, and whoever wants to stop the process.
WAIT = Option(whole(1, 24 * 3600), 30)


def encoded(columns: tuple[str, ...], record: Record) -> bytes:
    """Return a record as a JSON object.

    Examples
    --------
    >>> encoded(("row", "target", "prediction"), (7, None, float("nan")))
    b'{"row": 7, "target": null, "prediction": null}'
    """
    cells = {name: _plain(cell) for name, cell in zip(columns, record, strict=True)}
    # Surrogates that stand alone, which JSON input can hold, must not end the run.
    return json.dumps(cells, ensure_ascii=False).encode(errors="backslashreplace")


def _plain(cell: Any) -> Any:
    """Return a cell as JSON can hold it."""
    if isinstance(cell, float) and not math.isfinite(cell):
        return None
    return cell.isoformat() if isinstance(cell, datetime.date) else cell
