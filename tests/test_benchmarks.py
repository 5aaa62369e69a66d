"""The benchmark's own arithmetic: comparing, counting, fitting, and a README that is not stale."""

import json
import time

import compare
import flops
import growth
import numpy as np
import processes
import pytest
import readme
import scenarios
import summary
import worker


@pytest.fixture
def report():
    return json.loads(readme.RESULTS.read_text())


def write(path, report):
    path.write_text(json.dumps(report))
    return str(path)


# --- README


def test_readme_shows_the_results():
    assert readme.main(["--check"]) == 0


@pytest.mark.parametrize("name", ["lstm-8-32-k32-stored", "lstm-8-128-k32-loop"])
def test_a_changed_time_makes_the_readme_stale(name, report, tmp_path):
    report["scenarios"][name]["median_us"] *= 1.5
    path = write(tmp_path / "results.json", report)
    assert readme.main(["--check", "--results", path]) == 1


def test_a_changed_readme_is_found_and_rewritten(tmp_path, report):
    copy = tmp_path / "README.md"
    text = readme.README.read_text()
    figure = readme._number(summary.us(report, "lstm-8-64-k32-stored"))
    copy.write_text(text.replace(f"| {figure} |", "| 0.1 |"))
    assert copy.read_text() != text
    assert readme.main(["--check", "--readme", str(copy)]) == 1
    assert readme.main(["--readme", str(copy)]) == 0
    assert copy.read_text() == text


def test_a_readme_without_markers_is_refused(report):
    with pytest.raises(ValueError, match="lacks"):
        readme.rewritten("no markers", report)


def test_the_results_are_complete(report):
    peers = [name for name in report["contestants"] if name != scenarios.OURS]
    expected = {scenario.id for scenario in scenarios.scenarios(peers, has_keys=False)}
    assert expected <= set(report["scenarios"])
    assert report["schema"] == compare.SCHEMA
    for result in report["scenarios"].values():
        assert len(result["times_us"]) == report["options"]["repeats"]
        assert np.median(result["times_us"]) == pytest.approx(result["median_us"], abs=1e-3)


def test_the_results_hold_no_paths(report):
    text = json.dumps(report)
    assert "/" not in text.replace("units / K", "").replace("GFLOP/s", "")


# --- compare


@pytest.mark.parametrize(
    ("factor", "more", "status", "said"),
    [
        (1.0, [], 0, "1.00"),
        (1.1, [], 0, "1.10"),
        (1.2, [], 1, "slower"),
        (1.2, ["--tolerance", "0.25"], 0, "1.20"),
        (0.5, [], 0, "faster"),
        (1.2, ["--only", "gru-*"], 0, "gru-8-32-k32-stored"),
        (1.2, ["--only", "nothing"], 2, "nothing to compare"),
    ],
)
def test_compare(factor, more, status, said, report, tmp_path, capsys):
    old = write(tmp_path / "old.json", report)
    report["scenarios"]["lstm-8-32-k32-stored"]["median_us"] *= factor
    new = write(tmp_path / "new.json", report)
    assert compare.main([old, new, *more]) == status
    out = capsys.readouterr().out
    assert said in out
    assert "warning" not in out


def test_a_vanished_scenario_fails_and_a_new_one_does_not(report, tmp_path, capsys):
    whole = write(tmp_path / "whole.json", report)
    del report["scenarios"]["gru-8-32-k32-stored"]
    part = write(tmp_path / "part.json", report)
    assert compare.main([whole, part]) == 1
    assert "vanished" in capsys.readouterr().out
    assert compare.main([part, whole]) == 0
    assert "new" in capsys.readouterr().out


@pytest.mark.parametrize(("name", "value"), [("cpu", "another"), ("cores", 96)])
def test_unlike_machines_are_pointed_out(name, value, report, tmp_path, capsys):
    old = write(tmp_path / "old.json", report)
    report["machine"][name] = value
    compare.main([old, write(tmp_path / "new.json", report)])
    assert f"warning: not the same machine or not the same load; {name}" in capsys.readouterr().out


def test_a_slower_matrix_product_is_pointed_out(report, tmp_path, capsys):
    old = write(tmp_path / "old.json", report)
    report["sgemm_gflops"] /= 2
    compare.main([old, write(tmp_path / "new.json", report)])
    assert "matrix product" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"schema": 99, "scenarios": {}}'])
def test_files_that_cannot_be_compared(text, report, tmp_path, capsys):
    bad = tmp_path / "bad.json"
    bad.write_text(text)
    assert compare.main([str(bad), write(tmp_path / "good.json", report)]) == 2
    assert "bad.json" in capsys.readouterr().out


# --- scenarios and peers


def test_ids_are_distinct_and_permanent():
    ids = [scenario.id for scenario in scenarios.scenarios(["jax", "deep-river"], has_keys=True)]
    assert len(set(ids)) == len(ids)
    assert {
        "lstm-8-16-k16-stored",
        "lstm-8-32-k32-recomputed",
        "lstm-8-128-k32-loop",
        "lstm-8-256-k32-jax-threads2",
        "lstm-8-32-k128-deep-river",
        "lstm-8-32x2-k32-stored",
        "lstm-8-32-k32-every16",
        "lstm-8-32-k32-float64",
        "lstm-8-32-k32-keys1000-threads2",
    } <= set(ids)


