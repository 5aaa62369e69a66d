"""Every prediction is made before its row is learnt, and a long stream needs no more memory."""

import tracemalloc

import numpy as np
import pytest
from cli_helpers import Spy, replay, use_spy, write
from river import datasets
from streamrnn_cli.baselines import baselines
from streamrnn_cli.blocks import SIZE, blocks
from streamrnn_cli.contestants import Baseline
from streamrnn_cli.lags import Lags
from streamrnn_cli.rows import Sample


def test_the_network_predicts_each_row_before_it_learns_it(monkeypatch):
    spy = use_spy(monkeypatch)
    assert replay("--lags", 2).exit_code == 0
    events = spy[0].events
    assert [event[0] for event in events] == ["predict", "learn"] * 1268
    y = [y for _, y in datasets.WaterFlow()]
    for t, ((_, x), (_, learnt, target)) in enumerate(zip(events[::2], events[1::2], strict=True)):
        assert x is learnt
        assert target == y[t]
        for lag in (1, 2):
            known = x[f"target[t-{lag}]"]
            assert known == y[t - lag] if t >= lag else np.isnan(known)


def test_the_baselines_predict_each_row_before_they_learn_it():
    spy = Spy()
    contestant = Baseline("spy", spy)
    samples = [Sample(t, None, ("a",), [float(t)], y) for t, y in enumerate([5.0, None, 7.0])]
    (block,) = blocks(samples, Lags("y", 1, "regression"))
    assert contestant.play(block) == [0.0, 5.0, 5.0]
    assert [event[0] for event in spy.events] == [
        *("predict", "learn"),
        "predict",
        *("predict", "learn"),
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
        samples = [Sample(t, None, ("a",), [t % 7.0], y) for t, y in enumerate(series)]
        rivals = [Baseline(name, model) for name, model in baselines(task).items()]
        made = [[] for _ in rivals]
        for block in blocks(samples, Lags("y", 2, task)):
            for predictions, rival in zip(made, rivals, strict=True):
                predictions += rival.play(block)
        return [predictions[:41] for predictions in made]

    assert played(targets) == played(changed)


def test_blocks_are_cut_where_the_columns_change():
    names = [("a",)] * 3 + [("a", "b")] * 2 + [("a",)] * (SIZE + 1)
    samples = [Sample(t, None, n, [1.0] * len(n), 2.0) for t, n in enumerate(names)]
    made = list(blocks(samples, Lags("y", 1, "regression")))
    assert [len(block) for block in made] == [3, 2, SIZE, 1]
    assert [block.names for block in made[:2]] == [("a", "y[t-1]"), ("a", "b", "y[t-1]")]
    assert [number for block in made for number in block.numbers] == list(range(len(names)))


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
