"""Values as JSON can hold them."""

import math
from typing import Any


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
