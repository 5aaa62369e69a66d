"""Columns that Arrow holds: cells are made when they are asked for, numbers all at once.

Nothing here makes Arrow's values of Python's, or calls ``to_numpy``: both import pandas where it is
installed, which takes half a second.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

#: Ways of saying "no value" that are told without a look at each cell; `cells.MISSING` has all.
_COMMON = ("", "NA", "na", "NaN", "nan", "NULL", "null", "None", "none", "?")


class ArrowColumn(Sequence[Any]):
    """An Arrow array as a sequence of Python's values.

    Parameters
    ----------
    array
        The array. No null is among those of text out of a CSV file: an empty cell is ``""``.

    Examples
    --------
    >>> import pyarrow
    >>> column = ArrowColumn(pyarrow.array(["01", "", "2.5"]))
    >>> column.as_numbers().tolist(), column[0], list(column[1:])
    ([1.0, nan, 2.5], '01', ['', '2.5'])
    """

    def __init__(self, array: Any) -> None:
        self._array = array

    def __len__(self) -> int:
        return len(self._array)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, at: Any) -> Any:
        found = self._array[at]
        return ArrowColumn(found) if isinstance(at, slice) else found.as_py()

    def tolist(self) -> list[Any]:
        """Return Python's values, None for null."""
        return self._array.to_pylist()

    def as_numbers(self) -> Any:
        """Return float64, (rows,), NaN for what is missing; None if the cells must be looked at."""
        import pyarrow

        types, kind = pyarrow.types, self._array.type
        if types.is_string(kind):
            return _spelt(self._array)
        if types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind):
            # Not "safe": beyond 2**53 the nearest float is what Python makes, too.
            return _filled(self._array.cast(pyarrow.float64(), safe=False))
        return None


def _spelt(array: Any) -> Any:
    """Return what text says, in the words of `cells.number`; None where Arrow reads otherwise."""
    import numpy as np
    import pyarrow
    import pyarrow.compute

    try:
        made = _filled(array.cast(pyarrow.float64()))
        if not np.isnan(made).any():
            return made
    except pyarrow.ArrowInvalid:
        pass
    is_missing = pyarrow.compute.is_in(array, value_set=_common())
    nulls = pyarrow.nulls(len(array), array.type)
    try:
        made = pyarrow.compute.if_else(is_missing, nulls, array).cast(pyarrow.float64())
    except pyarrow.ArrowInvalid:
        return None
    # It takes "nan(1)" for a number.
    has_others = pyarrow.compute.any(pyarrow.compute.is_nan(made)).as_py()
    return None if has_others else _filled(made)


@cache
def _common() -> Any:
    """Return the words as an array."""
    import numpy as np
    import pyarrow

    ends = np.cumsum([0, *map(len, _COMMON)], dtype=np.int32)
    buffers = pyarrow.py_buffer(ends), pyarrow.py_buffer("".join(_COMMON).encode())
    return pyarrow.StringArray.from_buffers(len(_COMMON), *buffers)


def _filled(array: Any) -> Any:
    """Return an array of NumPy's, with NaN for null."""
    import numpy as np
    import pyarrow

    numbers = _values(array, np.float64)
    if not array.null_count:
        return numbers
    is_null = _values(array.is_null().cast(pyarrow.uint8()), np.uint8)
    return np.where(is_null, math.nan, numbers)


def _values(array: Any, dtype: Any) -> Any:
    import numpy as np

    _, values = array.buffers()
    return np.frombuffer(values, dtype, len(array), array.offset * np.dtype(dtype).itemsize)
