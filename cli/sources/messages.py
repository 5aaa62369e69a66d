"""Messages of brokers as rows: each holds one JSON object."""

from collections.abc import Sequence
from typing import Any

from ..errors import RowError
from .jsonl import parsed
from .protocol import Row


def row_of(
    payload: bytes | None,
    name: str,
    number: int,
    offset: Any,
    *,
    place: str | None = None,
    more: Sequence[tuple[str, Any]] = (),
    value: str | None = None,
) -> Row | RowError:
    """Return the row that a message spells, or what is wrong with it.

    Parameters
    ----------
    payload
        The bytes of the message, or None if it has none.
    name
        The name of the source, for messages.
    number
        Which message it is.
    offset
        Where it is, in the source's own terms.
    place
        Where it is, for messages; the number if they say it.
    more
        Names and cells of further columns.
    value
        The column of a message that is a bare number or text; None if there must be an object.
    """
    place = place or f"message {number}"
    try:
        text = (payload or b"").decode()
    except UnicodeDecodeError as error:
        what = f"byte 0x{error.object[error.start]:02x} is not UTF-8"
        return _error(payload, what, "Send text in UTF-8", name, number, offset, place)
    if value is not None and not text.lstrip().startswith("{"):
        row: Row | RowError = Row(number, (value,), (text,), offset)
    else:
        row = parsed(text, name, number, offset, unit="message", place=place)
    if isinstance(row, RowError) or not more:
        return row
    names, cells = zip(*more, strict=True)
    twice = [column for column in names if column in row.columns]
    if twice:
        what = f"there is a field {twice[0]!r} already"
        remedy = "Choose another name for the column"
        return _error(payload, what, remedy, name, number, offset, place)
    return Row(number, (*row.columns, *names), (*row.cells, *cells), offset)


def _error(
    payload: bytes | None, what: str, remedy: str, name: str, number: int, offset: Any, place: str
) -> RowError:
    return RowError(
        what,
        source=name,
        place=place,
        remedy=remedy,
        line=number,
        offset=offset,
        raw=(payload or b"").decode(errors="backslashreplace"),
    )
