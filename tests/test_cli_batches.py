"""How many rows go through at once does not matter to the bits."""

import itertools

import pytest
import streamrnn_cli.preparing
from cli_helpers import replay
from crash_helpers import SMALL, cases, outcome
from streamrnn_cli.batches import gathered


@pytest.mark.parametrize("name", cases(4))
def test_the_size_of_batches(name, tmp_path, monkeypatch):
    case = cases(150)[name]
    found = []
    for size in (1, 7, 1024):
        monkeypatch.setattr(
            streamrnn_cli.preparing, "gathered", lambda items, _, n=size: gathered(items, n)
        )
        out = tmp_path / str(size)
        out.mkdir()
        assert replay(*case.command(tmp_path, out)).exit_code == 0
        found.append(outcome(out))
    assert found[0] == found[1] == found[2]


WORDS = ["--encode", "weather", "--encode", "city=hash:3", "--time", "when"]


@pytest.mark.parametrize(
    "more",
    [
        [*one, *other, *task]
        for one, other, task in itertools.product(
            [["--drop", "weather,city", "--time", "when"], [*WORDS, "--calendar", "day"]],
            [["--id", "a"], ["--delay", "3"], ["--key", "a"], ["--dead-letter", "{}/dead.jsonl"]],
            [[], ["--task", "classification"]],
        )
    ],
    ids=" ".join,
)
def test_options_together(more, tmp_path, monkeypatch):
    case = cases(40)["words and times"]
    source = case.write(tmp_path)
    found = []
    for size in (1, 7, 1024):
        monkeypatch.setattr(
            streamrnn_cli.preparing, "gathered", lambda items, _, n=size: gathered(items, n)
        )
        out = tmp_path / str(size)
        out.mkdir()
        given = [word.format(out) for word in more]
        args = [source, "--target", "y", *SMALL, *given, "--predictions", out / "p.csv"]
        args += ["--metrics-json", out / "figures.json", "--baselines", "simple", "--quiet"]
        result = replay(*args)
        assert result.exit_code == 0, result.output
        found.append(outcome(out))
    assert found[0] == found[1] == found[2]
