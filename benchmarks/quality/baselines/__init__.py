"""What others do: by kind of stream, rows by name. One file a family."""

from __future__ import annotations

from quality.baselines import deep_river, forecasters, learners, naive, neighbours, rls
from quality.rows import Row

FAMILIES = (naive, rls, neighbours, forecasters, learners, deep_river)


def rows(kind: str) -> dict[str, Row]:
    """Return the rows of a kind of stream, by name."""
    return {name: row for family in FAMILIES for name, row in family.ROWS.get(kind, {}).items()}
