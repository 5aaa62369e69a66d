"""Predictions as messages: one JSON object each."""

from ..urls import Option, whole
from .jsonl import lines
from .protocol import Record

#: The seconds for which a sink tries to get rid of its records before it gives up, as a checkpoint
#: waits for it, and whoever wants to stop the process.
WAIT = Option(whole(1, 24 * 3600), 30)


def encoded(columns: tuple[str, ...], record: Record) -> bytes:
    """Return a record as a JSON object.

    Examples
    --------
    >>> encoded(("row", "target", "prediction"), (7, None, 0.5))
    b'{"row": 7, "target": null, "prediction": 0.5}'
    """
    return lines(columns, [record]).removesuffix("\n").encode()
