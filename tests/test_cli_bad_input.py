"""Bad input ends with one line that says what, where and how to put it right, and with code 3."""

import gzip
import json

import pytest
from cli_helpers import COMPRESS, metrics_of, replay, use_spy, write

GOOD = "a,y\n1,10\n2,12\n3,15\n"


@pytest.fixture(autouse=True)
def spies(monkeypatch):
    return use_spy(monkeypatch)


def complaint(*args, stdin=None) -> str:
    """The one line that the command ends with."""
    result = replay(*args, "--quiet", stdin=stdin)
    assert result.exit_code == 3, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    return result.stderr.removeprefix("Error: ").rstrip("\n")


class TestColumns:
    def test_missing_target(self, tmp_path):
        path = write(tmp_path / "s.csv", "flow,temperature\n1,2\n")
        assert complaint(path, "--target", "Flo") == (
            f"{path}, column 'Flo': no such column (from --target). "
            "It has 'flow', 'temperature'. Did you mean 'flow'?"
        )

    def test_missing_target_in_json(self, tmp_path):
        path = write(tmp_path / "s.jsonl", '{"a": 1}\n{"b": 2, "c": 3}\n')
        assert "It has 'a', 'b', 'c'." in complaint(path, "--target", "flow")

    def test_a_long_list_is_cut(self, tmp_path):
        path = write(tmp_path / "s.csv", ",".join(f"c{i}" for i in range(50)) + "\n1\n")
        path.write_text(path.read_text().replace("\n1\n", "\n" + ",".join("1" * 50) + "\n"))
        assert "'c11' and 38 more" in complaint(path, "--target", "y")

    def test_no_target_given(self, tmp_path):
        path = write(tmp_path / "s.csv", GOOD)
        assert complaint(path) == (
            f"{path}: which column is to be predicted? It has 'a', 'y'. Give --target COLUMN."
        )

    @pytest.mark.parametrize("option", ["--time", "--drop"])
    def test_other_missing_columns(self, tmp_path, option):
        path = write(tmp_path / "s.csv", GOOD)
        assert f"column 'b': no such column (from {option})" in complaint(
            path, "--target", "y", option, "b"
        )

    @pytest.mark.parametrize("option", ["--target", "--time", "--drop"])
    def test_the_nearest_column_is_suggested(self, tmp_path, option):
        path = write(tmp_path / "s.csv", "Stamp,flow,y\n1,2,3\n")
        for said, near in (("stmp", "Stamp"), ("FLOW", "flow")):
            line = complaint(path, "--target", "y", option, said)
            assert line.endswith(f"Did you mean {near!r}?")

    def test_twice_the_same_name(self, tmp_path):
        path = write(tmp_path / "s.csv", "a,y,a\n1,2,3\n")
        assert complaint(path, "--target", "y") == (
            f"{path}, line 1: column names that occur more than once: 'a'. "
            "Rename or remove one of them."
        )

    def test_a_column_called_like_a_lag(self, tmp_path):
        path = write(tmp_path / "s.csv", "y[t-1],y\n1,2\n")
        assert "--lags 0" in complaint(path, "--target", "y")
        assert replay(path, "--target", "y", "--lags", 0).exit_code == 0


