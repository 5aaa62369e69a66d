"""What numbers an option takes."""

import math

import click

POSITIVE = click.IntRange(min=1)
NOT_NEGATIVE = click.IntRange(min=0)


def check_finite(_: click.Context, __: click.Parameter, value: float | None) -> float | None:
    """Refuse what is no number: every comparison with it fails, those of a range included."""
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("must be a finite number")
    return value
