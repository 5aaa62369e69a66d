"""A run that is broken off at any moment and gone on with ends as if nothing had happened."""

import os
import random
import signal

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
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    rng = random.Random(name)
    states = breaks.states if name == "csv" else rng.sample(breaks.states, 8)
    for state in states:
        breaks.put(state)
        result = replay(*args)
        assert result.exit_code == 0, (result.output, sorted(state))
        assert outcome(out) == expected, sorted(state)


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize(("name", "kills"), [("dead letters", 50), ("late targets", 4)])
def test_killed_at_random_moments(name, kills, tmp_path, forks):
    """One leg is from nothing to about a tenth of the run, so that kills hit all of it."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    rng = random.Random(seed)
    case = cases(6 * kills)[name]
    expected = unbroken(case, tmp_path)
    out = tmp_path / "out"
    out.mkdir()
    args = ["replay", *case.command(tmp_path, out, "--checkpoint", out / "run")]
    args += ["--checkpoint-every", "5", "--resume"]
    done = whole = 0
    while done < kills or not whole:
        child = forks.start(args)
        if done < kills and child.wait(0.15 * rng.random()) is None:
            child.send(signal.SIGKILL)
            done += child.wait() == -signal.SIGKILL
            continue
        assert child.wait() == 0, child.stderr
        assert outcome(out) == expected
        whole += 1
        shrunk(out)


def shrunk(folder):
    """Remove all files of a folder."""
    for path in folder.iterdir():
        path.unlink()
