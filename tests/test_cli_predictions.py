"""The file of predictions: its columns, and that it is whole or not there."""

import csv
import gzip
import io
import json
import os
import stat

import pytest
from cli_helpers import Spy, replay, use_spy, write
from river import datasets

TEXT = "when,a,y\nmon,1,10\ntue,x,12\nwed,3,\nthu,4,11.5\n"


@pytest.fixture(autouse=True)
def spies(monkeypatch):
    return use_spy(monkeypatch)


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "s.csv", TEXT)


def test_csv(tmp_path, source):
    path = tmp_path / "p.csv"
    args = [source, "--target", "y", "--time", "when", "--on-error", "skip", "-q"]
    assert replay(*args, "--predictions", path).exit_code == 0
    # The rows keep the numbers they have in the source.
    assert path.read_text() == (
        "row,time,target,prediction\n1,mon,10.0,0.0\n3,wed,,10.0\n4,thu,11.5,10.0\n"
    )


def test_jsonl(tmp_path, source):
    path = tmp_path / "p.jsonl"
    args = [source, "--target", "y", "--drop", "when,a", "-q", "--predictions", path]
    assert replay(*args).exit_code == 0
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"row": 1, "target": 10.0, "prediction": 0.0},
        {"row": 2, "target": 12.0, "prediction": 10.0},
        {"row": 3, "target": None, "prediction": 12.0},
        {"row": 4, "target": 11.5, "prediction": 12.0},
    ]


def test_labels(tmp_path):
    source = write(tmp_path / "s.csv", "y\nup\n?\n\x22do,wn\x22\n")
    path = tmp_path / "p.csv"
    assert replay(source, "--target", "y", "--predictions", path).exit_code == 0
    assert path.read_text() == 'row,target,prediction\n1,up,\n2,,up\n3,"do,wn",up\n'


def test_water_flow_has_its_times(tmp_path):
    path = tmp_path / "p.csv.gz"
    assert replay("--predictions", path).exit_code == 0
    with gzip.open(path, "rt") as file:
        rows = list(csv.DictReader(file))
    data = list(datasets.WaterFlow())
    assert len(rows) == 1268
    assert [float(row["target"]) for row in rows] == [y for _, y in data]
    assert [row["time"] for row in rows] == [x["Time"].isoformat() for x, _ in data]
    assert [float(row["prediction"]) for row in rows[1:]] == [y for _, y in data[:-1]]


def test_standard_output(source):
    args = [source, "--target", "y", "--time", "when", "--on-error", "skip"]
    result = replay(*args, "--predictions", "-")
    assert [row[0] for row in csv.reader(io.StringIO(result.stdout))] == ["row", "1", "3", "4"]
    assert "last value" in result.stderr
    assert replay(*args, "--predictions", "-", "--quiet").stderr == ""


def test_an_escaped_surrogate_does_not_end_the_run(tmp_path):
    source = write(tmp_path / "s.jsonl", '{"y": "\\ud800"}\n{"y": "b"}\n')
    path = tmp_path / "p.csv"
    assert replay(source, "--target", "y", "--predictions", path).exit_code == 0
    assert "\\ud800" in path.read_text()


class TestWholeOrNotAtAll:
    @pytest.fixture
    def long(self, tmp_path):
        """A file whose error comes after several blocks have been written."""
        return write(tmp_path / "s.csv", "a,y\n" + "1,2\n" * 5000 + "x,2\n")

    @pytest.mark.parametrize("name", ["p.csv", "p.jsonl.xz"])
    def test_an_error_leaves_the_old_file(self, tmp_path, long, name):
        path = write(tmp_path / name, "old")
        assert replay(long, "--target", "y", "--predictions", path).exit_code == 3
        assert path.read_text() == "old"
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "s.csv"])

    def test_an_error_leaves_no_new_file(self, tmp_path, long):
        assert replay(long, "--target", "y", "--predictions", tmp_path / "p.csv").exit_code == 3
        assert [p.name for p in tmp_path.iterdir()] == ["s.csv"]

    def test_the_old_file_is_there_until_the_end(self, tmp_path, monkeypatch):
        path = write(tmp_path / "p.csv", "old")
        seen = []

        class Looking(Spy):
            def replay(self, X, y, features):
                seen.append(path.read_text())
                return super().replay(X, y, features)

        monkeypatch.setattr("streamrnn_cli.session.build_network", lambda *_: Looking())
        assert replay("--predictions", path).exit_code == 0
        assert seen == ["old", "old"]
        assert path.read_text().startswith("row,")

    def test_a_folder_of_that_name_made_meanwhile(self, tmp_path, monkeypatch):
        path = tmp_path / "p.csv"

        class Making(Spy):
            def replay(self, X, y, features):
                path.mkdir(exist_ok=True)
                return super().replay(X, y, features)

        monkeypatch.setattr("streamrnn_cli.session.build_network", lambda *_: Making())
        result = replay("--predictions", path)
        assert result.exit_code == 3
        assert "cannot be replaced" in result.stderr
        assert [p.name for p in tmp_path.iterdir()] == ["p.csv"]

    def test_permissions(self, tmp_path, source):
        args = [source, "--target", "y", "--drop", "a,when"]
        old = write(tmp_path / "old.csv", "")
        old.chmod(0o640)
        new = tmp_path / "new.csv"
        umask = os.umask(0o022)
        try:
            assert replay(*args, "--predictions", old).exit_code == 0
            assert replay(*args, "--predictions", new).exit_code == 0
        finally:
            os.umask(umask)
        assert stat.S_IMODE(old.stat().st_mode) == 0o640
        assert stat.S_IMODE(new.stat().st_mode) == 0o644

    def test_a_link_stays_a_link(self, tmp_path, source):
        (tmp_path / "real").mkdir()
        target = write(tmp_path / "real" / "p.csv", "old")
        link = tmp_path / "p.csv"
        link.symlink_to(target)
        args = [source, "--target", "y", "--drop", "a,when"]
        assert replay(*args, "--predictions", link).exit_code == 0
        assert link.is_symlink()
        assert target.read_text().startswith("row,")

    @pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
    def test_a_full_disk(self, tmp_path, long):
        link = tmp_path / "p.csv"
        link.symlink_to("/dev/full")
        result = replay(long, "--target", "y", "--limit", 5000, "--predictions", link)
        assert result.exit_code == 3
        assert result.stderr.splitlines()[-1] == (
            f"Error: {link}: cannot be written (No space left on device)."
        )
        assert link.exists()
