"""Each row is used once or left out once: at limits, where columns are missing, when a run ends."""

import contextlib
import csv
import datetime
import json
import os
import signal
import threading
from types import SimpleNamespace

import pytest
import streamrnn_cli.session
from cli_helpers import invoke, replay, write
from crash_helpers import SMALL
from streamrnn_cli import checkpoint, keeping
from streamrnn_cli.batches import MOST_ERRORS, peek
from streamrnn_cli.errors import RowError
from streamrnn_cli.settings import Settings
from streamrnn_cli.sources import Batch, Row
from streamrnn_cli.sources.counted import CountedSource

ARGS = ["--target", "y", "--task", "regression", "--quiet", *SMALL]

#: Rows that cannot be used, before a limit, at it, and behind it.
BAD = (3, 4, 11, 21)


def with_bad_rows(tmp_path):
    lines = [f"{'bad' if i in BAD else i / 7},{i}" for i in range(1, 41)]
    return write(tmp_path / "s.csv", "\n".join(["a,y", *lines, ""]))


def rows_of(path):
    with open(path, newline="") as file:
        return [int(row["row"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("every", [1, 3, 1000])
def test_a_limit_counts_rows_that_are_used(every, tmp_path):
    source, made = with_bad_rows(tmp_path), tmp_path / "p.csv"
    args = [source, *ARGS, "--on-error", "skip", "--predictions", made]
    good = [i for i in range(1, 41) if i not in BAD]
    assert replay(*args, "--limit", 10, "--checkpoint-every", every).exit_code == 0
    assert rows_of(made) == good[:10]
    # The next run begins right behind them.
    kept = ["--checkpoint", tmp_path / "run", "--checkpoint-every", every, "--resume"]
    for limit in (10, 11, 19, 36):
        assert replay(*args, *kept, "--limit", limit).exit_code == 0
        assert rows_of(made) == good[:limit]


def test_a_limit_of_events(tmp_path):
    """Targets that come later are no events of their own, and nothing behind them is lost."""
    events = [{"id": i, "a": i / 7} for i in range(1, 21)]
    rows = [one for row in events for one in (row, {"id": row["id"], "y": row["a"]})]
    source = write(tmp_path / "s.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    made = tmp_path / "p.csv"
    assert replay(source, *ARGS, "--id", "id", "--limit", 9, "--predictions", made).exit_code == 0
    with open(made, newline="") as file:
        assert [int(row["id"]) for row in csv.DictReader(file)] == list(range(1, 10))


@pytest.mark.parametrize("option", ["--key", "--id"])
def test_a_row_without_the_column_of_names(option, tmp_path):
    rows = [{"name": 100 + i, "a": i / 7, "y": i} for i in range(1, 9)]
    del rows[4]["name"]
    source = write(tmp_path / "s.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    result = replay(source, *ARGS, option, "name")
    assert result.exit_code == 3
    assert "line 5, column 'name': is missing. Every row needs" in result.stderr
    made = tmp_path / "p.csv"
    args = [source, *ARGS, option, "name", "--on-error", "skip", "--predictions", made]
    assert replay(*args).exit_code == 0
    assert rows_of(made) == [1, 2, 3, 4, 6, 7, 8]


def test_a_row_without_the_column_of_times(tmp_path):
    rows = [{"when": f"2026-01-0{i}", "a": i / 7, "y": i} for i in range(1, 9)]
    del rows[4]["when"]
    source = write(tmp_path / "s.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    made = tmp_path / "p.csv"
    assert replay(source, *ARGS, "--time", "when", "--predictions", made).exit_code == 0
    with open(made, newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["time"] for row in found] == [row.get("when", "") for row in rows]
    assert [float(row["target"]) for row in found] == [row["y"] for row in rows]


@pytest.mark.parametrize("option", ["--key", "--id"])
def test_moments_as_names_are_in_checkpoints(option, tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    moments = [datetime.datetime(2026, 1, 1) + datetime.timedelta(days=i // 2) for i in range(40)]
    values = [float(i) for i in range(40)]
    table = pyarrow.table({"when": moments, "a": values, "y": values})
    parquet.write_table(table, tmp_path / "s.parquet")
    args = [tmp_path / "s.parquet", *ARGS, option, "when"]
    whole, made = tmp_path / "whole.csv", tmp_path / "p.csv"
    assert replay(*args, "--predictions", whole).exit_code == 0
    kept = ["--checkpoint", tmp_path / "run", "--resume", "--predictions", made]
    for limit in (7, 1000):
        result = replay(*args, *kept, "--limit", limit)
        assert result.exit_code == 0, result.output
    assert made.read_text() == whole.read_text()


class Ended(CountedSource):
    """Twenty rows, and then a wish to stop while there is nothing to read."""

    is_live = True

    def items(self):
        for i in range(1, 21):
            yield Row(i, ("a", "y"), (float(i), float(i)), i)
        yield None
        os.kill(os.getpid(), signal.SIGTERM)
        yield None


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_who_stops_while_nothing_comes_gets_no_target_early(tmp_path, monkeypatch):
    def opened(*_, **__):
        return contextlib.nullcontext(Ended("source", iter(())))

    monkeypatch.setattr(streamrnn_cli.session, "open_source", opened)
    run = tmp_path / "run"
    result = invoke("live", tmp_path / "s", *ARGS, "--delay", 3, "--checkpoint", run)
    assert result.exit_code == 143, result.output
    engine = checkpoint.read(run)[1]["engine"]
    assert engine["seen"] == 20
    assert [target for _, _, target in engine["late"]["waiting"]] == [18.0, 19.0, 20.0]


class TestPeek:
    def batches(self):
        error = RowError("bad")
        batch = Batch(("a",), [[1.0, 2.0]], [1, 2], [1, 2])
        yield from (error, None, error, batch, None, batch)
        raise AssertionError("nobody wants that much")

    def test_waits_for_a_row(self):
        head, items = peek(self.batches(), 1000)
        assert [type(item) for item in head] == [RowError, RowError, Batch]
        assert next(items) is head[0]

    def test_the_first_error_that_ends_the_run_is_not_waited_with(self):
        head, items = peek(self.batches(), 1000, past_errors=False)
        assert [type(item) for item in head] == [RowError]
        assert [type(next(items)) for _ in range(4)][1:] == [type(None), RowError, Batch]

    def test_a_wish_to_stop(self):
        assert peek(self.batches(), 1000, is_over=lambda: True)[0][1:] == []

    def test_memory_is_bounded_where_no_row_can_be_used(self):
        head, _ = peek((RowError("bad") for _ in range(3 * MOST_ERRORS)), 1000)
        assert len(head) == MOST_ERRORS


def test_nobody_moves_the_model_while_it_is_written(tmp_path, monkeypatch):
    seen = []
    lock = threading.Lock()
    board = SimpleNamespace(contestants=[SimpleNamespace(model=None)])
    engine = SimpleNamespace(
        lock=lock, board=board, sink=None, dead_letters=None, monitor=None, seen=5
    )
    engine.state = lambda: seen.append(lock.locked())
    source = CountedSource("source", iter(()))
    source.position = dict
    source.commit = lambda: seen.append(lock.locked())
    settings = Settings(checkpoint=str(tmp_path / "run"))
    session = SimpleNamespace(
        settings=settings,
        source=source,
        roles=SimpleNamespace(_asdict=dict),
        words={},
        task="?",
        kept=None,
    )
    monkeypatch.setattr(checkpoint, "save", lambda *_: seen.append(lock.locked()))
    keeping.Keeper(engine, session).end()
    # State and model under the lock; whoever sends is told when that is over.
    assert seen == [True, True, False]


def test_dead_letters_are_json(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table({"a": [1.0, float("nan")], "b": ["1", "bad"], "y": [1.0, 2.0]})
    parquet.write_table(table, tmp_path / "s.parquet")
    dead = tmp_path / "dead.jsonl"
    assert replay(tmp_path / "s.parquet", *ARGS, "--dead-letter", dead).exit_code == 0

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    found = json.loads(dead.read_text(), parse_constant=refuse)
    assert found["row"] == {"a": "nan", "b": "bad", "y": 2.0}


def test_files_that_are_not_written_once_are_not_begun_again(tmp_path):
    source = with_bad_rows(tmp_path)
    made, dead, run = tmp_path / "p.csv", tmp_path / "dead.jsonl", tmp_path / "run"
    args = [source, *ARGS, "--on-error", "skip", "--checkpoint", run, "--resume", "--limit"]
    files = ["--predictions", made, "--dead-letter", dead]
    for limit, more in ((10, files), (12, []), (20, files)):
        assert replay(*args, limit, *more).exit_code == 0
    good = [i for i in range(1, 41) if i not in BAD]
    assert rows_of(made) == [*good[:10], *good[12:20]]
    # Lines, of which the first one is the header.
    lines = [json.loads(line)["line"] for line in dead.read_text().splitlines()]
    assert lines == [i + 1 for i in BAD]
