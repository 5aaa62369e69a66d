"""Plain data as JSON and back: what arguments, names, labels, keys and detectors are made of.

JSON has None, bool, int, float, str and lists; everything else is an object of one field that says
what it is, such as ``{"tuple": [1, 2]}``. Whatever is read is looked up in tables of this package,
or among the plug-ins that the reader gives: a name in a file leads nowhere else.
"""

from __future__ import annotations

import json
import math
import reprlib
import struct
from collections.abc import Iterable
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfoNotFoundError

import numpy as np

from streamrnn import cells, gradients, heads, losses, optimizers
from streamrnn._registry import is_plugin
from streamrnn.estimators import codecs, companions
from streamrnn.storage import FormatError

#: Integers beyond this are no exact numbers for many readers of JSON.
_EXACT = 1 << 53

_REGISTRIES = {
    "cell": cells.registry(),
    "head": heads.registry(),
    "loss": losses.registry(),
    "optimizer": optimizers.registry(),
    "activations": gradients.registry(),
}
#: What stands for the registry of a plug-in that is in none of them.
_FOREIGN = "foreign"

_BY_TYPE = {codec.kind: codec for codec in codecs.CODECS}

#: How values are read, by their tags: from text; from a list of values; by a method of `Decoder`.
_FLAT = {codec.tag: codec.read for codec in codecs.CODECS if not codec.has_parts}
_OF_PARTS = {codec.tag: codec.read for codec in codecs.CODECS if codec.has_parts} | {
    "numpy": codecs.scalar,
    "dtype": codecs.dtype,
    "scalar type": lambda parts: codecs.dtype(parts).type,
    "timestamp": codecs.timestamp,
    "river": companions.companion,
}
_OWN = {"plugin": "_plugin", "plugin class": "_plugin_class", "enum": "_enum"}

#: What is raised on reading data that is not as it should be.
DISTORTED = (
    ArithmeticError,
    AttributeError,
    ImportError,
    LookupError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
    ZoneInfoNotFoundError,
    struct.error,
)


def encode(value: Any, what: str) -> Any:
    """Turn plain data into what JSON has.

    Parameters
    ----------
    value
        None, bool, int, float, complex, str, bytes, Decimal, Fraction, UUID, Path, dates and times,
        list, tuple, set, frozenset, dict or deque of such values, NumPy's scalars and their types,
        members of an Enum, plug-ins, and River's drift detectors, schedules and losses. Of these
        types exactly: a subclass would come back as something else.
    what
        What it is, for messages.

    Raises
    ------
    TypeError
        If there is something else in it.
    """
    try:
        return _encoded(value)
    except RecursionError:
        reason = "is nested too deeply, or contains itself"
    except TypeError as error:
        reason = f"cannot be saved: {error}"
    raise TypeError(
        f"{what}={reprlib.repr(value)} {reason}. Saving takes plain data only; pickle takes more"
    )


def _encoded(value: Any) -> Any:
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if (kind is int and abs(value) < _EXACT) or (kind is float and math.isfinite(value)):
        return value
    if kind is list:
        return [_encoded(part) for part in value]
    codec = _BY_TYPE.get(kind)
    if codec is None:
        tag, parts = _special(value)
        return {tag: _encoded(parts)}
    written = codec.write(value)
    if not codec.has_parts:
        return {codec.tag: written}
    parts = [_encoded(part) for part in written]
    if kind in (set, frozenset):
        parts.sort(key=json.dumps)  # the order of a set differs between processes
    return {codec.tag: parts}


def _special(value: Any) -> tuple[str, list[Any]]:
    """Return tag and parts of a value of a type that is not in the table."""
    kind: Any = type(value)
    if is_plugin(kind):
        return "plugin", [*_plugin_name(kind), value._asdict()]
    if is_plugin(value):
        return "plugin class", _plugin_name(value)
    if isinstance(value, Enum):
        return "enum", [kind.__qualname__, value.name]
    if isinstance(value, np.generic):
        return "numpy", list(codecs.scalar_parts(value))
    if isinstance(value, np.dtype):
        return "dtype", [codecs.code_of(value)]
    if isinstance(value, type) and issubclass(value, np.generic):
        return "scalar type", [codecs.code_of(np.dtype(value))]
    if codecs.is_timestamp(value):
        return "timestamp", codecs.timestamp_parts(value)
    if companions.is_companion(value):
        return "river", companions.companion_parts(value)
    raise TypeError(f"{reprlib.repr(value)} is of type {kind.__module__}.{kind.__qualname__}")


def _plugin_name(kind: Any) -> list[Any]:
    """Return the registry of a plug-in class and its name there."""
    for registry, known in _REGISTRIES.items():
        if kind in known.values():
            return [registry, kind.name]
    return [_FOREIGN, kind.name]


class Decoder:
    """Reads what `encode` returned.

    Parameters
    ----------
    plugins
        Plug-in classes and Enums that are not of this package.

    Raises
    ------
    TypeError
        If `plugins` has something else.
    """

    def __init__(self, plugins: Iterable[Any] = ()) -> None:
        if isinstance(plugins, type):
            raise TypeError(f"plugins must be a list of classes, got the class {plugins.__name__}")
        self._plugins: dict[str, Any] = {}
        self._enums: dict[str, Any] = {}
        for kind in plugins:
            if is_plugin(kind):
                self._plugins[kind.name] = kind
            elif isinstance(kind, type) and issubclass(kind, Enum):
                self._enums[kind.__qualname__] = kind
            else:
                raise TypeError(f"plugins must be plug-in classes or Enums, got {kind!r}")

    def decode(self, data: Any, what: str) -> Any:
        """Return the value; `what` it is goes into messages.

        Raises
        ------
        FormatError
            If the data is not as `encode` writes it, or needs something that is not here.
        """
        try:
            return self._decoded(data)
        except FormatError:
            raise
        except DISTORTED as error:
            raise FormatError(f"has {what} that cannot be read: {error!r}") from error

    def _decoded(self, data: Any) -> Any:
        if isinstance(data, list):
            return [self._decoded(part) for part in data]
        if not isinstance(data, dict):
            return data
        ((tag, written),) = data.items()
        if tag in _FLAT:
            return _FLAT[tag](written)
        read = _OF_PARTS.get(tag) or getattr(self, _OWN[tag])
        if not isinstance(written, list):
            raise TypeError(f"{written!r} is no list")
        return read(self._decoded(written))

    def _plugin_class(self, parts: list[Any]) -> Any:
        registry, name = parts
        if registry != _FOREIGN:
            return _REGISTRIES[registry][name]
        if name not in self._plugins:
            raise FormatError(f"needs the plug-in {name!r}: give its class, plugins=[...]")
        return self._plugins[name]

    def _plugin(self, parts: list[Any]) -> Any:
        registry, name, fields = parts
        return self._plugin_class([registry, name])(**fields)

    def _enum(self, parts: list[Any]) -> Any:
        kind, name = parts
        if kind not in self._enums:
            raise FormatError(f"needs the Enum {kind!r}: give its class, plugins=[...]")
        return self._enums[kind][name]
