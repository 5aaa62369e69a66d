"""Ctrl-C, SIGTERM and a disk that is full: what was done is kept, and the run can go on."""

import errno
import json
import os
import signal
import time
import zipfile

import pytest
import streamrnn_cli.session
from cli_helpers import replay
from crash_helpers import SMALL, Case, cases, outcome, unbroken
from streamrnn_cli.stopping import Impatience, Stop

CASES = cases(300)

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


@pytest.fixture
def out(tmp_path):
    made = tmp_path / "out"
    made.mkdir()
    return made


def until(holds, child, seconds=60):
    """Wait for a condition while the child runs."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        assert child.wait(0) is None, child.stderr
        time.sleep(0.005)


def has_lines(path, count):
    return lambda: path.exists() and path.read_bytes().count(b"\n") >= count


def seen(checkpoint):
    """How many rows a checkpoint has seen."""
    if not checkpoint.exists():
        return 0
    with zipfile.ZipFile(checkpoint) as archive:
        return json.loads(archive.read("run.json"))["run"]["engine"]["seen"]


class Pipe:
    """A pipe with a name, whose writing end stays open within the block."""

    def __init__(self, folder):
        self.path = folder / "pipe"
        os.mkfifo(self.path)

    def __enter__(self):
        # For reading, too: so opening it does not wait for the other end.
        self._handle = os.open(self.path, os.O_RDWR)
        return self

    def __exit__(self, *_):
        os.close(self._handle)

    def write(self, text):
        os.write(self._handle, text.encode())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("name", ["csv", "delay"])
def test_a_replay_ends_between_two_rows(name, number, code, tmp_path, out, forks):
    case = CASES[name]
    expected = unbroken(case, tmp_path)
    args = ["replay", *case.command(tmp_path, out, "--checkpoint", out / "run")]
    args += ["--checkpoint-every", "1"]
    child = forks.start(args)
    until(has_lines(out / "p.csv", 20), child)
    child.send(number)
    assert child.wait() == code, child.stderr
    assert "Traceback" not in child.stderr
    rows = len((out / "p.csv").read_text().splitlines()) - 1
    assert f"{rows} rows, " in child.stdout
    assert json.loads((out / "figures.json").read_text())["rows"]["used"] == rows < 300
    ended = forks.run([*args[:-1], "100", "--resume"])
    assert ended.code == 0, ended.stderr
    assert outcome(out) == expected


def jsonl(start, stop):
    """Rows as lines of JSON, which are read one by one."""
    return "".join(f'{{"a": {i % 7}, "y": {i % 5}}}\n' for i in range(start, stop))


def test_a_signal_before_the_first_row(tmp_path, out, forks):
    """It has nothing to show for it, but that is no error in the data."""
    with Pipe(tmp_path) as pipe:
        args = ["replay", "-", *SMALL, "--target", "y", "--checkpoint", out / "run"]
        child = forks.start([*args, "--predictions", out / "p.csv"], stdin=pipe.path)
        pipe.write("{")
        time.sleep(0.2)
        child.send(signal.SIGINT)
        pipe.write(jsonl(0, 1500)[1:])
        assert child.wait() == 130, child.stderr
    assert "Error" not in child.stderr


def test_the_second_signal_is_obeyed_at_once(tmp_path, out, forks):
    """The pipe is silent, so the first one could wait for ever for the row being read."""
    rows = jsonl(0, 1300)
    args = ["-", *SMALL, "--target", "y", "--task", "regression"]
    kept = ["--checkpoint", out / "run", "--predictions", out / "p.csv"]
    with Pipe(tmp_path) as pipe:
        child = forks.start(["replay", *args, *kept, "--checkpoint-every", 50], stdin=pipe.path)
        pipe.write(rows)
        until(lambda: seen(out / "run") == 1300, child)
        for _ in range(200):
            child.send(signal.SIGINT)
            if child.wait(0.1) is not None:
                break
    assert child.wait() == 130
    said = "Interrupted: what was done since the last checkpoint is lost.\n"
    # The first one may have come just before the read.
    assert child.stderr == ("" if child.stdout else said)
    assert replay(*args, *kept, "--resume", stdin=rows).exit_code == 0
    assert replay(*args, "--predictions", tmp_path / "p.csv", stdin=rows).exit_code == 0
    assert (out / "p.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()


def test_the_second_signal_breaks_what_is_being_done():
    stop, reached = Stop(), []
    with stop.listening():
        os.kill(os.getpid(), signal.SIGTERM)
        reached.append(stop.signal)
        with pytest.raises(Impatience):
            os.kill(os.getpid(), signal.SIGINT)
    assert reached == [signal.SIGTERM]
    assert stop.exit_code == 143


def test_a_signal_while_code_is_compiled(tmp_path, monkeypatch):
    """All that was done is to begin; the first row is left for later."""
    real = streamrnn_cli.session.warm_up

    def interrupted(*args):
        os.kill(os.getpid(), signal.SIGTERM)
        return real(*args)

    monkeypatch.setattr("streamrnn_cli.session.warm_up", interrupted)
    args = ["--limit", 30, *SMALL, "--checkpoint", tmp_path / "run", "--quiet"]
    result = replay(*args, "--predictions", tmp_path / "p.csv")
    assert result.exit_code == 143, result.output
    assert result.stderr == ""
    monkeypatch.undo()
    assert replay(*args, "--predictions", tmp_path / "p.csv", "--resume").exit_code == 0
    assert len((tmp_path / "p.csv").read_text().splitlines()) == 31


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_live_from_a_pipe(number, code, tmp_path, out, forks):
    with Pipe(tmp_path) as pipe:
        args = ["live", "-", *SMALL, "--target", "y", "--task", "regression"]
        child = forks.start([*args, "--checkpoint", out / "run"], stdin=pipe.path)
        pipe.write(jsonl(0, 40))
        until(lambda: child.stdout.count("\n") >= 40, child)
        child.send(number)
        assert child.wait() == code, child.stderr
    rows = [json.loads(line) for line in child.stdout.splitlines()]
    assert [row["row"] for row in rows] == list(range(1, 41))
    assert "40 rows, 39 scored" in child.stderr
    # Forty rows more: those of the first run are known, and are not asked for again.
    with Pipe(tmp_path / "out") as pipe:
        pipe.write(jsonl(40, 80))
        more = [*args, "--checkpoint", out / "run", "--resume", "--limit", "80"]
        again = forks.run(more, stdin=pipe.path)
    assert again.code == 0, again.stderr
    rows += [json.loads(line) for line in again.stdout.splitlines()]
    text = jsonl(0, 80)
    plain = ["-", *args[2:], "--predictions", tmp_path / "p.jsonl"]
    assert replay(*plain, stdin=text).exit_code == 0
    assert rows == [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]


def test_live_from_a_growing_file(tmp_path, out, forks):
    """Stopped, killed, gone on with: the predictions are those of a replay of the whole file."""
    case = CASES["late targets"]
    expected = unbroken(case, tmp_path)[0]["p.csv"]
    lines = case.text.splitlines(keepends=True)
    source = tmp_path / "grows.jsonl"
    args = ["live", source, *SMALL, *case.args, "--predictions", out / "p.csv", "--quiet"]
    args += ["--checkpoint", out / "run", "--checkpoint-every", "10", "--resume"]
    source.write_text("".join(lines[:150]))
    written = 150
    for end, number, code in (
        (200, signal.SIGTERM, 143),
        (300, signal.SIGKILL, -signal.SIGKILL),
        (400, signal.SIGINT, 130),
    ):
        child = forks.start(args)
        with source.open("a") as file:
            file.writelines(lines[written:end])
        written = end
        events = sum('"y"' not in line for line in lines[:end])
        until(has_lines(out / "p.csv", 1 + events), child)
        child.send(number)
        assert child.wait() == code, child.stderr
    with source.open("a") as file:
        file.writelines(lines[written:])
    child = forks.start(args)
    until(has_lines(out / "p.csv", 301), child)
    child.send(signal.SIGTERM)
    assert child.wait() == 143
    assert (out / "p.csv").read_bytes() == expected


@pytest.mark.parametrize("largest", [1000, 8500, 12_000])
def test_a_disk_that_is_full(largest, tmp_path, out, forks):
    """No file may become larger than that, which stops the predictions or the checkpoint."""
    case = CASES["dead letters"]
    expected = unbroken(case, tmp_path)
    args = ["replay", *case.command(tmp_path, out, "--checkpoint", out / "run")]
    args += ["--checkpoint-every", "20", "--resume"]
    child = forks.run(args, largest=largest)
    assert child.code == 3, child.stderr
    assert child.stderr.count("\n") == 1
    assert "cannot be written (File too large)" in child.stderr
    assert [path.name for path in out.iterdir() if path.suffix == ".tmp"] == []
    ended = forks.run(args)
    assert ended.code == 0, ended.stderr
    assert outcome(out) == expected


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("nth", [1, 2, 3, 5, 11])
def test_any_call_that_fails(call, nth, tmp_path, out, monkeypatch):
    case = CASES["dead letters"]
    expected = unbroken(case, tmp_path)
    args = case.command(tmp_path, out, "--checkpoint", out / "run", "--checkpoint-every", "20")
    real, left = getattr(os, call), [nth]

    def failing(*args):
        left[0] -= 1
        if not left[0]:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return None if call == "fsync" else real(*args)

    monkeypatch.setattr(os, call, failing)
    result = replay(*args)
    assert result.exit_code == 3, result.output
    assert result.stderr.count("\n") == 1
    assert "(No space left on device)" in result.stderr
    assert replay(*args, "--resume").exit_code == 0
    assert outcome(out) == expected


def test_dead_letters_alone_on_a_full_disk(tmp_path, out, forks):
    """Without a checkpoint they are written at the end, and the message names their file."""
    case = Case("s.csv", CASES["dead letters"].text, "--target", "y", dead=True)
    child = forks.run(["replay", *case.command(tmp_path, out)], largest=1000)
    assert child.code == 3, child.stderr
    assert child.stderr.count("\n") == 1
    assert str(out) in child.stderr
