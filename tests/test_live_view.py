"""The dashboard on a terminal: what it shows, when, and that it leaves no trace."""

import contextlib
import fcntl
import importlib.util
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

import click
import numpy as np
import pytest
from click.testing import CliRunner
from streamrnn_cli.live_view import LiveView, PlainView, check_available, view, view_for
from streamrnn_cli.live_view.frame import frame
from streamrnn_cli.live_view.glyphs import BRAILLE, averaged, bars, curve, sparkline
from streamrnn_cli.live_view.options import live_view_option
from streamrnn_cli.monitor import Monitor

ENTER, LEAVE, HIDE, SHOW = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25l", "\x1b[?25h"
NAMES = ["lstm, 8 units", "last value"]


class Model:
    """What an estimator tells of itself."""

    drift_detector = object()
    counters = {"samples": 600, "updates": 599, "clipped": 60, "drifts": 0}  # noqa: RUF012
    _raw_memory_usage = 20_480

    def gradient_profile(self):
        return np.array([[10.0**-lag for lag in range(6)]])

    def gate_saturation(self):
        return {"forget": 0.25}

    def flat_weights(self):
        return np.ones(3)


def watched(task="regression", rows=600, model=None):
    """A monitor that has seen a run."""
    monitor = Monitor(task, NAMES, model, {"title": "A run", "source": "meter.csv", "sink": "out"})
    for start in range(0, rows, 300):
        y = np.sin(np.arange(start, start + 300) / 5)
        guesses = [y + 0.1, np.roll(y, 1)]
        if task == "classification":
            y = ["up" if value > 0 else "down" for value in y]
            guesses = [y[:], ["down", *y[:-1]]]
        monitor.played(range(start + 1, start + 301), None, y, guesses, 0.003)
    monitor.mark("checkpoint", 300)
    return monitor


def shown(snapshot, width=80, height=24, speed=1234.0, note="", **options):
    """The picture as plain lines."""
    from rich.console import Console

    options = {"width": width, "height": height, "color_system": None, **options}
    console = Console(file=io.StringIO(), force_terminal=True, **options)
    console.print(frame(snapshot, width, height, speed, note), end="")
    return console.file.getvalue()


@pytest.mark.parametrize(
    "size", [(80, 24), (100, 30), (129, 40), (160, 50), (300, 90), (40, 18), (41, 8)]
)
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_it_fills_the_terminal_and_no_more(task, size):
    lines = shown(watched(task, model=Model()).snapshot(), *size, note="a remark").splitlines()
    assert len(lines) == size[1]
    assert {len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in lines} == {size[0]}


def test_it_says_what_is_known():
    text = shown(watched(model=Model()).snapshot(), 160, 50, note="a remark")
    for part in (
        "A run  meter.csv → out",
        "600 rows   1234 rows/s   p50 10 µs",
        "20 KiB",
        "row 307 to 600",
        "mean absolute error",
        "lstm, 8 units  ",
        "last value",
        "0 to 5 back: 1e-05 to 1",
        "forget full",
        "25.0%",
        "checkpoint",
        "(row 300)",
        "a remark",
    ):
        assert part in text, part
    assert any(chr(BRAILLE) < letter <= chr(BRAILLE + 255) for letter in text)


def test_without_rows_and_diagnostics_it_says_so():
    text = shown(Monitor("regression", ["lstm"]).snapshot(), 160, 50, speed=None)
    assert "no rows so far" in text
    assert text.splitlines()[-1].strip() == ""
    assert "The run has no network" in text


def test_small_terminals_get_the_two_lines():
    text = shown(watched().snapshot(), 50, 7)
    assert "600 rows" in text
    assert "╭" not in text


def test_labels_tell_right_and_wrong_without_colour():
    monitor = Monitor("classification", ["lstm"])
    monitor.played([1, 2, 3], None, ["a", "b", "b"], [["a", "a", "b"]], 1e-4)
    text = shown(monitor.snapshot())
    assert "a ●x" in text  # predicted twice, the second time wrongly
    assert "b  ○●" in text  # what came the second time


@pytest.mark.parametrize("trap", ["\x1b[2Jx", "\x1b]0;x\x07", "\x9b2J", "a\rb", "\u202eab"])
def test_no_label_commands_the_terminal(trap):
    monitor = Monitor("classification", ["lstm"], about={"title": trap, "source": trap})
    monitor.played([1, 2], None, [trap, "b"], [["b", trap]], 1e-4)
    text = shown(monitor.snapshot(), note=trap)
    assert trap not in text
    assert trap[:4] not in text
    stream = io.StringIO()
    with LiveView(stream) as view:
        view.note(trap)
    assert trap not in stream.getvalue()


def test_target_and_prediction_are_told_apart_without_colour():
    text = shown(watched().snapshot(), color_system="standard", no_color=True)
    assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|9[0-7])[;m]", text)
    assert "\x1b[1m" in text
    assert "\x1b[2m" in text


