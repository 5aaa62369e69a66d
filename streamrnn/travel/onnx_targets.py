"""The last targets in an ONNX graph: taken in, told to the network, passed on. Imports onnx."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from onnx import TensorProto

from streamrnn.scaling import COUNT, LIMIT, M2, MEAN, UNSCALED_LIMIT, reach
from streamrnn.travel.onnx_builder import Builder
from streamrnn.travel.snapshot import Snapshot


class Told(NamedTuple):
    """Values of the graph: what a step is told of the targets before; empty for what it is not."""

    rows: str = ""  # (batch, targets, outputs): from the newest known one on
    last: str = ""  # (batch, targets): the last known values, NaN if there are none


def scaled(b: Builder, snapshot: Snapshot, value: str, moments: np.ndarray | None) -> str:
    """Standardise by the moments and the value, as `streamrnn.scaling` does; 0 if it is missing."""
    usable = _usable(b, value, moments)
    if moments is None:
        return str(b.op("Where", usable, value, b.constant(0.0)))
    count, mean = b.constant(moments[COUNT] + 1.0), b.constant(moments[MEAN])
    value = _within_reach(b, snapshot, b.op("Where", usable, value, mean), moments)
    change = b.op("Sub", value, mean)
    deviation = b.op("Sub", value, b.op("Add", mean, b.op("Div", change, count)))
    m2 = b.op("Add", b.constant(moments[M2]), b.op("Mul", change, deviation))
    return clipped(b, snapshot, _by_deviation(b, deviation, m2, count))


def clipped(b: Builder, snapshot: Snapshot, value: str) -> str:
    """Bring a scaled number within the clip."""
    clip = snapshot.scale_clip
    return value if clip is None else _between(b, value, -clip, clip)


def _within_reach(b: Builder, snapshot: Snapshot, value: str, moments: np.ndarray) -> str:
    if snapshot.scale_clip is None:
        return value
    count, varies = np.maximum(moments[COUNT], 1.0), moments[M2] > 0
    most = reach(count, np.sqrt(moments[M2] / count), snapshot.scale_clip)
    most = np.where(varies, most, np.inf)
    return _between(b, value, moments[MEAN] - most, moments[MEAN] + most)


def _between(b: Builder, value: str, least: Any, most: Any) -> str:
    return str(b.op("Min", b.op("Max", value, b.constant(least)), b.constant(most)))


def _usable(b: Builder, value: str, moments: np.ndarray | None) -> str:
    limit = UNSCALED_LIMIT if moments is None else LIMIT
    return str(b.op("LessOrEqual", b.op("Abs", value), b.constant(limit)))  # NaN is not


def _by_deviation(b: Builder, value: str, m2: str, count: str) -> str:
    varies = b.op("Greater", m2, b.constant(0.0))
    safe = b.op("Where", varies, m2, b.constant(1.0))
    by_deviation = b.op("Div", value, b.op("Sqrt", b.op("Div", safe, count)))
    return str(b.op("Where", varies, by_deviation, b.constant(0.0)))


def follow(b: Builder, snapshot: Snapshot) -> Told:
    """Take in ``y``, the target of the step before; write what is carried on to the outputs.

    What ``targets`` already knows of that step stays.
    """
    n, rows, last = snapshot.n_outputs, "", ""
    usable = _usable(b, "y", snapshot.target_moments)
    if snapshot.n_kept:
        newest = b.part("targets", 0, 1, axis=1)
        is_known = b.op("Greater", b.part(newest, n, n + 1, axis=2), b.weight(np.zeros(())))
        known = b.op("Squeeze", is_known, b.constant([2], np.int64))
        usable = b.op("And", usable, b.op("Not", known))
        flags = b.op("Cast", usable, to=b.kind)
        flag = b.op("ReduceMax", flags, axes=[1], keepdims=1)
        row = b.op("Concat", b.cast(_told(b, snapshot, usable)), flag, axis=1)
        row = b.op("Where", is_known, newest, b.with_axis(row, 1))
        rows = b.op("Concat", row, b.part("targets", 1, snapshot.n_kept, 1), axis=1)
        empty = b.op("Sub", newest, newest)
        after = b.op("Concat", empty, b.part(rows, 0, -1, axis=1), axis=1)
        b.name(after, "targets_next")
        rows = _from_the_newest_known(b, snapshot, rows)
    if snapshot.memory.last is not None:
        last = b.op("Where", usable, "y", "last")
        b.name(last, "last_next")
    return Told(rows, last)


def _told(b: Builder, snapshot: Snapshot, usable: str) -> str:
    """Tell ``y`` as the ring of targets does, (batch, outputs); 0 where it is not usable."""
    if snapshot.decoding == "softmax":
        is_label = b.op("Equal", "y", b.constant(np.arange(float(snapshot.n_outputs))[None]))
        told = b.op("And", is_label, usable)
        return str(b.op("Cast", told, to=TensorProto.DOUBLE))
    if snapshot.decoding in ("logistic", "sigmoid"):
        signs = b.op("Sub", b.op("Add", "y", "y"), b.constant(1.0))
        return str(b.op("Where", usable, signs, b.constant(0.0)))
    if snapshot.is_change:
        return _change(b, snapshot, usable)
    y = b.op("Where", usable, "y", b.constant(np.nan))
    return scaled(b, snapshot, y, snapshot.target_moments)


def _change(b: Builder, snapshot: Snapshot, usable: str) -> str:
    """Scale the change from the last value, as `streamrnn.changes` does."""
    can_tell = b.op("And", usable, b.op("Not", b.op("IsNaN", "last")))
    change = b.op("Where", can_tell, b.op("Sub", "y", "last"), b.constant(0.0))
    moments = snapshot.target_moments
    if moments is None:
        return str(change)
    change = _within_reach(b, snapshot, change, moments)
    m2 = b.op("Add", b.constant(moments[M2]), b.op("Mul", change, change))
    scaled_change = _by_deviation(b, change, m2, b.constant(moments[COUNT] + 1.0))
    return clipped(b, snapshot, scaled_change)


def _from_the_newest_known(b: Builder, snapshot: Snapshot, rows: str) -> str:
    """Read as many targets as are needed, the newest known one first; 0 beyond the oldest."""
    n, width = max(snapshot.n_recent, 1), snapshot.n_outputs
    flags = b.op("Squeeze", b.part(rows, width, width + 1, axis=2), b.constant([2], np.int64))
    newest = b.op("ArgMax", flags, axis=1, keepdims=1)  # 0 if none is: then all rows are 0
    places = b.op("Add", newest, b.constant(np.arange(n)[None], np.int64))
    oldest = b.constant(snapshot.n_kept - 1, np.int64)
    is_there = b.op("Cast", b.op("LessOrEqual", places, oldest), to=b.kind)
    places = b.with_axis(b.op("Min", places, oldest), 2)
    everywhere = b.op("Add", places, b.constant(np.zeros((1, 1, width)), np.int64))
    found = b.op("GatherElements", b.part(rows, 0, width, axis=2), everywhere, axis=1)
    return str(b.op("Mul", found, b.with_axis(is_there, 2)))


def levels(b: Builder, moments: np.ndarray, last: str) -> str:
    """Standardise the last known values by the levels' moments; 0 where there is none."""
    varies = moments[M2] > 0
    scale = np.sqrt(np.where(varies, moments[M2], 1.0) / np.maximum(moments[COUNT], 1.0))
    level = b.op("Div", b.op("Sub", last, b.constant(moments[MEAN])), b.constant(scale))
    is_known = b.op("And", b.op("Not", b.op("IsNaN", last)), b.constant(varies, np.bool_))
    return b.cast(b.op("Where", is_known, level, b.constant(0.0)))


def changed(b: Builder, snapshot: Snapshot, z: str, moments: np.ndarray, last: str) -> str:
    """Add changes to the last known values, or to the mean of the levels' moments."""
    trusted = b.op("Mul", z, b.constant(snapshot.change_share))
    if snapshot.target_moments is not None:  # otherwise it is no number of deviations
        trusted = clipped(b, snapshot, trusted)
    change = b.op("Mul", trusted, b.constant(snapshot.change_scale))
    base = b.op("Where", b.op("IsNaN", last), b.constant(moments[MEAN]), last)
    return str(b.op("Add", change, base))
