"""Where samples and blocks tell their key and their time."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import timedelta
from typing import Any

import narwhals as nw
import numpy as np

from streamrnn._checks import check_count, check_number
from streamrnn.estimators.blocks import check_hashable, length, sequence
from streamrnn.estimators.classifier import RNNClassifier
from streamrnn.estimators.features import is_missing
from streamrnn.estimators.regressor import RNNRegressor

#: More threads than any machine has cores.
MOST_THREADS = 4096


def check_arguments(
    model: Any, key: Any, max_keys: Any, ttl: Any, time: Any, n_threads: Any
) -> None:
    """Raise TypeError or ValueError unless these can be arguments of a `KeyedModel`."""
    # The type itself: River's pipelines pass for their last step.
    if not issubclass(type(model), (RNNRegressor, RNNClassifier)):
        raise TypeError(
            "model must be an RNNRegressor or an RNNClassifier, got "
            f"{_called(model)}; a pipeline goes around the KeyedModel, not into it"
        )
    if model.drift_detector is not None:
        raise ValueError(
            f"model has a drift_detector, a {type(model.drift_detector).__name__}, which watches "
            "one stream; a KeyedModel has many"
        )
    if key is None or key == []:
        raise ValueError(f"key must name the feature that tells the key, got {key!r}")
    for name in key_names(key):
        check_hashable("key", name)
    check_hashable("time", time)
    for name, count in (("max_keys", max_keys), ("n_threads", n_threads)):
        if count is not None:
            check_count(name, count, 1)
    if n_threads is not None:  # each has scratch memory of its own
        check_number("n_threads", n_threads, 1, most=MOST_THREADS)
    if isinstance(ttl, timedelta):
        if time is None:
            raise ValueError(f"ttl={ttl!r} is a span of time: name the feature in time=")
    elif isinstance(ttl, (str, np.timedelta64)):
        raise TypeError(f"ttl must be a number or a datetime.timedelta, got {ttl!r}")
    elif ttl is not None:
        check_number("ttl", ttl, 0.0, above=True)


def _called(model: Any) -> str:
    """Return in a few words what was given for a model."""
    if isinstance(model, type):
        return f"the class {model.__name__}"
    return f"a {type(model).__name__}" if hasattr(model, "learn_one") else repr(model)


def key_names(key: Any) -> list[Hashable]:
    """Return the names of the features that tell the key; none if a function does."""
    if isinstance(key, list):
        return key
    return [] if callable(key) else [key]


def key_of(x: Mapping[Hashable, Any], key: Any) -> Hashable:
    """Return the key of a sample; ValueError if it has none."""
    if callable(key):
        return checked_key(key(x))
    if isinstance(key, list):
        return tuple(checked_key(named(x, name, "key")) for name in key)
    return checked_key(named(x, key, "key"))


def named(x: Mapping[Hashable, Any], name: Hashable, what: str) -> Any:
    """Return a feature that a sample must have; ValueError if it has not."""
    # Not x[name]: a defaultdict would invent one.
    value = x.get(name) if isinstance(x, Mapping) else None
    if value is None:
        raise ValueError(f"the sample has no {name!r}, which tells its {what}: {x!r}")
    return value


def checked_time(value: Any, ttl: Any) -> Any:
    """Return a time that can be told from others by `ttl`; NumPy's as Python's.

    Raises
    ------
    ValueError
        If it is missing: None, NaN or NaT.
    TypeError
        If `ttl` is no span of such times.
    """
    if isinstance(value, np.datetime64):
        value = value.astype("datetime64[us]").item()
    try:
        is_time = value is not None and value - value <= ttl
    except TypeError:
        raise TypeError(
            f"the time {value!r} does not go with ttl={ttl!r}: times are numbers and ttl is one, "
            "or datetimes and a timedelta"
        ) from None
    if not is_time:
        raise ValueError(f"a time is missing: {value!r}")
    return value


def checked_times(values: list[Any], ttl: Any) -> list[Any]:
    """Do as `checked_time` does with each."""
    return [checked_time(value, ttl) for value in values]


def checked_key(key: Any) -> Hashable:
    """Return a key that can tell a model: hashable, not None, not NaN (which is not itself)."""
    if type(key) in (str, int):  # most are, and every sample has one
        return key
    check_hashable("the key", key)
    if is_missing(key) or key != key:
        raise ValueError(f"a key is missing: {key!r}")
    return key


def checked_keys(keys: list[Any]) -> list[Hashable]:
    """Return keys that can tell models; each is looked at once, however often it comes."""
    try:
        distinct = dict.fromkeys(keys)
    except TypeError:
        distinct = {checked_key(key): None for key in keys}
    for key in distinct:
        try:
            checked_key(key)
        except ValueError as error:
            row = next(i for i, one in enumerate(keys) if one is key)
            raise ValueError(f"row {row}: {error}") from None
    return keys


def taken_keys(given: Any, X: Any, key: Any) -> list[Hashable]:
    """Return the key of each row, as given or from the columns of a data frame.

    Raises
    ------
    ValueError
        If there are not as many as rows, or one is missing.
    """
    if isinstance(given, str):
        raise ValueError(f"keys={given!r}: give one for each row, or None to take a column")
    if given is None and isinstance(key, list):
        columns = (checked_keys(taken(None, X, name, "keys")) for name in key)
        return list(zip(*columns, strict=True))
    return checked_keys(taken(given, X, key, "keys"))


def _frame(X: Any) -> nw.DataFrame[Any] | None:
    frame = nw.from_native(X, eager_only=True, pass_through=True)
    return frame if isinstance(frame, nw.DataFrame) else None


def taken(given: Any, X: Any, name: Any, argument: str) -> list[Any]:
    """Return what was given for each row or, if that is None, a column of a data frame.

    Raises
    ------
    ValueError
        If there is no such column, or not as many values as rows.
    """
    if given is None:
        frame = _frame(X)
        if frame is None or name not in list(frame.columns):
            raise ValueError(f"give {argument}=, or a data frame with the column {name!r}")
        given = frame[name]
    return sequence(given, length(X), argument)


def without(X: Any, names: tuple[Any, ...]) -> Any:
    """Return a data frame without some columns, if it has them; anything else as it is."""
    frame = _frame(X)
    if frame is None or not set(names).intersection(frame.columns):
        return X
    return nw.to_native(frame.select([name for name in frame.columns if name not in names]))
