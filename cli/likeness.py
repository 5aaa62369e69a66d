"""Whether what came out of a file has the shape of what was put into one."""

from typing import Any


def check_alike(model: Any, found: Any, where: str = "the run") -> None:
    """Raise if a document is of another shape than one of the same kind.

    What is empty or None there says nothing about what belongs in it; None may stand for a number
    that JSON cannot say. Integers are counts.

    Parameters
    ----------
    model
        A document of numbers, text, lists and dicts that is right.
    found
        The one in question.
    where
        What to call it.

    Raises
    ------
    TypeError, ValueError
        Says where they differ first.

    Examples
    --------
    >>> check_alike({"n": 0, "sums": [0.0, 0.0]}, {"n": 7, "sums": [1, None]})
    >>> check_alike({"n": 0}, {"n": "7"})
    Traceback (most recent call last):
    TypeError: n of the run is '7'
    """
    if model is None or (found is None and isinstance(model, float)):
        return
    # JSON does not tell 1.0 from 1 where others write it.
    kinds = (int, float) if isinstance(model, float) else (type(model),)
    if type(found) not in kinds:
        raise TypeError(f"{where} is {found!r:.40}")
    if type(model) is int and found < 0:
        raise ValueError(f"{where} is {found}")
    if isinstance(model, dict) and model:
        if model.keys() != found.keys():
            raise ValueError(f"{where} has {sorted(found)!r:.40}")
        for name, one in model.items():
            check_alike(one, found[name], f"{name} of {where}")
    elif isinstance(model, list) and model:
        if len(model) != len(found):
            raise ValueError(f"{where} has {len(found)} parts")
        for one, other in zip(model, found, strict=True):
            check_alike(one, other, f"a part of {where}")
