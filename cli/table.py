"""A plain table: names on the left, numbers aligned on the right."""

import math
from collections.abc import Sequence


def number(value: float) -> str:
    """Write a number with five significant digits.

    Examples
    --------
    >>> number(0.63101234), number(1234.5678), number(float("nan"))
    ('0.63101', '1234.6', 'n/a')
    """
    if math.isnan(value):
        return "n/a"
    return f"{value:#.5g}".removesuffix(".")


def counted(n: int, one: str) -> str:
    """Write a number with its noun.

    Examples
    --------
    >>> counted(1, "row"), counted(1268, "row")
    ('1 row', '1,268 rows')
    """
    return f"{n:,} {one}" if n == 1 else f"{n:,} {one}s"


def render(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return the lines of a table whose first column holds names.

    Examples
    --------
    >>> print(render(["model", "MAE"], [["last value", "0.63101"]]))
    model           MAE
    -------------------
    last value  0.63101
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [_line(cells, widths) for cells in (header, *rows)]
    lines.insert(1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return "\n".join(lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *others = cells
    right = (cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))
    return "  ".join([name.ljust(widths[0]), *right])
