"""Features of words and times: River's own, and those of the library."""

import csv
import datetime
import json

import pytest
from cli_helpers import replay, write
from crash_helpers import SMALL, cases
from river import preprocessing

from streamrnn import RNNRegressor
from streamrnn.estimators.cycles import checked_cycles, with_cycles


def predictions(tmp_path, source, *args):
    path = tmp_path / "p.csv"
    result = replay(source, "--target", "y", *SMALL, *args, "--predictions", path, "--quiet")
    assert result.exit_code == 0, result.output
    with open(path, newline="") as file:
        return [float(row["prediction"]) for row in csv.DictReader(file)]


def by_hand(rows):
    """What a loop over samples and targets predicts."""
    model, made = RNNRegressor(hidden_size=4, truncation=8), []
    for x, y in rows:
        made.append(model.predict_one(x))
        model.learn_one(x, y)
    return made


def test_one_hot_is_rivers(tmp_path):
    """New words come late, some are missing; what is not a word of now is 0."""
    case = cases(80)["words and times"]
    encoder, rows = preprocessing.OneHotEncoder(), []
    for row in csv.DictReader(case.text.splitlines()):
        words = {name: row[name] for name in ("weather", "city") if row[name]}
        encoder.learn_one(words)
        made = encoder.transform_one(words)
        rows.append(({"a": float(row["a"]), **made}, float(row["y"])))
    source = case.write(tmp_path)
    expected = by_hand(rows)
    for given in (["--encode", "weather", "--encode", "city"], ["--encode", "onehot"]):
        assert predictions(tmp_path, source, "--drop", "when", *given) == expected


def test_hashes_are_rivers(tmp_path):
    case = cases(60)["words and times"]
    hasher, rows = preprocessing.FeatureHasher(n_features=3, seed=0), []
    for row in csv.DictReader(case.text.splitlines()):
        hashed = hasher.transform_one({row["city"]: 1})
        made = {f"city#{i}": float(hashed.get(i, 0)) for i in range(3)}
        rows.append(({"a": float(row["a"]), **made}, float(row["y"])))
    args = ["--drop", "when,weather", "--encode", "city=hash:3"]
    assert predictions(tmp_path, case.write(tmp_path), *args) == by_hand(rows)


@pytest.mark.parametrize("spelt", ["iso", "s", "ms"])
def test_the_calendar_is_with_cycles(spelt, tmp_path):
    start = datetime.datetime(2023, 11, 14, 22, 13)
    cycles, rows, lines = checked_cycles([("day", 1), ("week", 2)]), [], ["when,y"]
    for i in range(50):
        moment = start + datetime.timedelta(hours=7 * i)
        seconds = int(moment.replace(tzinfo=datetime.UTC).timestamp())
        text = {"iso": moment.isoformat(), "s": seconds, "ms": 1000 * seconds}[spelt]
        lines.append(f"{text},{i % 5}")
        made = with_cycles({"when": moment}, cycles)
        rows.append(({" ".join(map(str, k)): v for k, v in made.items()}, float(i % 5)))
    source = write(tmp_path / "s.csv", "\n".join(lines) + "\n")
    # Only what cannot be a number is taken for the time without being told.
    told = [] if spelt == "iso" else ["--time", "when"]
    args = ["--calendar", "day", "--calendar", "week:2", *told]
    assert predictions(tmp_path, source, *args) == by_hand(rows)


def test_too_many_words(tmp_path):
    rows = "".join(f"w{i},{i % 3}\n" for i in range(1001))
    source = write(tmp_path / "s.csv", "word,y\n" + rows)
    result = replay(source, "--target", "y", *SMALL, "--encode", "word")
    assert result.exit_code == 3
    assert "column 'word': more than 1,000 different words" in result.stderr
    assert "--encode word=hash" in result.stderr
    assert replay(source, "--target", "y", *SMALL, "--encode", "word=hash").exit_code == 0


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["--encode", "wrd"], 3, "no such column (from --encode)"),
        (["--encode", "word=hash:0"], 2, "with N from 1 to 1000"),
        (["--encode", "word=no"], 2, "say COLUMN, COLUMN=onehot"),
        (["--encode", "word", "--calendar", "day"], 2, "give --time COLUMN"),
        ([], 3, "--encode 'word'"),
    ],
)
def test_mistakes(given, code, said, tmp_path):
    source = write(tmp_path / "s.csv", "word,y\nfog,1\nsun,2\n")
    result = replay(source, "--target", "y", *SMALL, *given)
    assert result.exit_code == code
    assert said in result.stderr


def test_a_cell_that_is_no_time_or_word(tmp_path):
    rows = [{"t": "2024-01-01", "w": "fog", "y": 1}, {"t": "soon", "w": "fog", "y": 1}]
    rows += [{"t": "2024-01-02", "w": ["fog"], "y": 1}, {"t": None, "w": None, "y": 2}]
    source = write(tmp_path / "s.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    args = [source, "--target", "y", *SMALL, "--time", "t", "--calendar", "day", "--encode", "w"]
    dead = tmp_path / "dead.jsonl"
    assert replay(*args, "--dead-letter", dead).exit_code == 0
    reasons = [json.loads(line)["reason"] for line in dead.read_text().splitlines()]
    assert [reason.split(": ", 1)[1].split(".")[0] for reason in reasons] == [
        "'soon' is no time for --calendar",
        "['fog'] is no word",
    ]


def test_rows_without_any_words(tmp_path):
    """As JSON may have them, the first ones, too: River's encoder knows none before it sees one."""
    rows = [{"a": i / 7, "y": i} | ({"w": f"x{i % 2}"} if i % 3 else {}) for i in range(12)]
    source = write(tmp_path / "s.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    encoder, samples = preprocessing.OneHotEncoder(), []
    for row in rows:
        word = {"w": row["w"]} if "w" in row else {}
        encoder.learn_one(word)
        samples.append(({"a": row["a"]} | encoder.transform_one(word), float(row["y"])))
    assert predictions(tmp_path, source, "--encode", "w") == by_hand(samples)
