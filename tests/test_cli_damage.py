"""What the user, the disk or time did to a checkpoint and its files: one line, and nothing lost."""

import io
import json
import os
import random
import zipfile

import pytest
from cli_helpers import replay, write
from crash_helpers import SMALL, cases, outcome, unbroken

CASES = cases(60)


@pytest.fixture
def run(tmp_path):
    """A run that has ended at row 40, and its arguments."""
    case = CASES["csv"]
    out = tmp_path / "out"
    out.mkdir()
    args = case.command(tmp_path, out, "--checkpoint", out / "run")
    result = replay(*args, "--limit", 40)
    assert result.exit_code == 0, result.output
    return Run(case, tmp_path, out, args)


class Run:
    def __init__(self, case, folder, out, args):
        self.case = case
        self.folder = folder
        self.out = out
        self.args = args
        self.checkpoint = out / "run"

    def resume(self, *more):
        return replay(*self.args, "--resume", *more)

    def refused(self, *more, code=3):
        """The message of a run that refuses to go on; it has changed nothing."""
        before = {p.name: p.read_bytes() for p in self.out.iterdir()}
        result = self.resume(*more)
        assert result.exit_code == code, result.output
        assert {p.name: p.read_bytes() for p in self.out.iterdir()} == before
        assert result.stderr.count("\n") <= (1 if code == 3 else 4), result.stderr
        return result.stderr

    def document(self):
        with zipfile.ZipFile(self.checkpoint) as archive:
            return json.loads(archive.read("run.json"))

    def put(self, document):
        """Put another document into the checkpoint, with its checksum and all."""
        with zipfile.ZipFile(self.checkpoint) as archive:
            model = archive.read("model.safetensors")
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("model.safetensors", model)
            archive.writestr("run.json", json.dumps(document))
        self.checkpoint.write_bytes(made.getvalue())


def test_it_goes_on(run):
    assert run.resume().exit_code == 0
    assert outcome(run.out) == unbroken(run.case, run.folder)


def test_without_a_checkpoint_it_begins(run):
    run.checkpoint.unlink()
    assert run.resume().exit_code == 0
    assert outcome(run.out) == unbroken(run.case, run.folder)


def test_bytes_that_changed(run):
    """Every region of the file: all of its ends and heads, and places between them."""
    whole = run.checkpoint.read_bytes()
    rng = random.Random(1)
    places = {*range(0, 120), *range(len(whole) - 200, len(whole))}
    places |= set(rng.sample(range(len(whole)), 150))
    refused = 0
    for place in sorted(places):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << rng.randrange(8)
        refused += harmless_or_refused(run, bytes(spoilt))
    # What no one reads may change: dates, attributes, versions.
    assert refused > 0.75 * len(places)


def test_bytes_that_are_missing_or_more(run):
    whole = run.checkpoint.read_bytes()
    rng = random.Random(2)
    for length in [*range(0, 8), *rng.sample(range(len(whole)), 40), len(whole) - 1]:
        assert harmless_or_refused(run, whole[:length])
    for _ in range(20):
        a, b = sorted(rng.sample(range(len(whole)), 2))
        assert harmless_or_refused(run, whole[:a] + whole[b:])
        assert harmless_or_refused(run, whole[:a] + rng.randbytes(b - a) + whole[b:])


def harmless_or_refused(run, content):
    """Whether a checkpoint is refused in one line; otherwise what it says must be the same."""
    from streamrnn_cli import checkpoint
    from streamrnn_cli.errors import DataError

    good, document = checkpoint.load(str(run.checkpoint))
    path = run.folder / "spoilt"
    path.write_bytes(content)
    try:
        model, found = checkpoint.load(str(path))
    except DataError as error:
        message = error.format_message()
        assert "\n" not in message
        assert message.startswith(f"{path}: is no checkpoint that can be used (")
        return True
    assert (model.to_bytes(), found) == (good.to_bytes(), document)
    return False


