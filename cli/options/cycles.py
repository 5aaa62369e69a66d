"""Cycles of the calendar, as words: ``day``, or ``day:3,year`` with harmonics."""

import re

import click

_ONE = r"(day|week|year)(:[1-9]\d?|:100)?"


def are_cycles(text: str) -> bool:
    """Say whether a text names cycles, with commas in between.

    Examples
    --------
    >>> are_cycles("day:3, year"), are_cycles("day:0"), are_cycles("hour")
    (True, False, False)
    """
    return re.fullmatch(f"{_ONE}(, *{_ONE})*", text) is not None


def check_calendar(
    _: click.Context, __: click.Parameter, given: tuple[str, ...]
) -> tuple[str, ...]:
    """Refuse what names no cycles."""
    for one in given:
        if not are_cycles(one):
            what = "is not such as day,week:3,year (harmonics from 1 to 100)"
            raise click.BadParameter(f"{one!r} {what}")
    return given
