"""Records as CSV with a header; what is missing is an empty cell."""

import csv
import io
from collections.abc import Sequence

from .protocol import Record

SUFFIX = ".csv"


def header(columns: tuple[str, ...]) -> str:
    """Return the names of the columns."""
    return lines(columns, [columns])


def lines(columns: tuple[str, ...], records: Sequence[Record]) -> str:
    """Return one line a record."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(records)
    return text.getvalue()
