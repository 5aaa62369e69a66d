"""From the body of a request to samples; whatever is wrong is a `RequestError` of one line."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..errors import shown
from ..objects import as_object
from ..suggestions import did_you_mean, listed
from .request_error import RequestError

#: Content types of a body: one JSON value, or one on each line.
JSON = "application/json"
JSON_LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines")

#: Longest name, label, key or event id: what is kept of a stream must stay small.
LONGEST = 200
#: Whole numbers are labels and ids, too, and have no more digits.
LARGEST = 10**LONGEST

KEYS = {"learn": ("x", "y", "t", "w"), "predict": ("x", "t")}


class Sample(NamedTuple):
    """One sample of a request, its parts as JSON gave them.

    Parameters
    ----------
    x
        Features by name.
    y
        The target, None if it is unknown.
    t
        Id of the event, or None.
    w
        Weight in the loss.
    """

    x: dict[str, Any]
    y: Any = None
    t: Any = None
    w: Any = 1.0


def samples_of(body: bytes, content_type: str, act: str, most: int) -> tuple[list[Sample], bool]:
    """Read the samples of a request.

    Parameters
    ----------
    body
        The body.
    content_type
        The header of that name.
    act
        ``"learn"`` or ``"predict"``: which keys a sample may have.
    most
        How many there may be.

    Returns
    -------
    samples : list of Sample
        At least one.
    many : bool
        Whether they came as a list, so that the answer is one, too.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if kind == JSON:
        value = parsed(body)
        many = isinstance(value, list)
        values = value if isinstance(value, list) else [value]
    elif kind in JSON_LINES:
        many, values = True, list(_lines(body, most))
    else:
        got = shown(content_type) if content_type else "none"
        raise RequestError(
            415, f"Content-Type {got}: send {JSON}, or {JSON_LINES[0]} for one sample a line."
        )
    if not values:
        raise RequestError(422, "no samples: the list is empty.")
    if len(values) > most:
        _too_many(most)
    return [_sample(value, i, many, act) for i, value in enumerate(values, 1)], many


def parsed(text: bytes, place: str = "the body") -> Any:
    """Return a JSON value; numbers that JSON does not know and keys twice are none."""
    try:
        return _DECODE(text.decode())
    except UnicodeDecodeError:
        raise RequestError(400, f"{place}: not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise RequestError(
            400, f"{place}: not JSON ({error.msg} at character {error.pos})."
        ) from None
    except RecursionError:
        raise RequestError(400, f"{place}: nested too deeply.") from None
    except ValueError as error:
        raise RequestError(400, f"{place}: not JSON ({error}).") from None


def _lines(body: bytes, most: int) -> Iterator[Any]:
    count = 0
    for number, line in enumerate(body.splitlines(), 1):
        if line.strip():
            count += 1
            if count > most:
                _too_many(most)
            yield parsed(line, f"line {number}")


def _too_many(most: int) -> None:
    raise RequestError(413, f"more than {most:,} samples: send them in several requests.")


def _constant(name: str) -> None:
    raise ValueError(f"there is no {name} in it: a missing value is null")


_DECODE = json.JSONDecoder(object_pairs_hook=as_object, parse_constant=_constant).decode


def _sample(value: Any, number: int, many: bool, act: str) -> Sample:
    place = f"sample {number}: " if many else ""
    if not isinstance(value, dict):
        example = '{"x": {"a": 1.5}, "y": 2}' if act == "learn" else '{"x": {"a": 1.5}}'
        raise RequestError(422, f"{place}not an object but {shown(value)}: send {example}.")
    keys = KEYS[act]
    for key in value:
        if key not in keys:
            hint = did_you_mean(key, keys) or f"There are {listed(keys)}."
            raise RequestError(422, f"{place}/{act} knows no {shown(key)}. {hint}")
    if "x" not in value or (act == "learn" and "y" not in value):
        missing = "x, the features" if "x" not in value else "y, the target (null if unknown)"
        raise RequestError(422, f"{place}there is no {missing}.")
    if not isinstance(value["x"], dict):
        raise RequestError(
            422, f"{place}x is {shown(value['x'])}: it must be an object of features."
        )
    _check(value["x"], f"{place}x", deep=False)
    _check(value.get("y"), f"{place}y", deep=True)
    _check(value.get("t"), f"{place}t", deep=False, plain=True)
    return Sample(value["x"], value.get("y"), value.get("t"), value.get("w", 1.0))


def _check(value: Any, place: str, *, deep: bool, plain: bool = False) -> None:
    """Let through numbers, short strings, true, false and null, and objects of these."""
    if isinstance(value, dict) and not plain:
        for name, item in value.items():
            _check(name, f"the name of a value in {place}", deep=False)
            _check(item, f"{place}, {shown(name)}", deep=False, plain=True)
    elif isinstance(value, list | dict):
        expected = "a number, a label or an object of them" if deep else "a single value"
        raise RequestError(422, f"{place} is {shown(value)}: it must be {expected}.")
    elif isinstance(value, int) and abs(value) >= LARGEST:
        # Too large for any model's arithmetic; as a label or an id it would be kept.
        raise RequestError(422, f"{place} is a number of more than {LONGEST} digits.")
    elif isinstance(value, str):
        if len(value) > LONGEST:
            raise RequestError(422, f"{place} has {len(value):,} characters: {LONGEST} at most.")
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            # Half a character: no file could hold the name.
            raise RequestError(422, f"{place} is {value!a}: it must be whole characters.")
