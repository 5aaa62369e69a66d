"""The small parts of the command line, each by itself."""

import doctest
import importlib
import io
import json
import math
import pkgutil

import numpy as np
import pytest
import streamrnn_cli
from cli_helpers import metrics_of, use_spy
from river import metrics
from streamrnn_cli import cells as cell_parts
from streamrnn_cli import lines as lines_part
from streamrnn_cli import sources
from streamrnn_cli.console import PAUSE, Console
from streamrnn_cli.errors import DataError
from streamrnn_cli.lags import Lags
from streamrnn_cli.lines import TextLines
from streamrnn_cli.metrics import scores
from streamrnn_cli.suggestions import did_you_mean, listed
from streamrnn_cli.table import number

MODULES = [
    found.name
    for found in pkgutil.walk_packages(streamrnn_cli.__path__, "streamrnn_cli.")
    if not found.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


class TestCells:
    @pytest.mark.parametrize("cell", ["1_000", "0x10", "1,5", "true", "1 2", [], {}, "é"])
    def test_no_numbers(self, cell):
        with pytest.raises(ValueError, match=r".*"):
            cell_parts.number(cell)

    @pytest.mark.parametrize(
        ("cell", "value"),
        [("1e3", 1000), (" -2 ", -2), (True, 1), (3, 3), ("inf", math.inf), (10**400, math.inf)],
    )
    def test_numbers(self, cell, value):
        assert cell_parts.number(cell) == value

    @pytest.mark.parametrize(
        "cells", [["1", "2"], ["1", ""], ["1", None], [1, "NaN"], [True, 2.5], [], ["?", "1e400"]]
    )
    def test_the_fast_way_is_the_slow_one(self, cells):
        slow = [cell_parts.number(cell) for cell in cells]
        # By their spelling, because NaN is not NaN.
        assert repr(cell_parts.numbers(cells)) == repr(slow)

    def test_the_fast_way_refuses_the_same(self):
        with pytest.raises(ValueError, match="2024_01"):
            cell_parts.numbers(["1", "2024_01"])


class TestLines:
    def test_an_error_does_not_end_the_lines(self):
        lines = TextLines([b"a\n", b"\xff\n", b"b\n"], "s")
        assert next(lines) == "a\n"
        with pytest.raises(DataError, match="line 2: byte 0xff"):
            next(lines)
        assert next(lines) == "b\n"
        assert lines.number == 3

    def test_looking_at_the_first_line_takes_nothing(self):
        lines = TextLines([b"\xef\xbb\xbf \n", b"\n", b"x\n", b"y\n"], "s")
        assert lines.first() == "x\n"
        assert list(lines) == [" \n", "\n", "x\n", "y\n"]
        assert lines.number == 4

    @pytest.mark.parametrize("size", [1, 500, 5000])
    def test_a_line_without_end_does_not_fill_the_memory(self, size, monkeypatch):
        monkeypatch.setattr(lines_part, "LONGEST", 1000)
        monkeypatch.setattr(lines_part, "_PIECE", 64)
        start = b"a\n" + b"1" * 997 + b"\n"
        binary = io.BytesIO(start + b"2" * 100_000 + b"\n3\n")
        lines = TextLines(binary, "s", in_blocks=True)
        found = b""
        while (block := lines.block(size)) is not None:
            found += block
        found += "".join(next(lines) for _ in range(2 - found.count(b"\n"))).encode()
        assert found == start
        with pytest.raises(DataError, match="s, after line 2: a line of more than"):
            next(lines)
        assert binary.tell() < len(start) + size + 4000

    def test_a_long_last_line(self, monkeypatch):
        monkeypatch.setattr(lines_part, "LONGEST", 1000)
        assert [len(line) for line in TextLines(io.BytesIO(b"1" * 999), "s", in_blocks=True)] == [
            999
        ]


class TestConsole:
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    def test_progress_overwrites_itself_and_goes_away(self, monkeypatch):
        clock = [0.0]
        monkeypatch.setattr("streamrnn_cli.console.time.monotonic", lambda: clock[0])
        stream = self.Terminal()
        console = Console(stream, quiet=False)
        console.progress("a long text")
        console.progress("too soon")
        clock[0] += PAUSE
        console.progress("short")
        console.note("a remark")
        assert stream.getvalue() == "\ra long text\rshort      \r     \ra remark\n"

    def test_only_what_is_shown_is_made(self, monkeypatch):
        monkeypatch.setattr("streamrnn_cli.console.time.monotonic", lambda: 0.0)
        stream, made = self.Terminal(), []
        console = Console(stream, quiet=False)
        for i in range(3):
            console.progress(lambda i=i: made.append(i) or str(i))
        assert made == [0]
        assert stream.getvalue() == "\r0"

    def test_no_terminal_no_progress(self):
        stream = io.StringIO()
        console = Console(stream, quiet=False)
        console.progress("text")
        console.clear()
        assert stream.getvalue() == ""

    def test_quiet(self):
        stream = self.Terminal()
        console = Console(stream, quiet=True)
        console.progress("text")
        console.note("text")
        assert stream.getvalue() == ""


class TestScores:
    @pytest.mark.parametrize("prediction", [math.nan, math.inf, 1e300])
    def test_a_prediction_beyond_numbers_is_not_hidden(self, prediction):
        found = scores("regression")
        found.update(np.array([1.0, 1.0]), np.array([1.0, prediction]))
        found.update(np.array([2.0]), np.array([2.0]))
        assert all(map(math.isnan, found.values().values()))

    def test_labels(self):
        found = scores("classification")
        found.update(np.array(list("aabb"), object), np.array(list("abbb"), object))
        # Agreement 3/4, by chance 1/2; F1 of a 2/3, of b 4/5.
        assert found.values() == pytest.approx(
            {"accuracy": 0.75, "macro_F1": (2 / 3 + 4 / 5) / 2, "kappa": 0.5}
        )

    def test_blocks_are_as_good_as_rivers_metrics_of_rows(self, rng):
        targets, predictions = rng.normal(3, 2, 500), rng.normal(3, 2, 500)
        found = scores("regression")
        for rows in np.split(np.arange(500), [1, 1, 60, 400]):
            found.update(targets[rows], predictions[rows])
        rivers = {"MAE": metrics.MAE(), "RMSE": metrics.RMSE(), "R2": metrics.R2()}
        for name, metric in rivers.items():
            for target, prediction in zip(targets.tolist(), predictions.tolist(), strict=True):
                metric.update(target, prediction)
            assert found.values()[name] == pytest.approx(metric.get())
        again = scores("regression")
        again.restore(json.loads(json.dumps(found.state())))
        assert again.values() == found.values()


class TestLags:
    def test_of_numbers(self):
        lags = Lags("y", 2)
        made = []
        for target in (1.0, 2.0, None, 4.0):
            made.append(lags.extended({"a": 0.0}))
            lags.remember(target)
        assert made == [
            {"a": 0.0},
            {"a": 0.0, "y[t-1]": 1.0},
            {"a": 0.0, "y[t-1]": 2.0, "y[t-2]": 1.0},
            {"a": 0.0, "y[t-2]": 2.0},
        ]

    def test_of_labels(self):
        lags = Lags("y", 1)
        made = []
        for target in ("up", "up", "down", None, "up"):
            made.append(lags.extended({}))
            lags.remember(target)
        up, down = "y[t-1]=up", "y[t-1]=down"
        # Not there before the first "down" has been seen.
        assert made == [{}, {up: 1.0}, {up: 1.0}, {up: 0.0, down: 1.0}, {}]


@pytest.mark.parametrize(
    ("value", "text"), [(1e7, "1.0000e+07"), (12345.6, "12346"), (0, "0.0000"), (-0.5, "-0.50000")]
)
def test_numbers_in_the_table(value, text):
    assert number(value) == text


def test_suggestions():
    assert did_you_mean("FLOW", ["flow", "a"]) == "Did you mean 'flow'?"
    assert did_you_mean("xyz", ["flow", "a"]) is None
    assert listed([]) == "none"


def test_a_new_source_is_one_new_file(tmp_path, monkeypatch):
    (tmp_path / "counting.py").write_text(
        "from contextlib import contextmanager\n"
        "from streamrnn_cli.sources.counted import CountedSource\n"
        "from streamrnn_cli.sources.protocol import Row\n"
        "SCHEME = 'count'\n"
        "@contextmanager\n"
        "def open_source(rest):\n"
        "    rows = (Row(i, ('y',), (i,), i) for i in range(1, int(rest) + 1))\n"
        "    known = {'unit': 'row', 'target': 'y', 'task': 'regression'}\n"
        "    yield CountedSource('count:' + rest, rows, **known)\n"
    )
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(tmp_path)])
    use_spy(monkeypatch)
    for cached in (sources._modules, sources._schemes, sources.formats):
        cached.cache_clear()
    try:
        outcome = metrics_of(tmp_path, "count:5")
    finally:
        for cached in (sources._modules, sources._schemes, sources.formats):
            cached.cache_clear()
    assert outcome["rows"]["used"] == 5
    assert outcome["model"]["metrics"]["MAE"] == 1
