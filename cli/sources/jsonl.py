"""Rows of a JSON Lines file: one object a line, its keys are the columns."""

import json
from collections.abc import Iterator
from typing import Any

from ..errors import DataError, RowError, shown
from ..lines import TextLines
from .protocol import Row, Source

FORMAT = "jsonl"
SUFFIXES = (".jsonl", ".ndjson", ".json")
#: The second is the beginning of a JSON array, which gets a message of its own here.
FIRST = ("{", "[{")


def read(lines: TextLines, name: str) -> Source:
    """Return the rows of the file."""
    return Source(name, _rows(lines, name))


def _rows(lines: TextLines, name: str) -> Iterator[Row | RowError]:
    count = 0
    while True:
        try:
            line = next(lines)
        except StopIteration:
            break
        except RowError as error:
            count += 1
            yield error
            continue
        if line.isspace():
            continue
        count += 1
        yield _row(line, name, lines.number)
    if not count:
        raise DataError("is empty", source=name, remedy="Give a file with rows")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs, as long as no key occurs twice."""
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {shown(twice)} occurs more than once")
    return made


_DECODE = json.JSONDecoder(object_pairs_hook=_object).decode


def _decoded(line: str) -> Any:
    try:
        return _DECODE(line.rstrip())
    except json.JSONDecodeError as error:
        # Its own text would count lines from this one.
        raise ValueError(f"{error.msg} at character {error.colno}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _row(line: str, name: str, number: int) -> Row | RowError:
    place = f"line {number}"
    try:
        made = _decoded(line)
    except ValueError as error:
        remedy = "Each line must be one complete JSON object"
        return RowError(f"not JSON ({error})", source=name, place=place, remedy=remedy)
    if not isinstance(made, dict):
        what = f"not an object but {shown(made)}"
        remedy = "Each line must be one JSON object; from an array: jq -c '.[]'"
        return RowError(what, source=name, place=place, remedy=remedy)
    return Row(number, tuple(made), tuple(made.values()))
