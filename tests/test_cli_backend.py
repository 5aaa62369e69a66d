"""``streamrnn replay --backend``: what it needs, what it does not go with, what is in files."""

import json
import math

import pytest
from cli_helpers import replay
from estimator_helpers import plain
from river import drift

import streamrnn
from streamrnn import routing
from streamrnn.backends.cuda import device

KEYED = ("--key", "k", "--target", "y", "--hidden-size", "3", "--truncation", "3", "--quiet")


@pytest.fixture
def no_device(monkeypatch):
    monkeypatch.setattr(device, "available", lambda: "there is none")


@pytest.fixture
def stream(tmp_path):
    path = tmp_path / "stream.csv"
    rows = [f"{'abc'[t * t % 3]},{math.sin(t)},{t % 4}" for t in range(60)]
    path.write_text("\n".join(["k,x,y", *rows]))
    return path


def one_line(result, said):
    assert result.exit_code == 2, result.output
    assert result.stderr.splitlines()[-1] == f"Error: {said}"
    assert "Traceback" not in result.output


def test_without_a_device_one_line_says_what_is_missing(no_device, stream, tmp_path):
    out = tmp_path / "out.csv"
    result = replay(stream, *KEYED, "--backend", "cuda", "--predictions", out)
    one_line(result, "--backend cuda: there is none.")
    assert not out.exists()


@pytest.mark.parametrize("option", [["--drift", "adwin"], ["--id", "k"], ["--delay", "2"]])
def test_what_looks_at_each_row_does_not_go_with_a_device(stream, option):
    result = replay(stream, "--target", "y", "--backend", "cuda", *option)
    said = f"--backend cuda does not go with {option[0]}, for which rows are played one by one"
    one_line(result, f"{said}: --backend cpu does.")


def test_a_wrong_word_is_told_with_the_right_ones(stream):
    result = replay(stream, "--backend", "cude")
    assert result.exit_code == 2
    assert "'cpu', 'cuda', 'auto'. Did you mean 'cuda'?" in result.stderr


def test_it_may_be_in_a_file_of_options(no_device, stream, tmp_path):
    shown = replay(stream, *KEYED, "--backend", "cuda", "--show-config")
    assert 'backend = "cuda"' in shown.stdout
    path = tmp_path / "run.toml"
    path.write_text(shown.stdout)
    one_line(replay("--config", path), "--backend cuda: there is none.")
    result = replay("--config", path, "--backend", "auto")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("keyed", [True, False])
def test_without_a_device_auto_is_the_cpu(no_device, stream, tmp_path, keyed):
    written = []
    for backend in ("cpu", "auto"):
        out = tmp_path / f"{backend}.csv"
        key = KEYED if keyed else ("--drop", "k", *KEYED[2:])
        result = replay(stream, *key, "--backend", backend, "--predictions", out)
        assert result.exit_code == 0, result.output
        written.append(out.read_bytes())
    assert written[0] == written[1]


def test_a_run_goes_on_elsewhere(no_device, stream, tmp_path):
    path = tmp_path / "run.ckpt"
    first = ("--checkpoint", path, "--limit", "30")
    assert replay(stream, *KEYED, "--backend", "auto", *first).exit_code == 0
    result = replay(stream, *KEYED, "--checkpoint", path, "--resume")
    assert result.exit_code == 0, result.output


def test_a_device_that_fails_ends_the_run_in_one_line(monkeypatch, stream, tmp_path):
    def fail(*args):
        raise streamrnn.DeviceError("out of memory while testing")

    monkeypatch.setattr(device, "available", lambda: None)
    monkeypatch.setattr("streamrnn.population.run_groups", fail)
    out = tmp_path / "metrics.json"
    result = replay(stream, *KEYED, "--backend", "cuda", "--metrics-json", out)
    one_line(result, "--backend: out of memory while testing.")
    assert not out.exists()


def test_a_model_that_watches_for_drift_stays_on_the_cpu(monkeypatch, stream, tmp_path):
    monkeypatch.setattr(device, "available", lambda: None)
    path = tmp_path / "model.safetensors"
    streamrnn.RNNRegressor(hidden_size=3, drift_detector=drift.ADWIN()).save(path)
    result = replay(stream, "--target", "y", "--model", path, "--backend", "cuda")
    said = "--backend cuda does not go with the model's drift_detector, for which rows are played"
    one_line(result, f"{said} one by one: --backend cpu does.")


@pytest.mark.parametrize(("backend", "most"), [("cpu", 1024), ("cuda", 3000)])
def test_a_device_gets_many_rows_at_once(monkeypatch, tmp_path, backend, most):
    sizes = []

    def note(bank, where, slots, bounds, X, *args):
        sizes.append(len(X))
        routing.run_groups(bank, "cpu", slots, bounds, X, *args)

    monkeypatch.setattr(device, "available", lambda: None)
    monkeypatch.setattr("streamrnn.population.run_groups", note)
    path = tmp_path / "long.csv"
    path.write_text("k,x,y\n" + "a,1,2\nb,3,4\n" * 1500)
    assert replay(path, *KEYED, "--backend", backend).exit_code == 0
    assert max(sizes) == most


def test_auto_leaves_keys_that_share_weights_on_the_cpu(monkeypatch, stream, tmp_path):
    monkeypatch.setattr(device, "available", lambda: pytest.fail("looked for a device"))
    inner = plain(streamrnn.RNNRegressor, hidden_size=3, truncation=3)
    path = tmp_path / "shared.safetensors"
    streamrnn.KeyedModel(inner, key="k", weights="shared").save(path)
    assert replay(stream, *KEYED, "--model", path, "--backend", "auto").exit_code == 0


def test_a_model_that_was_saved_goes_where_it_is_told(monkeypatch, stream, tmp_path):
    """The file says nothing of it, so the option does."""
    told = []

    def note(bank, backend, *args):
        told.append(backend)
        routing.run_groups(bank, "cpu", *args)

    monkeypatch.setattr(device, "available", lambda: None)
    monkeypatch.setattr("streamrnn.population.run_groups", note)
    path, figures = tmp_path / "model.safetensors", tmp_path / "figures.json"
    result = replay(stream, *KEYED, "--backend", "cuda", "--save", path, "--metrics-json", figures)
    assert result.exit_code == 0, result.output
    assert streamrnn.load(path).backend == "cpu"
    assert json.loads(figures.read_text())["rows"]["used"] == 60
    assert set(told) == {"cuda"}
    told.clear()
    assert replay(stream, *KEYED, "--model", path).exit_code == 0
    assert set(told) == {"cpu"}
