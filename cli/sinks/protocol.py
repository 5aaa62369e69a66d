"""Where predictions go, and what a module of this package has to offer to be such a place.

A module is a **scheme** (``kafka://HOST/TOPIC``) if it defines ``SCHEME`` and
``open_sink(rest)``, a context manager that gives a :class:`Sink`; `rest` is what follows the
colon.

It is a **text format** if it defines ``SUFFIX``, ``header(columns)``, which returns the text before
the first record, and ``lines(columns, records)``, which returns that of some records.

All must be importable without NumPy and whatever else they need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

#: One prediction, in the order of the columns: numbers, text, or None where there is nothing.
Record = Sequence[Any]


class Written(NamedTuple):
    """What a file holds, as a checkpoint knows it.

    Parameters
    ----------
    size
        Its bytes.
    head
        CRC-32 of the first `HEAD` of them: another file begins differently.
    """

    size: int
    head: int


#: Bytes by which a file is known again.
HEAD = 1024


class Sink(Protocol):
    """A place for predictions."""

    #: For messages.
    name: str
    #: Takes remarks for people; silent until somebody sets it.
    note: Callable[[str], None]

    def write(self, columns: tuple[str, ...], records: Sequence[Record]) -> None:
        """Take some records; they need not be anywhere yet.

        May wait, if whoever receives them is slower than we are: the source is not read meanwhile.
        """

    def flush(self) -> None:
        """Hand over all records: when it returns, an end of this process loses none of them.

        Raises
        ------
        DataError
            If the receiver cannot be reached, or takes no more.
        """

    def written(self) -> Written | None:
        """Return what a file holds, once it is on the disk; None for what cannot be cut."""
