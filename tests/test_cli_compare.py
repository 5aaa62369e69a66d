"""``streamrnn compare``: who wins, by how much, and that each plays as it would alone."""

import json
import math
import shlex
import shutil
import struct

import numpy as np
import pytest
from cli_helpers import invoke, metrics_of, write
from streamrnn_cli.comparing.curve import MOST, Curve
from streamrnn_cli.comparing.guests import Guest
from streamrnn_cli.lags import Lags

#: Small networks that need the least compilation.
SMALL = ["--cell", "rnn", "--hidden-size", "4"]


@pytest.fixture
def source(tmp_path):
    """Every third value is the sum of the two before."""
    random = np.random.default_rng(0)
    lines = ["a,y"]
    for _ in range(100):
        first, second = random.normal(size=2)
        lines += [f"0,{first:.4f}", f"0,{second:.4f}", f"1,{first + second:.4f}"]
    return write(tmp_path / "s.csv", "\n".join(lines) + "\n")


def compared(tmp_path, *args):
    path = tmp_path / "compared.json"
    done = invoke("compare", *args, "--metrics-json", path)
    assert done.exit_code == 0, done.output
    return json.loads(path.read_text()), done


def named(outcome, name):
    return next(one for one in outcome["models"] if one["name"] == name)


def test_each_plays_as_it_would_alone(tmp_path, source):
    args = [source, "--target", "y", *SMALL]
    lists = ["--truncation", "2,4", "--lr", "0.002,0.01", "--seeds", 2]
    outcome, done = compared(tmp_path, *args, *lists)
    alone = [
        metrics_of(tmp_path, *args, "--truncation", 4, "--lr", "0.01", "--seed", seed)
        for seed in (42, 43)
    ]
    errors = [one["model"]["metrics"]["MAE"] for one in alone]
    found = named(outcome, "rnn, K 4, lr 0.01")
    assert found["metrics"]["MAE"] == pytest.approx(np.mean(errors), rel=1e-12)
    assert found["spread"] == pytest.approx(np.std(errors, ddof=1), rel=1e-9)
    for one in alone[0]["baselines"]:
        assert named(outcome, one["name"])["metrics"] == one["metrics"]
    assert sum(one["is_network"] for one in outcome["models"]) == 4
    assert "4 kinds of networks with 2 seeds each, and 3 others" in done.stdout


def test_the_best_are_first_and_marked(tmp_path):
    # The change goes on, which the last value does not know.
    wave = "".join(f"{math.sin(t / 4)}\n" for t in range(200))
    source = write(tmp_path / "s.csv", f"y\n{wave}")
    outcome, done = compared(tmp_path, source, "--target", "y", *SMALL, "--truncation", "2,4")
    models = outcome["models"]
    errors = [one["metrics"]["MAE"] for one in models]
    assert errors == sorted(errors)
    other = min(one["metrics"]["MAE"] for one in models if not one["is_network"])
    for one in models:
        better = one["is_network"] and one["metrics"]["MAE"] + one["spread"] < other
        assert one["is_better"] is better
        assert f"{'*' if better else ' '} {one['name']} " in done.stdout
    assert models[0]["is_better"]


def test_the_last_line_plays_the_winner_again(tmp_path, source):
    args = [source, "--target", "y", "--drop", "a", *SMALL, "--truncation", "2", "--seeds", 1]
    outcome, done = compared(tmp_path, *args)
    words = shlex.split(done.stdout.splitlines()[-1])
    assert words[:2] == ["streamrnn", "replay"]
    again = metrics_of(tmp_path, *words[2:])
    best = next(one for one in outcome["models"] if one["is_network"])
    assert again["model"]["metrics"] == best["metrics"]


def test_jobs_change_no_number(tmp_path, source):
    args = [source, "--target", "y", *SMALL, "--truncation", "2,4"]
    one, _ = compared(tmp_path, *args, "--jobs", 1)
    four, _ = compared(tmp_path, *args, "--jobs", 4)
    metrics = [
        {m["name"]: (m["metrics"], m["spread"]) for m in outcome["models"]}
        for outcome in (one, four)
    ]
    assert metrics[0] == metrics[1]


