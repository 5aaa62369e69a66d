"""Rows that cannot be used, kept with line and reason for whoever mends them."""

import csv
import json

import pytest
from cli_helpers import replay, write
from crash_helpers import SMALL, cases


def letters(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_row_is_used_or_kept(tmp_path):
    """What is in neither file is lost; what was kept is as it stood in the source."""
    case = cases(200)["dead letters"]
    out = tmp_path / "out"
    out.mkdir()
    assert replay(*case.command(tmp_path, out)).exit_code == 0
    kept = letters(out / "dead.jsonl")
    with open(out / "p.csv", newline="") as file:
        used = {int(row["row"]) + 1 for row in csv.DictReader(file)}
    lost = {one["line"] for one in kept}
    assert len(kept) == len(lost) > 20
    assert used | lost == set(range(2, 202))
    assert not used & lost
    lines = case.text.splitlines()
    for one in kept:
        text = one["row"]
        if isinstance(text, dict):
            text = ",".join(text.values())
        assert text.rstrip("\n").replace("\\xff", "\udcff") == lines[one["line"] - 1]
        assert f"line {one['line']}" in one["reason"]
        assert "\n" not in one["reason"]


def test_mended_rows_can_be_used(tmp_path):
    source = write(tmp_path / "s.csv", "a,y\n1,2\nx,3\n2,4\n")
    dead = tmp_path / "dead.jsonl"
    args = ["--target", "y", "--task", "regression", *SMALL]
    assert replay(source, *args, "--dead-letter", dead).exit_code == 0
    (letter,) = letters(dead)
    assert letter["line"] == 3
    assert letter["row"] == {"a": "x", "y": "3"}
    mended = write(tmp_path / "m.jsonl", json.dumps(letter["row"] | {"a": 1.5}) + "\n")
    assert replay(mended, *args).exit_code == 0


def test_none_is_an_empty_file(tmp_path):
    source = write(tmp_path / "s.csv", "a,y\n1,2\n")
    dead = write(tmp_path / "dead.jsonl", "from an older run\n")
    assert replay(source, "--target", "y", *SMALL, "--dead-letter", dead).exit_code == 0
    assert dead.read_text() == ""


@pytest.mark.parametrize(
    ("name", "code"), [("dead.jsonl.gz", 2), ("s.csv", 2), ("no/dead.jsonl", 2)]
)
def test_places_where_they_cannot_be(name, code, tmp_path):
    source = write(tmp_path / "s.csv", "a,y\n1,2\n")
    result = replay(source, "--target", "y", *SMALL, "--dead-letter", tmp_path / name)
    assert result.exit_code == code
    assert "Traceback" not in result.stderr
    assert source.read_text() == "a,y\n1,2\n"
