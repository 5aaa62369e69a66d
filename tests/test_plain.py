"""Plain data to JSON and back: same value, same type, same bits; anything else is refused."""

import copy
import json
import math
import random
import struct
import zoneinfo
from collections import OrderedDict, deque, namedtuple
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from river import drift, optim

from streamrnn import cells, losses, optimizers
from streamrnn._registry import plugin
from streamrnn.estimators.companions import _detectors
from streamrnn.estimators.plain import Decoder, encode
from streamrnn.storage import FormatError


class Colour(Enum):
    RED = 1


@plugin(name="mine")
class Mine(NamedTuple):
    factor: float = 2.0


def back(value, plugins=()):
    text = json.dumps(encode(value, "it"), allow_nan=False)
    return Decoder(plugins).decode(json.loads(text), "it")


BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
NAN = struct.unpack(">d", bytes.fromhex("fff8000000abcdef"))[0]

VALUES = [
    None,
    True,
    0,
    -1,
    2**53 - 1,
    2**53,
    -(2**200),
    1.0,
    -0.0,
    0.1,
    5e-324,
    1.7976931348623157e308,
    math.inf,
    -math.inf,
    complex(-0.0, math.inf),
    "",
    'text "quoted" é \ud800',
    b"\x00\xff",
    (),
    (1, (2.0, "x")),
    [1, [True, None]],
    {},
    {"a": 1, 2: "b", (3, 4): None, None: 0, True: 5},
    set(),
    {1, "a", (2,)},
    frozenset({"id", ("a", 1)}),
    deque([1, 2, 3], maxlen=5),
    deque([1]),
    Decimal("1.10"),
    Decimal("-Infinity"),
    Fraction(1, 3),
    UUID(int=5),
    Path("some/folder"),
    date(2020, 2, 29),
    datetime(2020, 1, 1, 12, 30, 0, 5),
    datetime(2020, 1, 1, tzinfo=timezone.utc),  # noqa: UP017  (as users write it)
    datetime(2020, 10, 25, 2, 30, fold=1, tzinfo=BERLIN),
    datetime(2020, 1, 1, tzinfo=timezone(timedelta(hours=-3), "here")),
    time(1, 2, 3, 4, tzinfo=timezone(timedelta(hours=1))),
    timedelta(days=-1, microseconds=1),
    timezone(timedelta(0), "zero"),
    BERLIN,
    np.float32(0.1),
    np.float64(0.1),
    np.float64(-0.0),
    np.int64(3),
    np.uint8(255),
    np.bool_(True),
    np.str_("é"),
    np.str_(""),
    np.bytes_(b"a"),
    np.complex64(1 + 2j),
    np.datetime64("2020-01-01T00:00:00.123", "ms"),
    np.datetime64("NaT"),
    np.timedelta64(5, "h"),
    np.timedelta64(5, "25us"),
    np.timedelta64(5),
    np.str_("\ud800"),
    pd.Timestamp("2020-01-01 00:00:00.123456789"),
    pd.Timestamp("2020-10-25 01:30", tz="UTC").tz_convert("Europe/Berlin"),
    pd.Timestamp("2020-01-01").as_unit("s"),
    np.dtype("float32"),
    np.dtype("<M8[ms]"),
    np.float64,
    np.int8,
    cells.LSTM,
    losses.Quantile(q=0.9),
    optimizers.Adam(lr=0.01, beta1=np.float32(0.5)),
]


def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple, deque)):
        sized = len(a) == len(b) and getattr(a, "maxlen", 0) == getattr(b, "maxlen", 0)
        return sized and all(map(same, a, b))
    if isinstance(a, dict):
        return same(list(a.items()), list(b.items()))
    if isinstance(a, (set, frozenset)):
        return sorted(map(repr, a)) == sorted(map(repr, b))
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    if isinstance(a, datetime) and a.tzinfo is not None:
        zones = same(a.tzinfo, b.tzinfo) or a.tzinfo == b.tzinfo
        return zones and a.fold == b.fold and a.isoformat() == b.isoformat()
    if isinstance(a, pd.Timestamp):
        return a == b and a.unit == b.unit
    return repr(a) == repr(b)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_values_come_back_as_they_were(value):
    assert same(back(value), value)


def test_the_bits_of_a_nan_come_back():
    assert struct.pack(">d", back(NAN)) == struct.pack(">d", NAN)
    odd = np.array([0x7FC00ABC], np.uint32).view(np.float32)[0]
    assert back(odd).tobytes() == odd.tobytes()


