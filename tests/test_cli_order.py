"""Every prediction is made before its row is learnt, and a long stream needs no more memory."""

import tracemalloc
from functools import partial

import numpy as np
import pytest
from cli_helpers import Spy, replay, use_spy, write
from river import datasets
from streamrnn_cli.batches import SIZE, gathered
from streamrnn_cli.blocks import Block
from streamrnn_cli.contestants import LinearBaseline, baselines
from streamrnn_cli.errors import RowError
from streamrnn_cli.lags import Lags
from streamrnn_cli.sources import Batch, Row


def block_of(targets, first=0):
    """A block with one feature, the place of the row in a cycle of seven."""
    is_label = any(isinstance(target, str) for target in targets)
    numbers = range(first, first + len(targets))
    X = np.array([[n % 7.0] for n in numbers])
    return Block(("a",), X, np.array(targets, object if is_label else np.float64), numbers)


def test_the_network_predicts_each_row_before_it_learns_it(monkeypatch):
    spy = use_spy(monkeypatch)
    assert replay("river:TrumpApproval").exit_code == 0
    events = spy[0].events
    rows = list(datasets.TrumpApproval())
    assert [event[0] for event in events] == ["predict", "learn"] * len(rows)
    for (x, y), (_, seen), (_, learnt, target) in zip(rows, events[::2], events[1::2], strict=True):
        assert seen is learnt
        assert target == y
        assert seen == x


def test_the_baselines_predict_each_row_before_they_learn_it():
    spy = Spy()
    contestant = LinearBaseline("spy", spy, Lags("y", 1))
    assert contestant.play(block_of([5.0, np.nan, 7.0])).tolist() == [0.0, 5.0, 5.0]
    assert spy.events == [
        ("predict", {"a": 0.0}),
        ("learn", {"a": 0.0}, 5.0),
        ("predict", {"a": 1.0, "y[t-1]": 5.0}),
        ("predict", {"a": 2.0}),
        ("learn", {"a": 2.0}, 7.0),
    ]


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_changing_the_future_changes_no_prediction(task):
    """The honest baselines too must not know what comes."""
    rng = np.random.default_rng(1)
    targets = rng.normal(size=60).tolist()
    if task == "classification":
        targets = ["up" if target > 0 else "down" for target in targets]
    changed = targets[:40] + (["flat"] * 20 if task == "classification" else [1e3] * 20)

    def played(series):
        rivals = baselines("all", task, partial(Lags, "y", 2))
        return [rival.play(block_of(series)).tolist()[:41] for rival in rivals]

    assert len(played(targets)) == 3
    assert played(targets) == played(changed)


def test_batches_are_cut_where_the_columns_change():
    names = [("a",)] * 3 + [("a", "b")] * 2 + [("a",)] * (SIZE + 1)
    rows = [Row(t, n, [1.0] * len(n), t) for t, n in enumerate(names)]
    made = list(gathered(rows))
    assert [len(batch) for batch in made] == [3, 2, SIZE, 1]
    assert [batch.columns for batch in made[:2]] == [("a",), ("a", "b")]
    assert [offset for batch in made for offset in batch.offsets] == list(range(len(names)))


def test_nothing_overtakes_an_error_or_a_pause():
    error = RowError("bad")
    row, batch = Row(1, ("a",), [1.0], 1), Batch(("a",), [[1.0, 2.0, 3.0]], [2, 3, 4], [2, 3, 4])
    made = list(gathered([row, error, row, None, row, batch, row], size=2))
    lengths = [len(item) if isinstance(item, Batch) else item for item in made]
    assert lengths == [1, error, 1, None, 1, 2, 1, 1]


class Forgetful(Spy):
    """A spy without notes, which would grow."""

    def replay(self, X, y, features):
        return np.zeros(len(y))


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr("streamrnn_cli.session.build_network", lambda *_: Forgetful())
    header, row = {".csv": ("a,b,y\n", "1,2,{}\n"), ".jsonl": ("", '{{"a": 1, "y": {}}}\n')}[suffix]

    def peak(count):
        path = write(
            tmp_path / f"s{suffix}", header + "".join(row.format(i % 9) for i in range(count))
        )
        args = [path, "--target", "y", "--predictions", tmp_path / "p.csv"]
        tracemalloc.start()
        try:
            assert replay(*args).exit_code == 0
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)
    short, long = peak(2_000), peak(8_000)
    # Kept, the 6,000 rows more would take a megabyte at least.
    assert long - short < 250_000