class TestRows:
    @pytest.mark.parametrize(
        ("row", "words"),
        [
            ("4", "1 cell where the header has 2"),
            ("4,5,6", "3 cells where the header has 2"),
            ("x,5", "column 'a': 'x' is not a number. Leave it out with --drop 'a'"),
            ("2024_01,5", "column 'a': '2024_01' is not a number"),
            ("4,high", "column 'y': the target 'high' is not a number."),
            ('"4"5,1', "not CSV"),
            ("4\0,1", "a NUL byte. Is it a text file?"),
        ],
    )
    def test_csv(self, tmp_path, row, words):
        path = write(tmp_path / "s.csv", f"{GOOD}{row}\n4,5\n")
        said = complaint(path, "--target", "y", "--task", "regression")
        assert said.startswith(f"{path}, line 5")
        assert words in said

    @pytest.mark.parametrize(
        ("row", "words"),
        [
            ('{"a": 1', "not JSON (Expecting ',' delimiter at character 8)"),
            ("[1, 2]", "not an object but [1, 2]. Each line must be one JSON object"),
            ('{"a": 1, "a": 2}', "the key 'a' occurs more than once"),
            ('{"a": "x", "y": 1}', "column 'a': 'x' is not a number"),
            ('{"a": [1], "y": 1}', "column 'a': [1] is not a number"),
            ('{"a": 1, "y": {}}', "column 'y': the target {} is not a number"),
            ("[" * 100_000, "not JSON"),
            ('{"a": ' + "1" * 5000 + "}", "not JSON"),
        ],
    )
    def test_jsonl(self, tmp_path, row, words):
        path = write(tmp_path / "s.jsonl", f'{{"a": 1, "y": 1}}\n\n{row}\n{{"a": 1, "y": 2}}\n')
        said = complaint(path, "--target", "y", "--task", "regression")
        assert said.startswith(f"{path}, line 3")
        assert words in said

    def test_a_nested_label(self, tmp_path):
        path = write(tmp_path / "s.jsonl", '{"y": "u"}\n{"y": ["u"]}\n')
        assert "line 2, column 'y': ['u'] is not a label" in complaint(path, "--target", "y")

    def test_the_time_stamp_is_not_offered_twice(self, tmp_path):
        path = write(tmp_path / "s.csv", "t,z,y\n09:00,x,1\n")
        assert "(or --time 't' if it is the time stamp)" in complaint(path, "--target", "y")
        assert "--time" not in complaint(path, "--target", "y", "--time", "t")

    def test_long_cells_and_line_ends_stay_on_one_line(self, tmp_path):
        path = write(tmp_path / "s.csv", f'a,y\n"x\n{"z" * 500}",1\n')
        said = complaint(path, "--target", "y")
        assert "'x\\nzzz" in said
        assert len(said) < 300 + len(str(path))

    def test_lines_are_counted_through_quoted_line_ends(self, tmp_path):
        text = 'a,"the\ny"\n1,"\n2"\n\n2,"3\n"\n\nx,4\n'
        path = write(tmp_path / "s.csv", text)
        assert f"{path}, line 9, column 'a'" in complaint(path, "--target", "the\ny")

    def test_a_quote_that_is_never_closed(self, tmp_path):
        path = write(tmp_path / "s.csv", GOOD + '4,"5\n6,7\n8,9\n')
        said = complaint(path, "--target", "y")
        assert f"{path}, line 5: not CSV (unexpected end of data)" in said

    def test_a_huge_quoted_cell(self, tmp_path):
        path = write(tmp_path / "s.csv", GOOD + '4,"5\n' + "6,7\n" * 50_000)
        assert f"{path}, line 5: not CSV (field larger" in complaint(path, "--target", "y")

    def test_wrong_encoding(self, tmp_path):
        path = tmp_path / "s.csv"
        path.write_bytes(GOOD.encode() + "4,ä\n".encode("latin1"))
        said = complaint(path, "--target", "y")
        assert said.startswith(f"{path}, line 5: byte 0xe4 is not UTF-8.")
        assert "iconv" in said

    def test_utf_16(self, tmp_path):
        path = tmp_path / "s.csv"
        path.write_bytes(GOOD.encode("utf-16-le"))
        assert "iconv -f UTF-16" in complaint(path, "--target", "y")

    def test_a_label_among_numbers_behind_the_first_rows(self, tmp_path):
        path = write(tmp_path / "s.csv", "y\n" + "1\n" * 2000 + "up\n")
        said = complaint(path, "--target", "y")
        assert said == (
            f"{path}, line 2002, column 'y': the target 'up' is not a number. "
            "If the column holds labels: --task classification."
        )

    def test_numbers_as_labels(self, tmp_path):
        path = write(tmp_path / "s.csv", "y\n" + "".join(f"{i}\n" for i in range(1002)))
        args = [path, "--target", "y", "--task", "classification", "--lags", 0]
        assert "more than 1,000 different labels" in complaint(*args, "--limit", 1001)

    def test_no_target_to_guess_the_task_by(self, tmp_path):
        path = write(tmp_path / "s.csv", "a,y\n1,\n2,NA\n")
        assert "Give --task regression or --task classification" in complaint(path, "--target", "y")

    def test_the_first_error_of_the_file_comes_first(self, tmp_path):
        path = write(tmp_path / "s.csv", "a,y\n1,2\nx,3\n1\n")
        assert "line 3" in complaint(path, "--target", "y")


