"""Objects of River that go with a model, as plain data: drift detectors, schedules, losses.

Only the classes listed here are ever made again from a file, and their constructors are not called:
an object gets the attributes that it had.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from numbers import Integral
from typing import Any


@cache
def _detectors() -> dict[str, type]:
    """Return River's drift detectors and what they are made of, by module and name."""
    from river import drift  # brings SciPy's statistics along: a second that others need not wait

    kinds: set[type] = {
        drift.ADWIN,
        drift.KSWIN,
        drift.PageHinkley,
        drift.NoDrift,
        drift.DummyDriftDetector,
        drift.binary.DDM,
        drift.binary.EDDM,
        drift.binary.FHDDM,
        drift.binary.HDDMA,
        drift.binary.HDDMW,
    }
    for detector in list(kinds):
        kinds.update(_parts(detector()))
    return {_name(kind): kind for kind in kinds}


@cache
def _schedules() -> dict[str, type]:
    """Return River's schedules of learning rates, and the losses that one of them has."""
    from river import optim

    kinds = {
        optim.schedulers.Constant,
        optim.schedulers.InverseScaling,
        optim.schedulers.Optimal,
        *(part for part in vars(optim.losses).values() if isinstance(part, type)),
    }
    return {
        _name(kind): kind
        for kind in kinds
        if issubclass(kind, (optim.base.Scheduler, optim.base.Loss))
    }


def _known(name: str) -> Any:
    """Return the class of a name, None if it is none that can be saved."""
    return (_schedules() if name.startswith("river.optim.") else _detectors()).get(name)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _parts(value: Any) -> Iterator[type]:
    """Yield River's types within a River object."""
    for part in getattr(value, "__dict__", {}).values():
        if type(part).__module__.startswith("river."):
            yield type(part)
            yield from _parts(part)


def is_companion(value: Any) -> bool:
    """Say whether a value is an object of River that can be saved."""
    kind = type(value)
    return kind.__module__.startswith("river.") and _known(_name(kind)) is kind


#: River's compiled code takes memory for so many buckets before anything is in them, and ends the
#: process if there is not as much.
_MOST_BUCKETS = 1_000_000


def _counts(arguments: Iterable[Any], state: Any) -> list[Any]:
    """Return what a detector may take memory for: now, and when it starts again."""
    attributes = state if isinstance(state, dict) else {}
    return [*arguments, attributes.get("max_buckets")]


def _is_large(numbers: Iterable[Any]) -> bool:
    return any(isinstance(one, Integral) and int(one) > _MOST_BUCKETS for one in numbers)


def companion_parts(value: Any) -> list[Any]:
    """Return name, arguments of ``__new__``, attributes (or bytes), and bound methods among them.

    Raises
    ------
    TypeError
        If it is kept in another way.
    """
    kind = type(value)
    _, (made, *arguments), state, *_ = value.__reduce_ex__(2)
    if _is_large(_counts(arguments, state)):
        raise TypeError(f"River would take memory for more than {_MOST_BUCKETS} buckets")
    if made is not kind or not isinstance(state, (dict, bytes, type(None))):
        raise TypeError("River keeps it in a way that is unknown here")
    methods = {}
    if isinstance(state, dict):
        bound = {name: part for name, part in state.items() if hasattr(part, "__func__")}
        methods = {name: part.__func__.__name__ for name, part in bound.items()}
        state = {name: part for name, part in state.items() if name not in methods}
    return [_name(kind), arguments, state, methods]


def companion(parts: list[Any]) -> Any:
    """Return the object of `companion_parts`.

    Raises
    ------
    ValueError
        If its class is not one of those that can be saved, or has no such attributes.
    """
    name, arguments, state, methods = parts
    kind = _known(name)
    if kind is None:
        raise ValueError(f"{name} is no class of River that is known here")
    if _is_large(_counts(arguments, state)):
        raise ValueError(f"{name} would take memory for more than {_MOST_BUCKETS} buckets")
    value = kind.__new__(kind, *arguments)
    if isinstance(state, bytes):
        _give_state(value, name, state)
        return value
    attributes = (state or {}) | {of: _method(kind, method) for of, method in methods.items()}
    for attribute, part in attributes.items():
        if not str.isidentifier(attribute) or hasattr(kind, attribute):
            raise ValueError(f"{name} has no attribute {attribute!r} of its own")
        vars(value)[attribute] = part.__get__(value) if attribute in methods else part
    return value


def _method(kind: type, name: str) -> Any:
    method = vars(kind).get(name)
    if name.startswith("__") or not hasattr(method, "__get__") or not callable(method):
        raise ValueError(f"{kind.__name__} has no method {name!r}")
    return method


def _give_state(value: Any, name: str, state: bytes) -> None:
    """Hand over the bytes of an object of River's that is not written in Python."""
    try:
        value.__setstate__(state)
    except BaseException as error:
        # What Rust raises is no Exception: it must not pass for the end of the program.
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError(f"{name} is damaged, or was saved by another version of River") from error
    _, (_, *arguments), *_ = value.__reduce_ex__(2)  # what a copy of it is made with
    if _is_large(arguments):
        raise ValueError(f"{name} would take memory for more than {_MOST_BUCKETS} buckets")
