"""The names of a table's columns."""

from collections import Counter
from collections.abc import Iterable

from ..errors import DataError
from ..suggestions import listed


def named(header: Iterable[str], source: str, place: str | None = None) -> tuple[str, ...]:
    """Return the names; a nameless column, as of a saved index, gets its number.

    Parameters
    ----------
    header
        The names as the table has them.
    source, place
        Where they stand, for messages.

    Raises
    ------
    DataError
        If a name occurs more than once.

    Examples
    --------
    >>> named(["", " flow "], "water.csv")
    ('column 1', 'flow')
    """
    columns = tuple(cell.strip() or f"column {i}" for i, cell in enumerate(header, 1))
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        what = f"column names that occur more than once: {listed(twice)}"
        raise DataError(what, source=source, place=place, remedy="Rename or remove one of them")
    return columns
