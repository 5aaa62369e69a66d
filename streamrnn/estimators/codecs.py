"""How values of Python's own types become JSON and come back, bit for bit and of the same type."""

from __future__ import annotations

import random
import re
import struct
from collections import deque
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np

from streamrnn.estimators.drift import RaiseLearningRate


class Codec(NamedTuple):
    """How values of one type become JSON and come back."""

    tag: str
    kind: type
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]
    has_parts: bool = False  # whether `write` returns, and `read` takes, a list of values


def _float_of(text: str) -> float:
    (number,) = struct.unpack(">d", bytes.fromhex(text))
    return number


def _hex_of(number: float) -> str:
    return struct.pack(">d", number).hex()


def _fraction_parts(value: Fraction) -> list[Any]:
    return [value.numerator, value.denominator]


def _fraction(parts: list[Any]) -> Fraction:
    numerator, denominator = parts
    if type(numerator) is not int or type(denominator) is not int:
        raise TypeError(f"{parts} are not numerator and denominator")
    return Fraction(numerator, denominator)


def _clock_parts(value: Any) -> list[Any]:
    return [value.replace(tzinfo=None).isoformat(), value.fold, value.tzinfo]


def _datetime(parts: list[Any]) -> datetime:
    text, fold, zone = parts
    return datetime.fromisoformat(text).replace(fold=fold, tzinfo=zone)


def _time(parts: list[Any]) -> time:
    text, fold, zone = parts
    return time.fromisoformat(text).replace(fold=fold, tzinfo=zone)


def _rate_parts(value: RaiseLearningRate) -> list[Any]:
    return [value.factor, value.half_life]


def _timedelta_parts(value: timedelta) -> list[Any]:
    return [value.days, value.seconds, value.microseconds]


def _timezone_parts(value: timezone) -> list[Any]:
    return [value.utcoffset(None), value.tzname(None)]


def _timezone(parts: list[Any]) -> timezone:
    offset, name = parts
    unnamed = timezone(offset)
    return unnamed if unnamed.tzname(None) == name else timezone(offset, name)


def _zone_key(zone: ZoneInfo) -> str:
    if zone.key is None:
        raise TypeError("it was made from a file and has no name")
    return zone.key


def _random_parts(value: random.Random) -> list[Any]:
    version, words, gauss = value.getstate()
    return [version, struct.pack(f">{len(words)}I", *words), gauss]


def _random(parts: list[Any]) -> random.Random:
    version, words, gauss = parts
    generator = random.Random(0)
    generator.setstate((version, struct.unpack(f">{len(words) // 4}I", words), gauss))
    return generator


def _dict_parts(value: dict[Any, Any]) -> list[Any]:
    return [part for pair in value.items() for part in pair]


def _dict(parts: list[Any]) -> dict[Any, Any]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _deque_parts(value: deque[Any]) -> list[Any]:
    return [value.maxlen, *value]


def _deque(parts: list[Any]) -> deque[Any]:
    limit, *items = parts
    return deque(items, maxlen=limit)


#: Lists, and what JSON has itself, need none; of int and float it takes those that JSON has not.
CODECS = (
    Codec("int", int, hex, lambda text: int(text, 16)),
    Codec("float", float, _hex_of, _float_of),
    Codec("complex", complex, lambda z: [_hex_of(z.real), _hex_of(z.imag)],
          lambda parts: complex(*map(_float_of, parts))),
    Codec("bytes", bytes, bytes.hex, bytes.fromhex),
    Codec("decimal", Decimal, str, Decimal),
    # Not as text, nor of a Decimal: of 1e999999999 it would take years to make a Fraction.
    Codec("fraction", Fraction, _fraction_parts, _fraction, True),
    Codec("uuid", UUID, str, UUID),
    Codec("path", type(Path()), str, Path),
    Codec("date", date, date.isoformat, date.fromisoformat),
    Codec("datetime", datetime, _clock_parts, _datetime, True),
    Codec("time", time, _clock_parts, _time, True),
    Codec("timedelta", timedelta, _timedelta_parts, lambda parts: timedelta(*parts), True),
    Codec("timezone", timezone, _timezone_parts, _timezone, True),
    Codec("zone", ZoneInfo, _zone_key, ZoneInfo),
    Codec("tuple", tuple, list, tuple, True),
    Codec("set", set, list, set, True),
    Codec("frozenset", frozenset, list, frozenset, True),
    Codec("dict", dict, _dict_parts, _dict, True),
    Codec("deque", deque, _deque_parts, _deque, True),
    Codec("random", random.Random, _random_parts, _random, True),
    Codec("raise_lr", RaiseLearningRate, _rate_parts, lambda p: RaiseLearningRate(*p), True),
)  # fmt: skip


# --- NumPy's scalars, by the code of their type

#: Numbers, strings and times; no objects, and no long doubles, which other machines have not. Units
#: of time as NumPy writes them: it reads fractions too, and s/0 ends the process.
_UNIT = r"\[([1-9]\d{0,8})?(Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)\]"
_SCALAR = re.compile(rf"[<|](b1|[iu][1248]|f[248]|c(8|16)|[mM]8({_UNIT})?|[SU]\d{{1,9}})")


def code_of(kind: np.dtype) -> str:
    """Return the code of the type of a NumPy scalar.

    Raises
    ------
    TypeError
        If it is a type that other machines have not.
    """
    code = kind.newbyteorder("<").str
    if not _SCALAR.fullmatch(code):
        raise TypeError(f"NumPy's {kind} is not the same everywhere")
    return code


def dtype(parts: list[str]) -> np.dtype:
    """Return the NumPy type of a `code_of`; ValueError if there is none."""
    (code,) = parts
    if not _SCALAR.fullmatch(code):
        raise ValueError(f"{code!r} is no type of a NumPy scalar")
    return np.dtype(code).newbyteorder("=")


def scalar_parts(value: np.generic) -> list[str]:
    """Return type and bytes of a NumPy scalar; raises as `code_of` does."""
    array = np.asarray(value)
    code = code_of(array.dtype)
    return [code, array.astype(code).tobytes().hex()]


def scalar(parts: list[str]) -> np.generic:
    """Return the NumPy scalar of `scalar_parts`; ValueError if there is none."""
    code, text = parts
    native, data = dtype([code]), bytes.fromhex(text)
    if len(data) != native.itemsize:
        raise ValueError(f"{len(data)} bytes are no {code}")
    if native.kind == "U":
        data.decode("utf-32-le", "surrogatepass")  # NumPy would raise SystemError
    return np.frombuffer(data, code).astype(native)[0]


# --- pandas' time, which data frames give; pandas is not imported unless one was saved


def is_timestamp(value: Any) -> bool:
    """Say whether a value is a ``pandas.Timestamp``, told by name."""
    return type(value).__name__ == "Timestamp" and type(value).__module__.split(".")[0] == "pandas"


def timestamp_parts(value: Any) -> list[Any]:
    """Return what a ``pandas.Timestamp`` is: its moment in UTC, its time zone, its fold."""
    return [value.asm8, value.tzinfo, value.fold]


def timestamp(parts: list[Any]) -> Any:
    """Return the ``pandas.Timestamp`` of `timestamp_parts`; ImportError without pandas."""
    import pandas as pd

    moment, zone, fold = parts
    if not isinstance(moment, np.datetime64) or not isinstance(zone, (tzinfo, type(None))):
        raise TypeError(f"{parts} are no moment and zone")  # pandas would open a file for some text
    naive = pd.Timestamp(moment)
    value = naive if zone is None else naive.tz_localize("UTC").tz_convert(zone)
    return value if value.fold == fold else value.replace(fold=fold)