class TestGlyphs:
    def test_a_curve_goes_through_its_points(self):
        cells = curve([0.0, 1.0, 2.0, 3.0], 0.0, 3.0, 2, 1)
        assert [chr(BRAILLE + cell) for cell in cells[0]] == ["⡠", "⠊"]
        # Far jumps are connected, gaps are not.
        steep = curve([0.0, 7.0], 0.0, 7.0, 1, 2)
        assert sum(bin(cell[0]).count("1") for cell in steep) == 8
        gap = curve([0.0, None, 7.0], 0.0, 7.0, 2, 2)
        assert sum(bin(cell).count("1") for row in gap for cell in row) == 2

    def test_what_is_out_of_range_is_at_the_edge(self):
        assert curve([99.0, -99.0], 0.0, 1.0, 1, 1) == curve([1.0, 0.0], 0.0, 1.0, 1, 1)

    def test_long_columns_are_averaged(self, rng):
        values = rng.normal(size=1000)
        assert averaged(list(values), 10) == pytest.approx(values.reshape(10, 100).mean(axis=1))
        assert averaged([None, float("nan"), 3.0, float("inf")], 2) == [None, 3.0]

    def test_nothing_draws_nothing(self):
        assert sparkline([None, float("nan")], 5) == ""
        assert bars([], 5, 2) == ["", ""]
        assert bars([0.0, None], 5, 2) == ["", ""]

    def test_bars_are_logarithmic_and_wide_enough(self):
        lines = bars([1e-4, 1e-2, 1.0], 9, 4)
        assert [len(line) for line in lines] == [9] * 4
        assert lines[0] == "      ███"
        assert lines[-1] == "▁▁▁██████"


# --- when it is drawn