def test_guests_from_river(tmp_path, source):
    args = [source, "--target", "y", *SMALL, "--truncation", 2, "--seeds", 1]
    outcome, done = compared(tmp_path, *args, "--river", "HoeffdingTreeRegressor,PARegressor")
    assert math.isfinite(named(outcome, "HoeffdingTreeRegressor")["metrics"]["MAE"])
    assert named(outcome, "PARegressor")["memory_bytes"] > 0
    assert "One seed tells no spread" in done.stdout


def test_labels(tmp_path):
    source = write(tmp_path / "s.csv", "a,y\n" + "0,up\n1,down\n0,up\n2,flat\n" * 30)
    args = [source, "--target", "y", *SMALL, "--truncation", 2, "--seeds", 2]
    args += ["--river", "PAClassifier", "--chart", tmp_path / "c.svg"]
    outcome, _ = compared(tmp_path, *args)
    accuracies = [one["metrics"]["accuracy"] for one in outcome["models"]]
    assert accuracies == sorted(accuracies, reverse=True)
    # It knows two classes only, and plays one against the rest.
    assert named(outcome, "PAClassifier")["metrics"]["accuracy"] > 0.5


class Failing:
    """A model that cannot go on."""

    def predict_one(self, x):
        raise KeyError("a")

    learn_one = predict_one


def test_a_guest_that_fails_is_told_and_ends_nothing():
    from streamrnn_cli.blocks import Block

    told = []
    guest = Guest("Failing", Failing(), Lags("y", 1), told.append)
    block = Block(("a",), np.zeros((3, 1)), np.zeros(3), range(7, 10))
    assert np.isnan(guest.play(block)).all()
    assert np.isnan(guest.play(block)).all()
    assert told == ["Failing gave up in row 7 or soon after (KeyError: 'a')."]


def test_charts(tmp_path, source):
    odd = tmp_path / "5$\\b$.csv"  # no mathematics in the title
    shutil.copy(source, odd)
    args = [odd, "--target", "y", *SMALL, "--truncation", "2", "--seeds", 2]
    png, svg = tmp_path / "c.png", tmp_path / "c.svg"
    compared(tmp_path, *args, "--chart", png)
    head = png.read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    assert struct.unpack(">II", head[16:])[0] > 1000
    compared(tmp_path, *args, "--chart", svg)
    assert "<svg" in svg.read_text()


def test_what_is_beyond_numbers_is_last_and_drawn(tmp_path):
    source = write(tmp_path / "s.csv", "y\n1e300\n-1e300\n1e305\n5\n7\n")
    args = [source, *SMALL, "--truncation", 2, "--chart", tmp_path / "c.png"]
    outcome, done = compared(tmp_path, *args)
    assert "column 'y' is the target" in done.stderr
    assert all(one["metrics"]["MAE"] is None for one in outcome["models"])
    assert "  rnn  " in done.stdout
    assert "No network is better" in done.stdout


@pytest.mark.parametrize(
    ("said", "args"),
    [
        ("2 x 3 = 6 networks are more than 5", ["--truncation", "2,3,4", "--most", 5]),
        ("did you mean 'lstm'", ["--cell", "lstn"]),
        ("'0' is not a whole number from 1 on", ["--hidden-size", "4,0"]),
        ("'' is not a name", ["--cell", "gru,"]),
        ("'-1' is not a number more than 0", ["--lr", "0.1,-1"]),
        ("River has no model 'AMRule'. Did you mean 'AMRules'?", ["--river", "AMRule"]),
        ("KNNClassifier is no regressor", ["--river", "KNNClassifier"]),
        ("BaggingRegressor cannot be made without arguments", ["--river", "BaggingRegressor"]),
        ("must end in .png or .svg", ["--chart", "c.gif"]),
        ("cannot write", ["--chart", "no/such/c.png"]),
    ],
)
def test_what_cannot_be(source, said, args):
    done = invoke("compare", source, "--target", "y", "--truncation", "2", *args)
    assert done.exit_code == 2
    assert said in done.stderr.splitlines()[-1]


def test_a_curve_of_any_length_is_the_mean():
    curve = Curve()
    errors = np.arange(5000.0)
    curve.add(errors)
    assert len(curve) < MOST
    ends, means = curve.means(len(curve))
    assert means[-1] == pytest.approx(errors[: ends[-1]].mean())
    ends, means = curve.means(1)
    assert means[3] == pytest.approx(errors[ends[2] : ends[3]].mean())
