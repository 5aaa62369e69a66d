"""Checks of arguments: one clear line, with the name and the value."""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np


def check_count(name: str, value: Any, least: int) -> None:
    """Raise unless `value` is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be an integer, got {value!r} of type {type(value).__name__}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}")


def check_flag(name: str, value: Any) -> None:
    """Raise TypeError unless `value` is True or False, Python's or NumPy's."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")


def check_number(
    name: str, value: Any, least: float, above: bool = False, most: float = math.inf
) -> None:
    """Raise unless `value` is finite, at least (or `above`: more than) `least`, at most `most`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} must be a number, got {value!r} of type {type(value).__name__}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if math.isfinite(number) and least <= number <= most and not (above and number == least):
        return
    bounds = ["finite"]
    if least > -math.inf:
        bounds.append(f"{'more than' if above else 'at least'} {least:g}")
    if most < math.inf:
        bounds.append(f"at most {most:g}")
    raise ValueError(f"{name} must be {' and '.join(bounds)}, got {value!r}")


def check_choice(
    name: str,
    value: Any,
    choices: tuple[str, ...],
    also: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Raise unless `value` is one of the `choices`; `also` are other words for some of them."""
    if value not in choices:
        word = str(value).lower()
        near = [also[word]] if word in also else difflib.get_close_matches(word, choices, n=1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        raise ValueError(f"{name}={value!r} is unknown{hint}; known: {', '.join(choices)}")


def check_several(name: str, value: Any, what: str) -> None:
    """Raise unless `value` is a sequence; the message calls its items `what`."""
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"{name} must be a tuple of {what}, got {value!r}")
