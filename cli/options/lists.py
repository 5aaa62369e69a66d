"""Options that take several values with commas in between, such as ``--truncation 8,32``."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import click


class Several(click.ParamType):
    """Values with commas in between; the option's own value stays a text, which `values` reads.

    Parameters
    ----------
    read
        Makes a value of a text; raises ValueError.
    what
        What a value is, for messages.
    """

    name = "list"

    def __init__(self, read: Callable[[str], Any], what: str) -> None:
        self._read = read
        self._what = what

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text, if all values in it can be read."""
        text = str(value)
        try:
            self.values(text)
        except ValueError as error:
            self.fail(f"{str(error)!r} is not {self._what}.", param, ctx)
        return text

    def values(self, text: str) -> tuple[Any, ...]:
        """Return the values, each once, in their order."""
        return tuple(dict.fromkeys(self._all(text)))

    def _all(self, text: str) -> Iterable[Any]:
        for one in text.split(","):
            try:
                yield self._read(one.strip())
            except ValueError:
                raise ValueError(one.strip()) from None


def _word(text: str) -> str:
    if not text:
        raise ValueError(text)
    return text


def _count(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise ValueError(text)
    return int(text)


def _rate(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and value > 0):
        raise ValueError(text)
    return value


WORDS = Several(_word, "a name")
COUNTS = Several(_count, "a whole number from 1 on")
RATES = Several(_rate, "a number more than 0")