def test_a_peer_is_found_by_its_file(tmp_path, monkeypatch):
    (tmp_path / "my_own_peer.py").touch()
    monkeypatch.setattr(processes, "FOLDER", tmp_path)
    assert list(processes.peer_files()) == ["my-own"]
    monkeypatch.setenv("STREAMRNN_PEER_MY_OWN", "here")
    assert processes.peer_pythons([]) == {"my-own": "here"}
    assert processes.peer_pythons(["my-own=there"]) == {"my-own": "there"}
    with pytest.raises(ValueError, match="NAME=PATH"):
        processes.peer_pythons(["other=there"])


def test_a_process_that_fails_says_why(tmp_path):
    broken = tmp_path / "broken_peer.py"
    broken.write_text("import not_there\n")
    process = processes.Process(broken)
    with pytest.raises(processes.PeerError, match="No module named 'not_there'"):
        process.ask("hello")
    process.close()


def test_windows_are_full_when_the_clock_starts():
    """And compilation, here in each of the first two runs, is over and not counted."""
    runs = []

    class Slow:
        chunk = 5

        def __init__(self, job, weights):
            pass

        def load(self, X, y):
            return X, y

        def run(self, stream):
            time.sleep(0.05 if len(runs) < 2 else 0.0001 * len(stream[0]))
            runs.append(len(stream[0]))

    timer = worker.Timer(Slow, worker.Job(truncation=20), seconds=0.1)
    assert runs[0] == 20
    assert timer.samples % 5 == 0
    assert 100 <= timer.samples <= 1000  # 20 if the second run counted
    before = len(runs)
    assert timer.time() >= 100
    assert runs[before:] == [timer.samples]


# --- what follows from the times


def test_operations_of_an_lstm():
    """With many units, everything is a multiple of the state's product: 8 H² operations.

    One forward, K - 1 back through time, K for the weights' gradient; 15 for each of 4 H² weights.
    A second layer has twice as many weights, and K more products that go down to the first.
    """
    H, K = 4096, 32
    stored = {"units": H, "inputs": 8, "truncation": K, "variant": "stored"}

    def products(**other):
        return sum(flops.count(stored | other).values()) / (8 * H * H)

    assert products() == pytest.approx(1 + (K - 1) + K + 7.5, rel=0.01)
    assert products(variant="recomputed") == pytest.approx(3 * K + 7.5, rel=0.01)
    second = 2 + (K - 1) + 2 * K + K + 15
    assert products(layers=2) == pytest.approx(2 * K + 7.5 + second, rel=0.01)
    sixteenth = ((K - 1) + K + 7.5) / 16
    assert products(variant="every16") == pytest.approx(1 + sixteenth, rel=0.01)


def fake_report(time_of):
    """Make a report of times given by (units, truncation)."""
    found = {
        f"{scenarios.size_id('lstm', H, K)}-stored": {"median_us": time_of(H, K)}
        for H, K in scenarios.SIZES + scenarios.POINTS + scenarios.GROWTH
    }
    return {"scenarios": found}


def test_a_straight_line_and_a_power_are_found_again():
    straight = summary.line(fake_report(lambda H, K: 3 + 0.5 * K), "stored")
    assert straight == {"us_a_step": 0.5, "us_at_0": 3.0, "r2": 1.0}
    bent = summary.line(fake_report(lambda H, K: 0.01 * K**2), "stored")
    assert bent["r2"] < 0.98
    assert summary.power(fake_report(lambda H, K: 0.02 * H**1.8), "stored") == {"exponent": 1.8}
    assert summary.line({"scenarios": {}}, "stored") is None


def test_memory_growth_counts_from_the_first_tenth():
    resident = [50.0] + [60.0] * 39 + [61.5]
    assert summary.memory_growth({"memory": {"mib": resident}}) == 1.5


def test_memory_is_watched():
    answer = growth.memory(samples=4000, block=90, units=4, truncation=4)
    assert answer["samples"] == [100 * part for part in range(41)]
    assert len(answer["mib"]) == 41
    assert 20 < answer["mib"][-1] < 10_000  # of a process that has run other tests


def test_keys_take_turns(monkeypatch):
    blocks = []

    class KeyedModel:
        def __init__(self, model, key, max_keys, n_threads):
            assert (model.hidden_size, model.truncation, n_threads) == (4, 5, 2)

        def replay(self, keys, X, y, features):
            assert len(keys) == len(X) == len(y)
            assert len(features) == X.shape[1]
            blocks.append(keys)

    monkeypatch.setattr(growth.streamrnn, "KeyedModel", KeyedModel, raising=False)
    answer = growth.keys(n_keys=3, samples=30, units=4, truncation=5, n_threads=2)
    warm, timed = blocks
    assert np.bincount(warm).tolist() == [5, 5, 5]  # windows are full
    assert timed[:6].tolist() == [0, 1, 2, 0, 1, 2]
    assert answer["samples"] == 30


@pytest.mark.parametrize("has_keys", [False, True])
def test_charts_are_drawn(has_keys, report, tmp_path):
    for n in scenarios.KEYS if has_keys else []:
        for threads in (1, 2):
            report["scenarios"][f"keys{n}-threads{threads}"] = {
                "job": {"n_keys": n},
                "threads": threads,
                "median_us": 3.0 / threads + 0.05 * np.log10(n),
            }
    pytest.importorskip("matplotlib", reason="Matplotlib is not installed (extra 'bench')")
    import charts

    for path in charts.draw(report, tmp_path):
        assert path.read_bytes().startswith(b"\x89PNG")
