"""Charts of letters: curves in braille dots, sparklines, bars."""

import math
from collections.abc import Sequence

#: Eighths of a letter's height, from none to all.
EIGHTHS = " ▁▂▃▄▅▆▇█"
#: The bit of a dot in a braille letter, by its line and column.
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
BRAILLE = 0x2800

Numbers = Sequence[float | None]


def known(values: Numbers) -> list[float]:
    """Return the values that are finite numbers."""
    return [value for value in values if value is not None and math.isfinite(value)]


def short(value: float | None) -> str:
    """Write a number in seven letters or less.

    Examples
    --------
    >>> [short(value) for value in (None, 0.0, 0.12345, 12.345, 126_700.0, -3.2e9)]
    ['-', '0', '0.123', '12.3', '127k', '-3.2e+09']
    """
    if value is None or not math.isfinite(value):
        return "-"
    size = abs(value)
    if 1e4 <= size < 999_500:
        return f"{value / 1e3:.0f}k"
    if 999_500 <= size < 1e9:
        return f"{value / 1e6:.3g}M"
    return f"{value:.3g}" if size < 1000 or size >= 1e9 else f"{value:.0f}"


def visible(text: str) -> str:
    """Return a text with a dot for each letter that would command the terminal.

    Examples
    --------
    >>> visible("up" + chr(27) + "[2J" + chr(10) + "ä b")
    'up·[2J·ä b'
    """
    return "".join(letter if letter.isprintable() else "·" for letter in text)


def sparkline(values: Numbers, width: int) -> str:
    """Draw values as a line of letters between their least and their greatest.

    Parameters
    ----------
    values
        The values; None is a gap. Of more than there are letters, neighbours are averaged.
    width
        Letters.

    Examples
    --------
    >>> sparkline([0, 1, 2, None, 7], 5), sparkline([3, 3], 5)
    ('▁▂▃ █', '▄▄')
    """
    columns = averaged(values, width)
    found = known(columns)
    if not found:
        return ""
    low, span = min(found), max(found) - min(found)
    if span <= 1e-9 * max(map(abs, found)):  # the rounding of means
        span = 0.0
    return "".join(
        " "
        if value is None
        else EIGHTHS[1 + round(7 * (value - low) / span)]
        if span
        else EIGHTHS[4]
        for value in columns
    )


def averaged(values: Numbers, width: int) -> list[float | None]:
    """Return `width` means of neighbours at most."""
    n = len(values)
    if n <= width:
        return [value if value is not None and math.isfinite(value) else None for value in values]
    means: list[float | None] = []
    for i in range(width):
        part = known(values[i * n // width : (i + 1) * n // width])
        means.append(sum(part) / len(part) if part else None)
    return means


def bars(values: Numbers, width: int, height: int) -> list[str]:
    """Draw positive values as upright bars on a logarithmic scale; the least is one eighth high.

    Parameters
    ----------
    values
        The values; of more than there are letters, neighbours are averaged; of fewer, bars are
        wider.
    width, height
        Letters.

    Returns
    -------
    list of str
        The lines, from the top.

    Examples
    --------
    >>> bars([1.0, 10.0, 100.0], 3, 2)
    [' ▁█', '▁██']
    """
    columns = averaged(values, width)
    logs = [math.log10(v) if v is not None and v > 0 else None for v in columns]
    found = known(logs)
    if not found:
        return [""] * height
    top = max(found)
    span = (top - max(min(found), top - 12)) or 1.0
    eighths = [
        0 if v is None else 1 + round((8 * height - 1) * max(0.0, 1 - (top - v) / span))
        for v in logs
    ]
    wide = max(1, width // len(eighths))
    return [
        "".join(EIGHTHS[min(max(n - 8 * line, 0), 8)] * wide for n in eighths)
        for line in reversed(range(height))
    ]


def curve(values: Numbers, low: float, high: float, width: int, height: int) -> list[list[int]]:
    """Draw a curve, two values a letter, connected; return the bits of the braille letters.

    Parameters
    ----------
    values
        ``2 * width`` values at most, drawn from the left; None is a gap.
    low, high
        The values at the bottom and at the top.
    width, height
        Letters.
    """
    cells = [[0] * width for _ in range(height)]
    scale = (4 * height - 1) / ((high - low) or 1.0)
    before: int | None = None
    for x, value in enumerate(values):
        if value is None or not math.isfinite(value):
            before = None
            continue
        y = round((high - min(max(value, low), high)) * scale)
        start = y if before is None else before + (y > before) - (y < before)
        for dot in range(min(start, y), max(start, y) + 1):
            cells[dot // 4][x // 2] |= DOTS[dot % 4][x % 2]
        before = y
    return cells
