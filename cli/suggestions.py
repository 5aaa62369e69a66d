"""Help with a name that does not exist: the nearest ones, and the list."""

import difflib
from collections.abc import Iterable

from .errors import shown

#: Longest list of names that a message repeats.
LISTED = 12


def listed(names: Iterable[str]) -> str:
    """Write names one after the other, the end of a long list as a count."""
    names = list(names)
    text = ", ".join(shown(name) for name in names[:LISTED]) or "none"
    return text if len(names) <= LISTED else f"{text} and {len(names) - LISTED} more"


def did_you_mean(name: str, names: Iterable[str]) -> str | None:
    """Ask for the nearest of the names, or answer None if none is near."""
    by_folded = {candidate.casefold(): candidate for candidate in names}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=1)
    return f"Did you mean {shown(by_folded[near[0]])}?" if near else None