def test_sets_are_written_in_one_order():
    forward, backward = set(), set()
    for i in range(100):
        forward.add(8 * i)
        backward.add(8 * (99 - i))
    assert list(forward) != list(backward)  # else this shows nothing
    assert encode(forward, "it") == encode(backward, "it")


def test_a_generator_goes_on_where_it_was():
    generator = random.Random(5)
    generator.gauss(0, 1)
    copy = back(generator)
    assert [copy.gauss(0, 1) for _ in range(5)] == [generator.gauss(0, 1) for _ in range(5)]


class Text(str):
    pass


@pytest.mark.parametrize(
    "value",
    [
        len,
        lambda x: x,
        object(),
        Text("a"),
        [{"deep": (Text("a"),)}],
        namedtuple("Point", "x")(1),
        OrderedDict(a=1),
        np.zeros(3),
        int,
        optim.Adam(),
        np.longdouble(1),
    ],
)
def test_what_is_no_plain_data_is_refused_by_name(value):
    with pytest.raises(TypeError, match=r"the argument x=.*pickle takes more"):
        encode(value, "the argument x")


def test_what_contains_itself_is_refused():
    endless = []
    endless.append(endless)
    with pytest.raises(TypeError, match="contains itself"):
        encode(endless, "labels")


def test_plugins_and_enums_of_others_must_be_given():
    for value in (Mine, Mine(factor=3.0), Colour.RED):
        assert back(value, [Mine, Colour]) == value
        with pytest.raises(FormatError, match=r"needs the .*plugins=\[\.\.\.\]"):
            back(value)
    with pytest.raises(TypeError, match="plugins must be plug-in classes or Enums, got 5"):
        Decoder([5])


def test_a_plugin_of_others_is_not_taken_for_one_of_that_name_here():
    impostor = plugin(name="lstm")(type("LSTM", (Mine,), {}))
    with pytest.raises(FormatError, match="needs the plug-in 'lstm'"):
        back(impostor)


SCHEDULES = [
    optim.schedulers.Constant(0.1),
    optim.schedulers.InverseScaling(0.1, power=0.3),
    optim.schedulers.Optimal(optim.losses.Log(weight_pos=2.0)),
    optim.schedulers.Optimal(optim.losses.Hinge()),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=repr)
def test_schedules_of_river(schedule):
    copy = back(schedule)
    assert type(copy) is type(schedule)
    assert [copy.get(t) for t in range(50)] == [schedule.get(t) for t in range(50)]


def detectors():
    special = {
        "KSWIN": [{"seed": 1}],
        "PageHinkley": [{}, {"mode": "up"}, {"mode": "down"}],
        "FHDDM": [{}, {"short_window_size": 20}],
        "DummyDriftDetector": [
            {"w": 5, "seed": 1},
            {"trigger_method": "random", "w": 9, "seed": 1},
        ],
    }
    public = [kind for kind in _detectors().values() if hasattr(kind, "drift_detected")]
    for kind in sorted(public, key=lambda kind: kind.__name__):
        yield from (kind(**arguments) for arguments in special.get(kind.__name__, [{}]))


