"""Rows of a JSON Lines file: one object a line, its keys are the columns."""

import json
from collections.abc import Iterator
from typing import Any

from ..errors import DataError, RowError, shown
from ..lines import Pause, TextLines, skipping
from ..objects import as_object
from .protocol import Item, Row

FORMAT = "jsonl"
SUFFIXES = (".jsonl", ".ndjson", ".json")
#: The second is the beginning of a JSON array, which gets a message of its own here.
FIRST = ("{", "[{")


def read(lines: TextLines, name: str, start: int = 0) -> Iterator[Item]:
    """Give the rows, or those behind `start` bytes."""
    yield from skipping(lines, start)
    count = 0
    while True:
        try:
            line = next(lines)
        except StopIteration:
            break
        except Pause:
            yield None
            continue
        except RowError as error:
            count += 1
            error.offset = (lines.offset, lines.number)
            yield error
            continue
        if line.isspace():
            continue
        count += 1
        yield parsed(line, name, lines.number, (lines.offset, lines.number))
    if not count and not start:
        raise DataError("is empty", source=name, remedy="Give a file with rows")


_DECODE = json.JSONDecoder(object_pairs_hook=as_object).decode


def _decoded(line: str) -> Any:
    try:
        return _DECODE(line.rstrip())
    except json.JSONDecodeError as error:
        # Its own text would count lines from this one.
        raise ValueError(f"{error.msg} at character {error.colno}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def parsed(
    line: str,
    name: str,
    number: int,
    offset: Any,
    unit: str = "line",
    place: str | None = None,
) -> Row | RowError:
    """Return the row that a JSON object spells.

    Parameters
    ----------
    line
        The text.
    name
        The name of the source, for messages.
    number
        Which of its lines, or messages, it is.
    offset
        Where it is, in the source's own terms.
    unit
        What `number` counts.
    place
        Where it is, for messages; the unit and the number if they say it.
    """
    try:
        made = _decoded(line)
    except ValueError as error:
        what = f"not JSON ({error})"
        remedy = f"Each {unit} must be one complete JSON object"
    else:
        if isinstance(made, dict):
            return Row(number, tuple(made), tuple(made.values()), offset)
        what = f"not an object but {shown(made)}"
        remedy = f"Each {unit} must be one JSON object; from an array: jq -c '.[]'"
    return RowError(
        what,
        source=name,
        place=place or f"{unit} {number}",
        remedy=remedy,
        line=number,
        offset=offset,
        raw=line.rstrip("\n"),
    )