def test_a_damaged_checkpoint_changes_nothing(run):
    content = bytearray(run.checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    run.checkpoint.write_bytes(content)
    assert "is no checkpoint that can be used (" in run.refused()


#: What a mutation puts in place of a value.
STRANGE = (None, -1, 1e99, "x", [], {}, [[]], {"a": 1}, True)


def places(value, path=()):
    """The paths to all values in a document."""
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(inner, (*path, key))


def changed(document, path, strange):
    """A copy with something else in one place; nothing at all there if `strange` is ..."""
    made = json.loads(json.dumps(document))
    inner = made
    for key in path[:-1]:
        inner = inner[key]
    if strange is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = strange
    return made


@pytest.mark.parametrize("name", ["csv", "words and times", "late targets"])
def test_documents_that_lie(name, tmp_path, monkeypatch):
    """With right checksums: whatever JSON can say is refused in one line, or harmless."""
    case = CASES[name]
    out = tmp_path / "out"
    out.mkdir()
    args = case.command(tmp_path, out, "--checkpoint", out / "run")
    assert replay(*args, "--limit", 40).exit_code == 0
    run = Run(case, tmp_path, out, args)
    document = run.document()
    kept = {p.name: p.read_bytes() for p in out.iterdir()}
    rng = random.Random(name + "1")
    paths = [path for path in places(document) if path]
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    for path in rng.sample(paths, 30):
        for strange in (..., *rng.sample(STRANGE, 1)):
            for file, content in kept.items():
                (out / file).write_bytes(content)
            run.put(changed(document, path, strange))
            result = run.resume("--limit", 41)
            assert result.exit_code in (0, 2, 3), (path, strange, result.output)


def test_a_later_format(run):
    document = run.document()
    run.put(document | {"format": 2, "streamrnn": "9.9.9"})
    assert "has format 2" in run.refused()


@pytest.mark.parametrize(
    ("option", "value"),
    [("--lr", 0.5), ("--target", "a"), ("--hidden-size", 5), ("--task", "classification")],
)
def test_other_options(run, option, value):
    assert f"{option} was " in run.refused(option, value, code=2)


def test_predictions_that_are_gone_or_shorter(run):
    path = run.out / "p.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert "is shorter than the" in run.refused()
    path.unlink()
    assert "is gone" in run.refused()
    path.write_bytes(whole + b"more")
    assert run.resume().exit_code == 0
    assert outcome(run.out) == unbroken(run.case, run.folder)


def test_another_file_is_not_cut(run):
    """As after a slip of the finger: what would be behind the cut is somebody's work."""
    other = run.out / "other.csv"
    other.write_text("row,target,prediction\n" + "1,2,3\n" * 10_000)
    before = other.read_bytes()
    said = run.refused("--predictions", other)
    assert "does not begin as the file that the checkpoint knows of" in said
    assert other.read_bytes() == before


def test_a_source_that_is_shorter_or_another_one(run):
    path = run.folder / "s.csv"
    whole = path.read_text()
    path.write_text("".join(whole.splitlines(keepends=True)[:30]))
    assert "had been read from it before" in run.refused()
    path.write_text(whole.replace("2024", "24", 3))
    assert "changed" in run.refused()
    path.write_text(whole.replace("2024", "1999"))
    assert "changed" in run.refused()
    path.unlink()
    assert "no such file" in run.refused()


def test_another_data_set_of_rivers(tmp_path):
    args = [*SMALL, "--checkpoint", tmp_path / "run", "--quiet"]
    assert replay("river:WaterFlow", "--limit", 20, *args).exit_code == 0
    result = replay("river:AirlinePassengers", *args, "--resume")
    assert result.exit_code == 3
    assert "river:WaterFlow" in result.stderr


def test_a_source_that_has_grown(run):
    path = run.folder / "s.csv"
    whole = path.read_text()
    expected = unbroken(run.case, run.folder)
    path.write_text("".join(whole.splitlines(keepends=True)[:50]))
    assert run.resume().exit_code == 0
    path.write_text(whole)
    assert run.resume().exit_code == 0
    assert outcome(run.out) == expected


def test_places_where_no_checkpoint_can_be(tmp_path):
    source = write(tmp_path / "s.csv", "a,y\n" + "1,2\n" * 5)
    args = [source, "--target", "y", *SMALL, "--quiet"]
    folder = replay(*args, "--checkpoint", tmp_path)
    assert folder.exit_code == 3
    assert folder.stderr.startswith(f"Error: {tmp_path}: the checkpoint cannot be written")
    below = replay(*args, "--checkpoint", source / "run")
    assert below.exit_code == 3
    assert "Not a directory" in below.stderr
    assert replay(*args, "--checkpoint", tmp_path, "--resume").exit_code == 3
    nowhere = replay(*args, "--checkpoint", tmp_path / "run", "--predictions", source / "p.csv")
    assert nowhere.exit_code == 2
    assert "cannot write" in nowhere.stderr
    assert os.listdir(tmp_path) == ["s.csv"]


def test_resume_needs_a_place(tmp_path):
    result = replay("--resume")
    assert result.exit_code == 2
    assert "--checkpoint FILE" in result.stderr
