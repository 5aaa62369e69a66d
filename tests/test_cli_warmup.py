"""``streamrnn warmup``: what it compiles is all that a later process needs."""

import ctypes
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner
from streamrnn_cli.main import commands

import streamrnn
from streamrnn import losses

ONE = ["--cell", "rnn", "--task", "regression"]
EVERY_WAY = [*ONE, "--wide", "--shared"]
#: This head is compiled sooner than the default one, and its weights can be shared.
SKIP = ["--head", "linear_skip"]

USE = """
import os, streamrnn
kind = {"cell": "rnn", "head": "linear_skip"}
model = streamrnn.RNNRegressor(**kind, hidden_size=5, num_layers=2, truncation=3)
for t in range(20):
    model.predict_one({"a": t % 3})
    model.learn_one({"a": t % 3}, t % 5)
model.replay([[1.0], [2.0]], [1.0, 2.0], features=["a"])
streamrnn.RNNRegressor(**kind, hidden_size=300, truncation=2).learn_one({"a": 1.0}, 1.0)
fleet = streamrnn.KeyedModel(model.clone(), key="id", weights="shared")
fleet.predict_one({"id": 7, "a": 1.0})  # of a new model: its own code
fleet.learn_one({"id": 7, "a": 1.0}, 1.0)
try:
    open(os.path.join(os.environ["NUMBA_CACHE_DIR"], "new"), "w")
except PermissionError:
    info = streamrnn.cache_info()
    print(info.hits, info.misses, *info.files)
"""


def refused(*args):
    result = CliRunner().invoke(commands, ["warmup", *map(str, args)])
    assert result.exit_code == 2
    assert result.output.count("Error: ") == 1
    return result.output.splitlines()[-1]


def warmup(*args, **variables):
    command = [sys.executable, "-m", "streamrnn_cli", "warmup", *map(str, args)]
    env = os.environ | variables
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def modes_count():
    """Let the modes of files count for root, too: run before a new process begins."""
    drop_from_bounding_set, dac_override = 24, 1
    assert ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override, 0, 0, 0) == 0


def contents(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_a_later_process_compiles_nothing_in_a_folder_that_it_cannot_write(tmp_path):
    code = tmp_path / "some" / "code"
    first = warmup(*EVERY_WAY, *SKIP, "--cache-dir", code)
    assert first.returncode == 0, first.stderr
    lines = first.stdout.splitlines()
    for line, way in zip(lines, ["", ", wide", ", shared weights"], strict=False):
        assert line.startswith(f"rnn, huber, linear_skip, adam, stored, float32{way}: ")
        assert line.endswith(" s")
    assert lines[3].startswith("3 configurations, 3 compiled, ")
    assert lines[4].startswith(f"The code lies in {code}, ")
    assert lines[5] == f"To use it: NUMBA_CACHE_DIR={code}"
    assert "processors of type" in first.stderr
    before = contents(code)
    assert {path.suffix for path in before} == {".nbi", ".nbc"}

    again = warmup(*ONE, *SKIP, "--cache-dir", code)
    told = again.stdout.splitlines()[0]
    assert told == "rnn, huber, linear_skip, adam, stored, float32: already compiled"

    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if is_root and sys.platform != "linux":
        pytest.skip("root may write everywhere")
    for path in [code, *code.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", USE],
        env=os.environ | {"NUMBA_CACHE_DIR": str(code), "STREAMRNN_NUM_THREADS": "2"},
        preexec_fn=modes_count if is_root else None,
        capture_output=True,
        text=True,
        check=False,
    )
    for path in [code, *code.rglob("*")]:
        path.chmod(0o755)
    assert done.stderr == ""
    hits, misses, *files = done.stdout.split()
    assert (hits, misses, sorted(files)) == ("3", "0", sorted(map(str, before)))
    assert contents(code) == before


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--cell", "lstmm"], "--cell='lstmm' is unknown (did you mean 'lstm'?)"),
        (
            ["--loss", "cross"],
            "--loss='cross' is unknown; known: 'absolute', 'binary_cross_entropy'",
        ),
        (["--optimizer", "adamm"], "--optimizer='adamm' is unknown"),
        (["--head", "linearr"], "--head='linearr' is unknown (did you mean 'linear'?)"),
        ([*ONE, "--shared", "--head", "rls"], "--head='rls' keeps a memory of its own"),
        (["--activations", "kept"], "--activations='kept' is unknown"),
        (["--dtype", "float16"], "--dtype='float16' is unknown"),
        (["--task", "regression", "--loss", "logistic"], "--loss='logistic' is for classification"),
        (["--cell", "rnn", "--cell", "none"], "--cell='none' is unknown"),
    ],
)
def test_wrong_names_are_told_before_anything_is_compiled(args, said):
    before = streamrnn.cache_info()
    assert said in refused(*args)
    assert streamrnn.cache_info() == before


