"""Numbers and headers as spreadsheets write them: what to say to whoever has such a file."""

import re
from collections.abc import Iterable
from typing import Any

from .cells import is_number

#: ``20,5`` and ``1.020,5``; ``1,020.5`` and ``1,020,000``.
_WITH_COMMA = re.compile(r"[-+]?(\d+,\d+|\d{1,3}(\.\d{3})+,\d+|\d{1,3}(,\d{3})+(\.\d+)?)")

DECIMAL_POINT = (
    "Numbers have a decimal point and nothing between thousands, as 1020.5; where semicolons "
    "separate the cells and commas the decimals: sed 's/,/./g'"
)


def has_comma(cell: Any) -> bool:
    """Say whether a cell is a number but for its commas.

    Examples
    --------
    >>> [has_comma(cell) for cell in ("20,5", "1,020.5", "20.5", "20 kWh", 3)]
    [True, True, False, False, False]
    """
    return isinstance(cell, str) and _WITH_COMMA.fullmatch(cell.strip()) is not None


def header_remedy(columns: Iterable[str]) -> str | None:
    """Say what is wrong with a line that can hardly be one of names, None if it may well be.

    Examples
    --------
    >>> header_remedy(["10", "20.5"])
    'The first line must be the names of the columns'
    >>> header_remedy(["stamp", "load"]) is None
    True
    """
    names = list(columns)
    if names and all(map(is_number, names)):
        return "The first line must be the names of the columns"
    if names and names[0].startswith("sep="):
        return "The first line is for a spreadsheet only, remove it: tail -n +2"
    if len(names) == 1 and "|" in names[0]:
        return "Commas, semicolons or tabs must separate the columns: tr '|' ';'"
    return None
