"""Blocks of samples for ``replay``: arrays and data frames to columns of float64."""

from __future__ import annotations

import math
from collections.abc import Container, Hashable, Iterable, Sequence
from typing import Any

import narwhals as nw
import numpy as np

from streamrnn._checks import check_number
from streamrnn.estimators.features import feature, target


def columns(
    X: Any, features: Sequence[Hashable] | None, known: Container[Hashable] | None = None
) -> tuple[list[Hashable], np.ndarray]:
    """Return the features' names and their values, float64 (T, n), of an array or a data frame.

    Parameters
    ----------
    X
        Array (T, n), or an eager data frame of any library that narwhals knows.
    features
        Names of the columns of an array (0, 1, ... by default); which columns to take of a frame
        (all by default).
    known
        Of these only those are read, whatever is in the others; None: all are.

    Raises
    ------
    ValueError
        If the shape and the names disagree, or names repeat.
    TypeError
        If a value is no number; it names the feature.
    """
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    if isinstance(frame, nw.DataFrame):
        names, values = _of_frame(frame, features, known)
    else:
        names, values = _of_array(X, features, known)
    return names, np.ascontiguousarray(values)


def _of_frame(
    frame: nw.DataFrame[Any],
    features: Sequence[Hashable] | None,
    known: Container[Hashable] | None,
) -> tuple[list[Hashable], np.ndarray]:
    labels: list[Any] = list(frame.columns)
    distinct(labels)
    names: list[Any] = labels if features is None else distinct(features)
    unknown = [name for name in names if name not in labels]
    if unknown:
        raise ValueError(f"features {unknown} are not columns of X: {labels}")
    names = [name for name in names if known is None or name in known]
    columns: dict[Any, Any] = dict(zip(labels, frame.iter_columns(), strict=True))
    return names, _stack([_numbers(name, columns[name].to_numpy()) for name in names], len(frame))


def _of_array(
    X: Any, features: Sequence[Hashable] | None, known: Container[Hashable] | None
) -> tuple[list[Hashable], np.ndarray]:
    masked = np.ma.getmask(X)
    array = np.asarray(X)
    if masked is not np.ma.nomask:
        array = array.astype(object)
        array[masked] = None
    if array.ndim != 2:
        raise ValueError(f"X must be of shape (T, n) or a data frame, got shape {array.shape}")
    names: list[Any] = list(range(array.shape[1])) if features is None else distinct(features)
    if len(names) != array.shape[1]:
        raise ValueError(f"X has {array.shape[1]} columns, but features names {len(names)}")
    if known is not None:
        kept = [i for i, name in enumerate(names) if name in known]
        names, array = [names[i] for i in kept], array[:, kept]
    if array.dtype.kind in "biuf":
        return names, array.astype(np.float64)
    return names, _stack([_numbers(n, array[:, i]) for i, n in enumerate(names)], len(array))


def _numbers(name: Hashable, values: np.ndarray) -> np.ndarray:
    if values.dtype.kind in "biuf":
        return values.astype(np.float64)
    # Iterated as they are: as a list, dates in nanoseconds would turn into integers.
    objects = values if values.dtype.kind in "mMc" else values.tolist()
    return np.array([feature(name, value) for value in objects], np.float64)


def _stack(columns: list[np.ndarray], length: int) -> np.ndarray:
    return np.column_stack(columns) if columns else np.empty((length, 0))


def distinct(names: Sequence[Hashable]) -> list[Hashable]:
    """Return names as a list.

    Raises
    ------
    ValueError
        If there is one twice.
    TypeError
        If one is not hashable.
    """
    if isinstance(names, (str, bytes)):
        raise TypeError(f"names must be a list, got {names!r}")
    listed = list(names)
    for name in listed:
        check_hashable("the name", name)
    if len(set(listed)) != len(listed):
        raise ValueError(f"a name twice: {listed}")
    return listed


def check_hashable(what: str, value: Any) -> None:
    """Raise TypeError unless `value` is hashable."""
    try:
        hash(value)
    except TypeError:
        raise TypeError(
            f"{what} is {value!r}, a {type(value).__name__}, which is not hashable"
        ) from None


def length(X: Any) -> int:
    """Return the number of rows of an array or a data frame."""
    if hasattr(X, "collect"):
        raise TypeError(f"X is a {type(X).__name__}, not a data frame yet; collect it first")
    return int(X.shape[0]) if hasattr(X, "shape") and X.shape else len(X)


def sequence(y: Any, n: int, name: str = "y") -> list[Any]:
    """Return the targets of a block, or what `name` says, as Python objects; None stays None.

    Raises
    ------
    ValueError
        If there are not as many as rows.
    TypeError
        If it is a single value.
    """
    if getattr(y, "ndim", 1) != 1 or hasattr(y, "columns"):
        raise ValueError(f"{name} must be one column, got shape {getattr(y, 'shape', None)}")
    if getattr(getattr(y, "dtype", None), "kind", "") in ("m", "M"):
        y = list(y)  # tolist() would turn nanoseconds into integers
    for method in ("to_pylist", "tolist"):
        if hasattr(y, method):
            values = getattr(y, method)()
            break
    else:
        if not isinstance(y, Iterable):
            raise TypeError(f"{name} must have a value for each row of X, got {y!r}")
        values = list(y)
    if len(values) != n:
        raise ValueError(f"X has {n} rows, but {name} has {len(values)}")
    return values


def weighted(targets: np.ndarray, weights: Any = 1.0) -> np.ndarray:
    """Return rows of targets with a last column of weights, as `Model.run` takes them.

    Parameters
    ----------
    targets
        Shape (T,) or (T, n_targets).
    weights
        A number, or (T,).
    """
    columns = targets[:, None] if targets.ndim == 1 else targets
    rows = np.empty((len(columns), columns.shape[1] + 1))
    rows[:, :-1] = columns
    rows[:, -1] = weights
    return rows


def weights(w: Sequence[float] | None, n: int) -> np.ndarray:
    """Return the weights of a block, float64, (n,); 1 where there are none.

    Raises
    ------
    ValueError
        If there are not as many as rows, or one is negative or not finite.
    TypeError
        If one is no number.
    """
    if w is None:
        return np.ones(n)
    values = suspects = sequence(w, n, "w")
    if {float}.issuperset(map(type, values)):  # a check for each would cost as much as a prediction
        array = np.array(values, np.float64)
        suspects = array[~((array >= 0.0) & (array < math.inf))].tolist()
    for weight in suspects:
        check_number("w", weight, 0.0)
    return np.array(values, np.float64)


def numbers(y: Any, n: int) -> np.ndarray:
    """Return the targets of a block as float64, (n,); None becomes NaN.

    Raises
    ------
    ValueError
        If there are not as many as rows.
    TypeError
        If one is no number.
    """
    if type(y) is np.ndarray and y.dtype.kind in "biuf" and y.shape == (n,):
        return y.astype(np.float64)
    return np.array([target(value) for value in sequence(y, n)], np.float64)
