"""Tables out of spreadsheets: what is wrong with them is said, and how to put it right."""

import pytest
from cli_helpers import invoke, write

COMMAS = "load;temp\n" + "".join(f"2{i},5;1{i},5\n" for i in range(9))


def complaint(*args) -> str:
    result = invoke(*args)
    assert result.exit_code == 3, result.output
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    return result.stderr.splitlines()[-1]


@pytest.mark.parametrize("text", [COMMAS, 'load\n"1,020.5"\n"1,021.5"\n'])
def test_numbers_with_commas_are_no_labels(tmp_path, text):
    said = complaint("replay", write(tmp_path / "s.csv", text), "--target", "load")
    assert "is not a number. Numbers have a decimal point" in said
    assert said.endswith("If these are labels: --task classification.")


def test_a_feature_with_commas(tmp_path):
    path = write(tmp_path / "s.csv", COMMAS.replace(",5;", ";"))
    said = complaint("replay", path, "--target", "load")
    assert "column 'temp': '10,5' is not a number. Numbers have a decimal point" in said
    assert "--encode" not in said


def test_labels_with_commas_can_be_asked_for(tmp_path):
    path = write(tmp_path / "s.csv", "load\n" + '"1,2"\n"2,3"\n' * 8)
    given = ["--cell", "rnn", "--hidden-size", "3", "--baselines", "none"]
    result = invoke("replay", path, "--target", "load", "--task", "classification", *given)
    assert result.exit_code == 0, result.output


def test_a_forecast_of_words_names_no_option_that_is_not_there(tmp_path):
    path = write(tmp_path / "s.csv", "load\nup\ndown\n")
    said = complaint("forecast", path, "--target", "load")
    assert "choose another --target" in said
    assert "--task" not in said


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("10,20\n11,21\n", "The first line must be the names of the columns"),
        ("sep=;\ntemp;load\n1;2\n", "remove it: tail -n +2"),
        ("temp|load\n1|2\n", "must separate the columns: tr '|' ';'"),
    ],
)
def test_what_is_no_header(tmp_path, text, remedy):
    assert remedy in complaint("replay", write(tmp_path / "s.csv", text), "--target", "load")


def test_one_row_is_one_row(tmp_path):
    given = ["--cell", "rnn", "--hidden-size", "3", "--baselines", "none"]
    path = write(tmp_path / "s.csv", "load,a\n1,2\n")
    assert ", 1 row, 0 scored" in invoke("replay", path, "--target", "load", *given).stdout


def test_a_checkpoint_that_is_there_is_not_begun_anew(tmp_path):
    path = write(tmp_path / "s.csv", "load,a\n1,2\n3,4\n")
    given = ["--cell", "rnn", "--hidden-size", "3", "--checkpoint", tmp_path / "run.ckpt"]
    run = ["replay", path, "--target", "load", *given]
    assert invoke(*run).exit_code == 0
    kept = (tmp_path / "run.ckpt").read_bytes()
    refused = invoke(*run)
    assert refused.exit_code == 2
    assert "is there already: --resume goes on from it" in refused.stderr
    assert (tmp_path / "run.ckpt").read_bytes() == kept
    assert invoke(*run, "--resume").exit_code == 0


def test_if_no_row_can_be_read_the_first_reason_is_told(tmp_path):
    path = write(tmp_path / "s.jsonl", "1.5\n2.5\n")
    said = complaint("replay", path, "--target", "load", "--on-error", "skip")
    assert "none of the first 2 rows can be used. The first: " in said
    assert "line 1: not an object but 1.5" in said
