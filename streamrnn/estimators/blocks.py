"""Blocks of samples for ``replay``: arrays and data frames to columns of float64."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import narwhals as nw
import numpy as np

from streamrnn.estimators.features import number


def columns(X: Any, features: Sequence[Hashable] | None) -> tuple[list[Hashable], np.ndarray]:
    """Return the features' names and their values, float64 (T, n), of an array or a data frame.

    Parameters
    ----------
    X
        Array (T, n), or an eager data frame of any library that narwhals knows.
    features
        Names of the columns of an array (0, 1, ... by default); which columns to take of a frame
        (all by default).

    Raises
    ------
    ValueError
        If the shape and the names disagree, or names repeat.
    TypeError
        If a value is no number; it names the feature.
    """
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        names: list[Hashable] = list(frame.columns) if features is None else list(features)
        unknown = [name for name in names if name not in frame.columns]
        if unknown:
            raise ValueError(f"features {unknown} are not columns of X: {list(frame.columns)}")
        series = [_numbers(name, frame[str(name)].to_numpy()) for name in names]
        values = np.column_stack(series) if series else np.empty((len(frame), 0))
    else:
        array = np.asarray(X)
        if array.ndim != 2:
            raise ValueError(f"X must be of shape (T, n) or a data frame, got shape {array.shape}")
        names = list(range(array.shape[1])) if features is None else list(features)
        if len(names) != array.shape[1]:
            raise ValueError(f"X has {array.shape[1]} columns, but features names {len(names)}")
        values = _array(names, array)
    if len(set(names)) != len(names):
        raise ValueError(f"features has a name twice: {names}")
    return names, np.ascontiguousarray(values)


def _array(names: Sequence[Hashable], array: np.ndarray) -> np.ndarray:
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    series = [_numbers(name, array[:, i]) for i, name in enumerate(names)]
    return np.column_stack(series) if series else np.empty(array.shape)


def _numbers(name: Hashable, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    return np.array([number(name, value) for value in values.tolist()], np.float64)


def length(X: Any) -> int:
    """Return the number of rows of an array or a data frame."""
    return int(X.shape[0]) if hasattr(X, "shape") and X.shape else len(X)


def sequence(y: Any, n: int) -> list[Any]:
    """Return the targets of a block as a list of Python objects; None stays None.

    Raises
    ------
    ValueError
        If there are not as many as rows.
    """
    values = y.tolist() if hasattr(y, "tolist") else list(y)
    if len(values) != n:
        raise ValueError(f"X has {n} rows, but y has {len(values)}")
    return values