@pytest.mark.parametrize("detector", list(detectors()), ids=lambda d: type(d).__name__)
def test_detectors_of_river_go_on_as_if_nothing_had_happened(detector):
    binary = "binary" in type(detector).__module__
    rng = random.Random(3)
    calm, high, low = (
        [rng.random() < share if binary else rng.random() + 10 * share for _ in range(400)]
        for share in (0.4, 0.9, 0.1)
    )
    for value in calm:
        detector.update(value)
    copy = back(detector)
    found = []
    for value in [*calm, *high, *low]:
        detector.update(value)
        copy.update(value)
        assert copy.drift_detected == detector.drift_detected
        found.append(copy.drift_detected)
    assert any(found) or isinstance(detector, drift.NoDrift)
    assert encode(copy, "it") == encode(detector, "it")


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"tuple": [1], "list": []},
        {"eval": "1"},
        {"tuple": 5},
        {"dict": [1]},
        {"dict": [[], 1]},
        {"set": [[1]]},
        {"int": "x"},
        {"int": 5},
        {"float": "00"},
        {"bytes": "xyz"},
        {"deque": []},
        {"deque": [-1]},
        {"deque": [{"int": "0x" + "f" * 30}]},
        {"datetime": ["2020", 0, "zone"]},
        {"datetime": ["2020-01-01T00:00:00", 5, None]},
        {"zone": "../../../etc/passwd"},
        {"zone": "No/Where"},
        {"timedelta": [10**30, 0, 0]},
        {"decimal": "x"},
        {"fraction": [1, 0]},
        {"fraction": ["1e99999999"]},
        {"fraction": [{"decimal": "1e99999999"}]},
        {"fraction": [{"decimal": "1e99999999"}, 1]},
        {"random": [3, {"bytes": "00" * 2496}, None]},
        {"random": [3, {"bytes": "ff" * 2500}, None]},
        {"numpy": ["|O", "0000000000000000"]},
        {"dtype": ["|O"]},
        {"scalar type": ["O"]},
        {"numpy": ["<U999999999", ""]},
        {"numpy": ["<f8", "00"]},
        {"numpy": ["<U1", "ffffffff"]},
        {"numpy": ["<M8[0D]", "0000000000000000"]},
        {"dtype": ["<m8[s/0]"]},
        {"timestamp": [{"numpy": ["<M8[s]", "00" * 8]}, "Europe/Berlin", 0]},
        {"timestamp": ["2020-01-01", None, 0]},
        {"scalar type": ["<M8[Y/0]"]},
        {"numpy": ["V8", "0000000000000000"]},
        {"plugin": ["cell", "none", {"dict": []}]},
        {"plugin": ["optimizer", "adam", {"dict": ["none", 1]}]},
        {"plugin": ["os", "system", {"dict": []}]},
        {"plugin class": ["cell"]},
        {"river": ["os.system", [], None, {"dict": []}]},
        {"river": ["river.drift.adwin.ADWIN", [], {"dict": ["update", 5]}, {"dict": []}]},
        {"river": ["river.drift.adwin.ADWIN", [], {"dict": ["__class__", 5]}, {"dict": []}]},
        {
            "river": [
                "river.drift.page_hinkley.PageHinkley",
                [],
                {"dict": []},
                {"dict": ["_test_drift", "__init__"]},
            ]
        },
        {"river": ["river._river_rust.drift.AdaptiveWindowing", [], {"bytes": "00"}, {"dict": []}]},
    ],
    ids=lambda data: json.dumps(data)[:50],
)
def test_data_that_nobody_wrote_is_refused(data):
    with pytest.raises(FormatError, match="has it that cannot be read"):
        Decoder().decode(data, "it")


def test_bytes_that_river_cannot_read_are_no_end_of_the_program(capfd):
    data = encode(drift.ADWIN(), "it")
    text = json.dumps(data)
    start = text.index('"bytes": "') + len('"bytes": "')
    with pytest.raises(FormatError, match="saved by another version of River"):
        Decoder().decode(json.loads(text[:start] + "00" + text[text.index('"', start) :]), "it")


def with_buckets(data, n):
    """Let a saved ADWIN ask for `n` buckets in one place after the other."""
    text = json.dumps(data)
    start = text.index('"bytes": "') + len('"bytes": "')
    state = bytes.fromhex(text[start : text.index('"', start)])
    yield text.replace('"max_buckets", 5', f'"max_buckets", {n}')
    yield text.replace("[0.002, 32, 5, 5, 10]", f"[0.002, 32, {n}, 5, 10]")
    five, large = (5).to_bytes(8, "little"), n.to_bytes(8, "little")
    found = [at for at in range(len(state)) if state[at : at + 8] == five]
    for at in found:
        changed = state[:at] + large + state[at + 8 :]
        yield text.replace(state.hex(), changed.hex())


def test_buckets_that_no_memory_holds_are_refused():
    refused = 0
    for text in with_buckets(encode(drift.ADWIN(), "it"), 10**13):
        try:
            detector = Decoder().decode(json.loads(text), "it")
        except FormatError as error:
            assert "memory for more than 1000000 buckets" in str(error)  # noqa: PT017
            refused += 1
        else:
            copy.deepcopy(detector).clone()  # this would end the process
    assert refused >= 3


def test_buckets_that_could_not_be_loaded_are_not_saved():
    detector = drift.ADWIN()
    detector.max_buckets = 10**7
    with pytest.raises(TypeError, match="memory for more than 1000000 buckets"):
        encode(detector, "it")


def test_deep_nesting_is_refused():
    data = 0
    for _ in range(5000):
        data = [data]
    with pytest.raises(FormatError):
        Decoder().decode(data, "it")
