"""Records as one JSON object a line; what is missing is null."""

import json
from collections.abc import Sequence

from .protocol import Record

SUFFIX = ".jsonl"


def header(columns: tuple[str, ...]) -> str:
    """Return nothing: each line has the names."""
    return ""


def lines(columns: tuple[str, ...], records: Sequence[Record]) -> str:
    """Return one line a record."""
    encode = json.JSONEncoder().encode
    return "".join(encode(dict(zip(columns, record, strict=True))) + "\n" for record in records)
