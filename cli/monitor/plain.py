"""Values as JSON can hold them."""

import math
from typing import Any

#: Letters of a label or a time that are kept: a column of free text must not fill the memory.
LONGEST = 200


def cut(text: Any) -> Any:
    """Return a text, shortened if it is long; anything else as it is.

    Examples
    --------
    >>> cut("up"), len(cut("x" * 5000)), cut(1.5)
    ('up', 200, 1.5)
    """
    if isinstance(text, str) and len(text) > LONGEST:
        return text[: LONGEST - 1] + "…"
    return text


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: None for what is not finite, times and others as text.

    Examples
    --------
    >>> import datetime
    >>> plain({"at": datetime.date(2024, 2, 29), "norms": (1.5, float("nan"))})
    {'at': '2024-02-29', 'norms': [1.5, None]}
    """
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):  # NumPy's
        return plain(value.tolist())
    return str(value)
