"""A run that is broken off at any moment and gone on with ends as if nothing had happened."""

import random
import signal
import time

import pytest
from cli_helpers import replay
from crash_helpers import Breaks, cases, outcome, unbroken

CASES = cases(120)
KEPT = ["--checkpoint-every", "17"]


@pytest.mark.parametrize("name", CASES)
def test_every_state_of_the_disk_is_one_to_go_on_from(name, tmp_path, monkeypatch):
    case = CASES[name]
    expected = unbroken(case, tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    args = case.command(tmp_path, out, "--checkpoint", out / "run", *KEPT, "--resume")
    breaks = Breaks(out)
    with breaks.watching(monkeypatch):
        result = replay(*args)
    assert result.exit_code == 0, result.output
    assert outcome(out) == expected
    assert len(breaks.states) > 20
    rng = random.Random(name)
    states = breaks.states if name == "csv" else rng.sample(breaks.states, 8)
    for state in states:
        breaks.put(state)
        result = replay(*args)
        assert result.exit_code == 0, (result.output, sorted(state))
        assert outcome(out) == expected, sorted(state)