class Terminal(io.StringIO):
    """A stream that is taken for a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


def test_snapshots_are_taken_when_they_are_shown_only(monkeypatch):
    monitor, taken = watched(), []

    def take():
        taken.append(1)
        return monitor.snapshot()

    monkeypatch.setattr(view, "PAUSE", 1000.0)
    with LiveView(Terminal()) as dashboard:
        for _ in range(50):
            dashboard.offer(take)
        assert len(taken) == 1


def test_slow_pictures_come_seldom(monkeypatch):
    monitor = watched()
    monkeypatch.setattr(view, "PAUSE", 0.0)
    stream = Terminal()
    with LiveView(stream) as dashboard:
        dashboard.update(monitor.snapshot())
        started = time.perf_counter()
        pictures = 1
        size = len(stream.getvalue())
        while time.perf_counter() - started < 0.5:
            dashboard.update(monitor.snapshot())
            pictures += len(stream.getvalue()) > size
            size = len(stream.getvalue())
    # A picture takes a millisecond at the very least, and all of them 2 % of the time at most.
    assert pictures <= 1 + 0.02 * 500


def test_remarks_stay_when_it_is_gone():
    stream = Terminal()
    with LiveView(stream) as dashboard:
        dashboard.note("first")
        dashboard.note("second\nline")
    before, _, after = stream.getvalue().partition(LEAVE)
    assert before.startswith(ENTER)
    assert after.endswith("first\nsecond line\n")
    dashboard.close()
    dashboard.update(watched().snapshot())  # too late, and no mistake
    assert stream.getvalue().partition(LEAVE)[2] == after


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_whatever_happens_the_terminal_is_as_it_was(error):
    stream = Terminal()
    with contextlib.suppress(error), LiveView(stream) as dashboard:
        dashboard.update(watched().snapshot())
        raise error
    text = stream.getvalue()
    assert text.count(ENTER) == text.count(LEAVE) == 1
    assert text.count(HIDE) == text.count(SHOW) == 1
    assert text.index(ENTER) < text.index(LEAVE)


def test_where_there_is_no_terminal_there_are_lines(monkeypatch):
    stream = io.StringIO()
    with view_for(stream) as lines:
        assert isinstance(lines, PlainView)
        lines.update(watched().snapshot())
        assert stream.getvalue() == ""  # not yet
        lines.note("a remark")
    monkeypatch.setattr(view, "PLAIN_PAUSE", 0.0)
    with view_for(stream) as lines:
        lines.update(watched().snapshot())
    remark, line = stream.getvalue().splitlines()
    assert remark == "a remark"
    assert re.fullmatch(r"600 rows, p50 \S+ µs, p99 \S+ µs, mean absolute error 0\.1", line)


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("encoding", "ascii")])
def test_terminals_that_cannot_are_written_lines(monkeypatch, name, value):
    stream = Terminal()
    if name == "encoding":
        monkeypatch.setattr(Terminal, name, value)
    else:
        monkeypatch.setenv(name, value)
    assert isinstance(view_for(stream), PlainView)


def test_a_missing_package_is_told_before_the_run(monkeypatch):
    @click.command()
    @live_view_option
    def run(live_view):
        raise AssertionError("the run has begun")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(click.UsageError):
        check_available()
    done = CliRunner().invoke(run, ["--live-view"])
    assert done.exit_code == 2
    assert "pip install 'streamrnn[view]'" in done.output


# --- on a terminal

PROGRAM = """
import signal, sys, time
from streamrnn_cli.live_view import view, view_for
from streamrnn_cli.monitor import Monitor
view.SHARE = 0  # not to wait for pictures
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
monitor = Monitor("regression", ["lstm"])
with view_for(sys.stderr) as shown:
    for i in range(2000):
        monitor.played([i + 1], None, [i % 9], [[i % 7]], 1e-4)
        shown.offer(monitor.snapshot)
        time.sleep(0.01)
"""


@contextlib.contextmanager
def terminal(width, height, **variables):
    """Run the program on a terminal of its own; yield it and a reader of what it writes."""
    ours, theirs = pty.openpty()
    resized(ours, width, height)
    environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "LINES")}
    environment |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **variables}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=theirs,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield process, Reader(ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def resized(end, width, height):
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


class Reader:
    """What a terminal was sent so far."""

    def __init__(self, end):
        self.end, self.text = end, ""

    def until(self, part, after=0):
        """Read until a part has come, or the end; return where it stands, or -1."""
        deadline = time.monotonic() + 30
        while self.text.find(part, after) < 0 and time.monotonic() < deadline:
            if select.select([self.end], [], [], 0.1)[0]:
                try:
                    self.text += os.read(self.end, 1 << 16).decode(errors="replace")
                except OSError:  # the other side is closed
                    break
        return self.text.find(part, after)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_terminal_is_drawn_on_and_left(number):
    with terminal(80, 24) as (process, reader):
        assert reader.until("mean absolute error") > reader.until(ENTER) >= 0
        process.send_signal(number)
        assert reader.until(LEAVE) > 0
        assert process.wait(20) in (-signal.SIGINT, 143)
        reader.until("\0")  # all there is
        assert SHOW in reader.text
        assert "\x1b[" not in reader.text.partition(LEAVE)[2].replace(SHOW, "")


def test_a_terminal_may_change_its_size_and_have_no_colours():
    with terminal(80, 24, NO_COLOR="1") as (process, reader):
        assert reader.until("─" * 70) >= 0
        resized(reader.end, 150, 40)
        assert reader.until("─" * 140, len(reader.text)) > 0
        resized(reader.end, 30, 10)
        assert reader.until("…", len(reader.text)) > 0
        process.send_signal(signal.SIGTERM)
        assert reader.until(LEAVE) > 0
        assert not re.search(r"\x1b\[[0-9;]*(3[0-7]|9[0-7])[;m]", reader.text)