class TestFiles:
    @pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".csv.gz", ""])
    @pytest.mark.parametrize("text", ["", "\n\n"])
    def test_empty(self, tmp_path, suffix, text):
        path = write(tmp_path / f"s{suffix}", text, ".gz" if suffix.endswith("gz") else "")
        assert complaint(path, "--target", "y") == f"{path}: is empty. Give a file with rows."

    def test_empty_standard_input(self):
        said = complaint("-", "--target", "y", stdin=b"")
        assert said == "standard input: is empty. Give a file with rows."

    @pytest.mark.parametrize("name", ["s.json", "-"])
    def test_a_json_array(self, tmp_path, name):
        text = '[{"y": 1},\n {"y": 2}]'
        path = name if name == "-" else write(tmp_path / name, text)
        assert "line 1: not JSON" in complaint(path, "--target", "y", stdin=text.encode())
        text = text.replace("\n", "")
        path = name if name == "-" else write(tmp_path / name, text)
        assert "jq -c '.[]'" in complaint(path, "--target", "y", stdin=text.encode())

    def test_header_only(self, tmp_path):
        path = write(tmp_path / "s.csv", "a,y\n")
        assert "has a header, but no rows" in complaint(path, "--target", "y")

    @pytest.mark.parametrize("compression", [".gz", ".bz2", ".xz"])
    def test_truncated(self, tmp_path, compression):
        path = tmp_path / f"s.csv{compression}"
        text = "a,y\n" + "".join(f"{i},{i * i % 977}\n" for i in range(5000))
        data = COMPRESS[compression](text.encode())
        path.write_bytes(data[: len(data) // 2])
        # Not an error of a row: skipping does not help.
        for on_error in ("stop", "skip"):
            said = complaint(path, "--target", "y", "--on-error", on_error)
            assert said.startswith(f"{path}")
            assert "end too early" in said

    def test_truncated_in_the_middle_names_the_line(self, tmp_path):
        path = tmp_path / "s.csv.gz"
        text = "a,y\n" + "".join(f"{i},{i * i % 977}\n" for i in range(50_000))
        path.write_bytes(gzip.compress(text.encode())[:-20])
        said = complaint(path, "--target", "y")
        assert int(said.split("after line ")[1].split(":")[0]) > 40_000

    @pytest.mark.parametrize("compression", [".gz", ".bz2", ".xz"])
    def test_not_compressed_at_all(self, tmp_path, compression):
        path = write(tmp_path / f"s.csv{compression}", GOOD)
        assert "Is it damaged, or is its suffix wrong?" in complaint(path, "--target", "y")

    def test_damaged(self, tmp_path):
        path = tmp_path / "s.csv.gz"
        data = bytearray(gzip.compress(("a,y\n" + "1,2\n" * 9000).encode()))
        data[-8:-4] = b"\0\0\0\0"
        path.write_bytes(bytes(data))
        assert "cannot be read (CRC check failed" in complaint(path, "--target", "y")

    def test_compressed_without_saying_so(self, tmp_path):
        path = write(tmp_path / "s.csv", GOOD, ".gz")
        assert metrics_of(tmp_path, path, "--target", "y")["rows"]["used"] == 3

    def test_no_such_file(self, tmp_path):
        write(tmp_path / "flow.csv", GOOD)
        path = tmp_path / "flows.csv"
        assert complaint(path) == f"{path}: no such file. Did you mean 'flow.csv'?"
        assert complaint(tmp_path / "x" / "y") == f"{tmp_path / 'x' / 'y'}: no such file."

    def test_a_directory(self, tmp_path):
        assert f"{tmp_path}: is a directory." in complaint(tmp_path)

    def test_may_not_be_read(self, tmp_path, monkeypatch):
        path = write(tmp_path / "s.csv", GOOD)

        def refuse(*args):
            raise PermissionError(13, "Permission denied")

        # Not by chmod: the tests may run as root.
        monkeypatch.setattr("streamrnn_cli.sources.open", refuse, raising=False)
        assert f"{path}: may not be read." in complaint(path)

    @pytest.mark.parametrize(
        ("source", "words"),
        [
            ("river:waterflow", "no data set of this name. Did you mean 'WaterFlow'? Choose from"),
            ("river:", "no data set of this name. Choose from 'AirlinePassengers'"),
            ("river:base", "no data set of this name"),
            ("river:Elec2", "would have to be downloaded, which this command never does"),
            ("river:SolarFlare", "has more than one target"),
            ("rivre:WaterFlow", "no such file. Did you mean 'river:'?"),
        ],
    )
    def test_river(self, source, words):
        assert words in complaint(source)


class TestSkip:
    BAD = "a,y\n1,10\nx,1\n1\n2,12\n3,up\n\x00\n3,15\n"

    def test_counts_and_goes_on(self, tmp_path, spies):
        path = write(tmp_path / "s.csv", self.BAD)
        args = [path, "--target", "y", "--on-error", "skip", "--task", "regression"]
        outcome = metrics_of(tmp_path, *args)
        assert outcome["rows"]["skipped"] == 4
        assert outcome["rows"]["used"] == 3
        learnt = [event[2] for event in spies[0].events if event[0] == "learn"]
        assert learnt == [10, 12, 15]

    @pytest.mark.parametrize("rows", [50, 30_000])
    def test_a_quote_that_is_never_closed_costs_its_row_only(self, tmp_path, rows):
        quotes = {10: '"', 20: '"'}
        lines = [f"{i},{quotes.get(i, '')}note,{i % 5}" for i in range(rows)]
        lines[30] = '30,"two\nlines",0'
        path = write(tmp_path / "s.csv", "a,note,y\n" + "\n".join(lines) + "\n")
        args = [path, "--target", "y", "--drop", "note", "--on-error", "skip"]
        outcome = metrics_of(tmp_path, *args)["rows"]
        assert (outcome["used"], outcome["skipped"]) == (rows - 2, 2)

    def test_an_open_quote_before_an_unreadable_line(self, tmp_path):
        path = tmp_path / "s.csv"
        middle = b"".join(b"%d,%d\n" % (i, i % 3) for i in range(30))
        path.write_bytes(b'a,y\n1,"2\n' + middle + b"5,\xff\n6,1\n")
        outcome = metrics_of(tmp_path, path, "--target", "y", "--on-error", "skip")["rows"]
        assert (outcome["used"], outcome["skipped"]) == (31, 2)

    def test_a_few_words_among_the_targets_are_errors(self, tmp_path):
        path = write(tmp_path / "s.csv", "y\n" + "1\n2\n3\n4\n" * 5 + "sixty\n")
        result = replay(path, "--target", "y", "--on-error", "skip")
        assert "holds numbers: regression" in result.stderr
        assert "rows skipped 1" in result.stdout

    def test_tells_the_first_ones(self, tmp_path):
        path = write(tmp_path / "s.csv", self.BAD)
        result = replay(path, "--target", "y", "--on-error", "skip", "--task", "regression")
        lines = result.stderr.splitlines()
        assert [line.split(":")[0] for line in lines] == ["skipped"] * 3
        assert f"{path}, line 3, column 'a': 'x' is not a number" in lines[0]
        assert lines[2].endswith("Further ones are only counted.")
        assert "rows skipped 4" in result.stdout

    def test_jsonl(self, tmp_path):
        rows = ['{"y": 1}', "{", "[]", '{"y": "a"}', '{"y": 2}', '{"y": 3}\0', '{"y": 4}']
        path = write(tmp_path / "s.jsonl", "\n".join(rows))
        args = ["--target", "y", "--on-error", "skip", "--task", "regression"]
        assert metrics_of(tmp_path, path, *args)["rows"] == {
            "used": 3,
            "scored": 2,
            "skipped": 4,
            "without_target": 0,
            "missing_cells": 0,
        }

    def test_limit_counts_the_rows_used(self, tmp_path):
        path = write(tmp_path / "s.csv", self.BAD)
        args = [path, "--target", "y", "--on-error", "skip", "--limit", 2, "--task", "regression"]
        rows = metrics_of(tmp_path, *args)["rows"]
        assert (rows["used"], rows["skipped"]) == (2, 2)

    @pytest.mark.parametrize("text", ["a,y\n1\n2\n", "a,y\nx,1\ny,2\n"])
    def test_nothing_left(self, tmp_path, text):
        path = write(tmp_path / "s.csv", text)
        args = [path, "--target", "y", "--on-error", "skip"]
        assert "2 rows can be used" in complaint(*args)


def test_metrics_are_not_written_after_an_error(tmp_path):
    path = write(tmp_path / "s.csv", GOOD + "x,1\n")
    metrics = write(tmp_path / "metrics.json", json.dumps("old"))
    complaint(path, "--target", "y", "--metrics-json", metrics)
    assert json.loads(metrics.read_text()) == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["metrics.json", "s.csv"]
