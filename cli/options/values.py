"""What values an option takes: numbers in a range, one of several words."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import click

from ..suggestions import did_you_mean


class Count(click.IntRange):
    """A whole number, called so in messages."""

    name = "whole number"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Return what stands for it in the help."""
        return "N"


class Amount(click.FloatRange):
    """A number, called so in messages."""

    name = "number"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Return what stands for it in the help."""
        return "X"


POSITIVE = Count(min=1)
NOT_NEGATIVE = Count(min=0)


def check_finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """Refuse what is no number: every comparison with it fails, those of a range included."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("must be a finite number")
    return value


class Choice(click.Choice[str]):
    """One of several words; the nearest one is suggested for any other.

    Parameters
    ----------
    words
        Which there are.
    also
        Other words for some of them, to be suggested whatever is nearest by its letters.
    """

    def __init__(self, words: Sequence[str], also: Mapping[str, str] | None = None) -> None:
        super().__init__(words)
        self._also = also or {}

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Say what is wrong with a value, which words there are, and which could be meant."""
        message = super().get_invalid_choice_message(value, ctx).removesuffix(".")
        meant = self._also.get(str(value).casefold())
        near = did_you_mean(meant or str(value), self.choices)
        return f"{message}. {near}" if near else f"{message}."
