"""What can be wrong with the data, said in one line: what, where, and how to put it right."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

#: Longest piece of a user's data that a message repeats.
SHOWN = 40


def shown(value: object) -> str:
    """Write a value from the data in quotes, on one line, shortened if it is long."""
    text = ascii(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 4]}...{text[-1]}"


class DataError(click.ClickException):
    """The data cannot be used; ends the run with exit code 3.

    Parameters
    ----------
    what
        What is wrong, without a full stop.
    source
        The file, or what stands for it.
    place
        Where in the source, such as ``line 7``.
    column
        The column, if one is to blame.
    remedy
        What the user can do about it.
    """

    exit_code = 3

    def __init__(
        self,
        what: str,
        *,
        source: str | None = None,
        place: str | None = None,
        column: str | None = None,
        remedy: str | None = None,
    ) -> None:
        where = [source, place, None if column is None else f"column {shown(column)}"]
        message = ", ".join(part for part in where if part is not None)
        message = f"{message}: {what}" if message else what
        if remedy:
            message += f". {remedy}"
        super().__init__(message if message.endswith("?") else f"{message}.")


class RowError(DataError):
    """One row cannot be used, the next one perhaps can: ``--on-error skip`` goes on.

    Parameters
    ----------
    what
        What is wrong, without a full stop.
    line
        The number of the row in what its source counts.
    offset
        Where it is, in the source's own terms; see `sources.protocol.Row`.
    raw
        The row: its text, or its cells by column.
    where
        `source`, `place`, `column` and `remedy`, as in `DataError`.
    """

    def __init__(
        self,
        what: str,
        *,
        line: int | None = None,
        offset: Any = None,
        raw: Any = None,
        **where: str | None,
    ) -> None:
        super().__init__(what, **where)
        self.line = line
        self.offset = offset
        self.raw = raw


@contextmanager
def device_errors() -> Iterator[None]:
    """Say in one line what is wrong with a device, and what does without one."""
    try:
        yield
    except RuntimeError as error:
        import streamrnn

        if not isinstance(error, streamrnn.DeviceError):
            raise
        said = str(error).rstrip(".")
        raise click.UsageError(f"--backend: {said}; --backend cpu needs no device.") from None
