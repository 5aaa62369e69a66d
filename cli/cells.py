"""One cell as a number, as a label, or as missing."""

import math
from collections.abc import Sequence
from typing import Any

#: Cells that say "no value", compared without regard to case.
MISSING = frozenset({"", "na", "nan", "null", "none", "?"})


def numbers(cells: Sequence[Any]) -> Any:
    """Return cells as numbers: `number` of each, but faster if all are plain text.

    An array of numbers is returned as it is, and a column that knows a faster way is asked:
    ``as_numbers()``, None where it does not.
    """
    if getattr(cells, "dtype", None) not in (None, "O"):
        return cells
    if hasattr(cells, "as_numbers"):
        made = cells.as_numbers()
        if made is not None:
            return made
    try:
        if "_" not in "".join(cells):
            return [float(cell) for cell in cells]
    except (TypeError, ValueError):
        pass
    return [number(cell) for cell in cells]


def labels(cells: Sequence[Any]) -> list[str | None]:
    """Return cells as labels: `label` of each, asked once for each different text."""
    known: dict[str, str | None] = {}
    made = []
    for cell in cells:
        if not isinstance(cell, str):
            made.append(label(cell))
            continue
        if cell not in known:
            known[cell] = label(cell)
        made.append(known[cell])
    return made


def number(cell: Any) -> float:
    """Return a cell as a number, NaN if it is missing; raise ValueError if it is neither.

    Examples
    --------
    >>> number(" 1.5 "), number(True), number("NA"), number(None)
    (1.5, 1.0, nan, nan)
    """
    if isinstance(cell, int | float):
        try:
            return float(cell)
        except OverflowError:
            return math.inf
    if cell is None:
        return math.nan
    if not isinstance(cell, str):
        raise ValueError(cell)
    text = cell.strip()
    if text.casefold() in MISSING:
        return math.nan
    if "_" in text:
        # Python would read 2024_01 as 202401.
        raise ValueError(text)
    return float(text)


def is_number(cell: Any) -> bool:
    """Return whether `number` takes the cell."""
    try:
        number(cell)
    except ValueError:
        return False
    return True


def spelt(cell: Any) -> Any:
    """Return a cell as JSON can say it: moments, and what else data frames hold, as text.

    Examples
    --------
    >>> import datetime
    >>> spelt("up"), spelt(7), spelt(datetime.date(2026, 2, 28))
    ('up', 7, '2026-02-28')
    """
    if isinstance(cell, str | int | float | None):
        return cell
    return cell.isoformat() if hasattr(cell, "isoformat") else str(cell)


def label(cell: Any) -> str | None:
    """Return a cell as a label, spelt as in the file; None if it is missing.

    Examples
    --------
    >>> label(" up "), label("01"), label(True), label("?")
    ('up', '01', 'true', None)
    """
    if isinstance(cell, list | dict):
        raise ValueError(cell)
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    text = str(cell).strip()
    if text.casefold() in MISSING:
        return None
    return text.lower() if isinstance(cell, bool) else text