def test_a_folder_that_cannot_be(tmp_path):
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file", tmp_path / "file" / "code"):
        message = refused("--cache-dir", wrong)
        assert message.startswith(f"Error: cannot write '{wrong}': ")
    assert "empty" in refused("--cache-dir", "")


def test_without_compilation_there_is_nothing_to_do():
    done = warmup(*ONE, NUMBA_DISABLE_JIT="1")
    assert done.returncode == 2
    assert "NUMBA_DISABLE_JIT is set" in done.stderr


class TestParts:
    """What is compiled, without compiling it."""

    @pytest.fixture(autouse=True)
    def warmed(self, monkeypatch):
        models = []

        def note(model, folder):
            models.append(model)
            return "noted"

        monkeypatch.setattr("streamrnn_cli.compiling._warm_up", note)
        return models

    @staticmethod
    def run(*args):
        result = CliRunner().invoke(commands, ["warmup", *args])
        assert result.exit_code == 0, result.output
        return [line.removesuffix(": noted") for line in result.stdout.splitlines()]

    def test_by_default_few(self, warmed):
        lines = self.run()
        assert lines[:4] == [
            "lstm, huber, rls, adam, stored, float32",
            "lstm, cross_entropy, linear_skip, adam, stored, float32",
            "gru, huber, rls, adam, stored, float32",
            "gru, cross_entropy, linear_skip, adam, stored, float32",
        ]
        assert len(warmed) == 4
        assert [type(model).__name__ for model in warmed[:2]] == ["RNNRegressor", "RNNClassifier"]

    def test_all_combinations_once(self, warmed):
        given = {
            "cell": ["rnn", "gru", "rnn"],
            "optimizer": ["sgd", "adam"],
            "activations": ["stored", "recomputed"],
            "dtype": ["float64"],
            "task": ["classification"],
        }
        lines = self.run(
            *(word for name, values in given.items() for v in values for word in (f"--{name}", v))
        )
        assert len(warmed) == len(set(lines[:8])) == 8
        assert lines[0] == "rnn, cross_entropy, linear_skip, sgd, stored, float64"
        assert all(model.dtype == "float64" for model in warmed)

    def test_code_of_other_kinds(self, warmed, monkeypatch):
        monkeypatch.setenv("STREAMRNN_NUM_THREADS", "1")  # and put it back
        lines = self.run(*EVERY_WAY)
        assert lines[:3] == [
            "rnn, huber, rls, adam, stored, float32",
            "rnn, huber, rls, adam, stored, float32, wide",
            "rnn, huber, linear_skip, adam, stored, float32, shared weights",
        ]
        _, wide, shared = warmed
        assert wide.hidden_size == 256
        assert shared.weights == "shared"

    def test_what_is_compiled_is_what_estimators_have_by_default(self, warmed):
        self.run("--task", "both")
        self.run("--task", "multilabel")
        for model in warmed:
            usual = type(model)()
            for name in ("loss", "head", "optimizer", "activations", "dtype"):
                assert getattr(model, name) == getattr(usual, name), name

    def test_heads(self, warmed):
        lines = self.run(*ONE, "--shared", "--head", "linear", "--head", "linear_skip")
        assert len(warmed) == len(set(lines[:4])) == 4
        assert [model.weights for model in warmed[1::2]] == ["shared"] * 2

    def test_all_cells_and_losses_of_all_kinds(self, warmed):
        from streamrnn import cells

        names = list(losses.registry())
        every = [word for name in names for word in ("--loss", name)]
        self.run("--all-cells", *every)
        assert len(warmed) == len(cells.registry()) * len(names)
        assert {model.loss for model in warmed} == set(names)

    def test_where_it_cannot_be_kept(self, monkeypatch):
        from streamrnn_cli import compiling

        reason = "compiled code is not kept for the next process: the disk is full; set it"
        with_folder = compiling._refusal(reason, "/code")
        assert with_folder.exit_code == 3
        assert "the disk is full" in with_folder.format_message()
        assert "--cache-dir" in compiling._refusal(reason, None).format_message()
