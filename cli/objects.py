"""JSON objects whose keys occur once: which of two values is meant, nobody could say."""

from typing import Any

from .errors import shown


def as_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs, for ``object_pairs_hook`` of Python's decoder.

    Raises
    ------
    ValueError
        If a key occurs twice.

    Examples
    --------
    >>> as_object([("a", 1), ("b", 2)])
    {'a': 1, 'b': 2}
    """
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            # In one go: whoever sends the object chooses how many keys it has.
            if key in seen:
                raise ValueError(f"the key {shown(key)} occurs more than once")
            seen.add(key)
    return made
