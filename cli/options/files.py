"""Files that a command writes: no two the same, and none of them the source."""

import os
from collections.abc import Mapping

import click

from ..schemes import without_login


def check_files(source: str, written: Mapping[str, str | None]) -> None:
    """Refuse to write one file twice, or over the source.

    Parameters
    ----------
    source
        What is read.
    written
        The files to write by the names of their options; None for one that is not given.

    Raises
    ------
    click.UsageError
        Two options, or an option and the source, are the same file.

    Examples
    --------
    >>> check_files("a.csv", {"--predictions": "b.csv", "--metrics-json": "./b.csv"})
    Traceback (most recent call last):
    click.exceptions.UsageError: --predictions and --metrics-json name the same file.
    """
    taken: dict[str, str] = {}
    for option, path in written.items():
        if path is None:
            continue
        # Through symbolic links, too: what counts is what would be overwritten.
        place = os.path.realpath(path)
        if place in taken:
            raise click.UsageError(f"{taken[place]} and {option} name the same file.")
        if path != "-" and place == os.path.realpath(source):
            shown = without_login(path)
            raise click.UsageError(f"{shown!r} is the source: it would be overwritten.")
        taken[place] = option
