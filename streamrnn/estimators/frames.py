"""Answers as data frames and series of the library that the question came in."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np

# River's own conversions; imported where they are used, since they bring SciPy along: a tenth of a
# second that who has no data frames need not wait.


def opened(X: Any) -> Any:
    """Wrap an eager data frame of any library that narwhals knows; TypeError if it is none."""
    from river.utils import dataframe

    try:
        return dataframe.into_frame(X)
    except TypeError:
        raise TypeError(f"X must be a data frame, got a {type(X).__name__}") from None


def series(values: Any, like: Any) -> Any:
    """Return values as a series of the library of an `opened` frame, with its index."""
    from river.utils import dataframe

    return dataframe.to_native_series(values, name=None, like=like)


def frame(columns: Mapping[Hashable, np.ndarray], like: Any) -> Any:
    """Return columns as a frame of the library of an `opened` frame, with its index."""
    from river.utils import dataframe

    return dataframe.to_native_frame(columns, like=like)
