"""The server: what it answers is what the model would say, in the order of the requests."""

import json
import math
import os
import re
import signal
import subprocess
import threading
import time

import pytest
from cli_helpers import COMMAND, invoke
from serving_helpers import SMALL, ask, learn, opened, received, send, serving
from streamrnn_cli.monitor import Monitor
from streamrnn_cli.serving.served import Served

import streamrnn
from streamrnn import (
    KeyedModel,
    RNNClassifier,
    RNNMultiLabelClassifier,
    RNNMultiTargetRegressor,
    RNNRegressor,
)

X = [{"a": math.sin(i), "b": (i % 3) / 2} for i in range(12)]
NUMBERS = [round(2 * math.sin(i / 2), 3) for i in range(12)]
CASES = {
    "regressor": (lambda: RNNRegressor(**SMALL), X, NUMBERS),
    "classifier": (
        lambda: RNNClassifier(**SMALL),
        X,
        ["high" if y > 0 else "low" for y in NUMBERS],
    ),
    "targets": (lambda: RNNMultiTargetRegressor(**SMALL), X, [{"u": y, "v": -y} for y in NUMBERS]),
    "labels": (
        lambda: RNNMultiLabelClassifier(**SMALL),
        X,
        [{"up": y > 0, "far": abs(y) > 1} for y in NUMBERS],
    ),
    "keyed": (
        lambda: KeyedModel(RNNRegressor(**SMALL), key="sensor"),
        [x | {"sensor": f"s{i % 2}"} for i, x in enumerate(X)],
        NUMBERS,
    ),
}


@pytest.fixture
def url():
    with serving(RNNRegressor(**SMALL)) as url:
        yield url


@pytest.mark.parametrize("case", CASES)
def test_answers_are_the_model_s(case):
    make, xs, ys = CASES[case]
    local, expected = make(), []
    for x, y in zip(xs, ys, strict=True):
        expected.append(local.predict_one(x))
        local.learn_one(x, y)
    samples = [{"x": x, "y": y} for x, y in zip(xs, ys, strict=True)]
    with serving(make()) as url:
        made = [learn(url, sample)["prediction"] for sample in samples[:4]]
        made += learn(url, samples[4:8])["predictions"]
        lines = "\n".join(json.dumps(sample) for sample in samples[8:])
        made += learn(url, lines.encode(), headers={"Content-Type": "application/x-ndjson"})[
            "predictions"
        ]
        assert made == json.loads(json.dumps(expected))
        assert ask(url, "/predict", {"x": xs[0]})[1]["prediction"] == local.predict_one(xs[0])
        # What is served can be taken away and goes on by itself.
        taken = streamrnn.from_bytes(ask(url, "/model")[1])
        assert taken.predict_one(xs[1]) == local.predict_one(xs[1])
        status = ask(url, "/status")[1]
        assert status["rows"] == 12
        assert len(status["series"]["row"]) == 12
        assert status["errors"]["overall"]["small"] is not None


def test_predicting_changes_nothing(url):
    learn(url, {"x": {"a": 1}, "y": 2})
    before = ask(url, "/model")[1]
    answers = ask(url, "/predict", [{"x": {"a": 1}}, {"x": {"a": 1, "new": 3}}, {"x": {}}])
    assert answers[0] == 200
    assert len(answers[1]["predictions"]) == 3
    assert ask(url, "/model")[1] == before


def test_weights_unknown_targets_and_events():
    local = RNNRegressor(**SMALL)
    with serving(RNNRegressor(**SMALL)) as url:
        learn(url, {"x": {"a": 1}, "y": 2, "w": 0.5})
        learn(url, {"x": {"a": 2}, "y": None})
        first = ask(url, "/predict", {"x": {"a": 3}, "t": "e1"})[1]
        late = learn(url, {"x": {"a": 3}, "y": 1, "t": "e1"})
        local.learn_one({"a": 1}, 2, w=0.5)
        local.learn_one({"a": 2}, None)
        assert first["prediction"] == late["prediction"] == local.predict_one({"a": 3}, t="e1")
        local.learn_one({"a": 3}, 1, t="e1")
        assert ask(url, "/model")[1] == local.to_bytes()


def test_clients_at_the_same_time_take_turns(url):
    """Nothing is lost, and each client's own samples stay in their order."""

    def client(name):
        for i in range(10):
            learn(url, [{"x": {"a": i}, "y": i + name / 10}] * 3)

    threads = [threading.Thread(target=client, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    status = ask(url, "/status")[1]
    assert status["rows"] == status["counters"]["samples"] == 120
    rows = status["recent"]
    assert rows["row"] == list(range(1, 121))
    for name in range(4):
        own = [y for y in rows["target"] if round(y * 10) % 10 == name]
        assert own == sorted(own)
    # The three of one request are never apart.
    assert all(rows["target"][i] == rows["target"][i + 2] for i in range(0, 120, 3))


def test_a_bad_sample_in_the_middle_loses_none_before_it(url):
    samples = [{"x": {"a": 1}, "y": 1}, {"x": {"a": 2}, "y": 2}, {"x": {"a": "q"}, "y": 3}]
    status, answer = ask(url, "/learn", samples)
    assert status == 422
    assert re.fullmatch(
        r"sample 3: feature 'a' is 'q', .*; the 2 before it were learnt\.", answer["error"]
    )
    assert len(answer["predictions"]) == 2
    assert ask(url, "/status")[1]["counters"]["samples"] == 2


def test_a_run_that_a_source_feeds_is_shown():
    monitor = Monitor("regression", ["lstm"], about={"title": "A run"})
    monitor.played([1, 2], None, [1.0, 2.0], [[0.0, 1.0]], 1e-4)
    with serving(Served(threading.Lock(), monitor)) as url:
        assert ask(url, "/status")[1]["about"]["title"] == "A run"
        for path in ("/learn", "/predict"):
            sample = {"x": {}, "y": 1} if path == "/learn" else {"x": {}}
            status, answer = ask(url, path, sample)
            assert (status, "error" in answer) == (403, True)
        assert ask(url, "/model")[0] == 403
    model = RNNRegressor(**SMALL)
    with serving(Served(threading.Lock(), monitor, model)) as url:
        assert ask(url, "/predict", {"x": {"a": 1}}) == (200, {"prediction": 0.0})
        assert ask(url, "/learn", {"x": {"a": 1}, "y": 1})[0] == 403
        # That would take a step.
        assert ask(url, "/predict", {"x": {"a": 1}, "t": "e"})[0] == 403


def test_status_without_the_points_of_all_rows(url):
    learn(url, {"x": {"a": 1}, "y": 2})
    whole, brief = ask(url, "/status")[1], ask(url, "/status?series=0")[1]
    assert "series" in whole
    assert set(whole) - set(brief) == {"series"}


def test_metrics_are_as_prometheus_reads_them(url):
    learn(url, [{"x": {"a": 1}, "y": 2}, {"x": {"a": 1}, "y": 3}])
    text = ask(url, "/metrics")[1].decode()
    line = re.compile(r'[a-z_]+(\{[a-z]+="[^"\n]*"\})? [0-9.e+-]+|# (HELP|TYPE) [a-z_]+ .+')
    assert all(line.fullmatch(each) for each in text.splitlines())
    assert "streamrnn_rows_total 2\n" in text


def test_health_and_the_files_of_the_page(url):
    assert ask(url, "/healthz") == (200, {"status": "ok"})
    for path, part in {"/": b"<!doctype html>", "/page.js": b"fetch", "/page.css": b"svg"}.items():
        status, data = ask(url, path)
        assert (status, part in data) == (200, True)


# --- the command


class Process:
    """``streamrnn serve`` as a process of its own."""

    def __init__(self, *args, **variables):
        self.process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", "--hidden-size", "4", "--truncation", "4", *args],
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | variables,
        )
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            if found := re.search(r"serving at (http://\S+)", line):
                self.url = found[1]
                break
        else:
            raise AssertionError("".join(self.said))

    def end(self, number):
        self.process.send_signal(number)
        rest = self.process.communicate(timeout=30)[1]
        self.said.append(rest)
        return self.process.returncode


def test_what_was_learnt_is_saved_at_the_end_and_goes_on(tmp_path):
    path = str(tmp_path / "model.safetensors")
    first = Process("--save", path)
    learn(first.url, [{"x": {"a": i}, "y": i} for i in range(5)])
    assert first.end(signal.SIGTERM) == 143
    assert first.said[-1].startswith("5 samples learnt, mean absolute error ")
    assert first.said[-1].endswith(f"; saved to {path}\n")
    assert streamrnn.load(path).counters["samples"] == 5
    second = Process("--save", path)
    assert "going on with" in second.said[0]
    ask(second.url, "/predict", {"x": {"a": 5}, "t": "e"})  # takes the step of the event
    assert second.end(signal.SIGINT) == 130
    assert streamrnn.load(path).counters["samples"] == 6
    assert sorted(os.listdir(tmp_path)) == ["model.safetensors"]


def test_a_request_at_work_is_finished_and_saved(tmp_path):
    path = str(tmp_path / "model.safetensors")
    server = Process("--save", path, "--save-every", "0.05")
    learn(server.url, {"x": {"a": 0}, "y": 0})
    deadline = time.monotonic() + 20
    while not os.path.exists(path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert streamrnn.load(path).counters["samples"] == 1
    samples = [{"x": {"a": i % 7}, "y": i % 5} for i in range(10_000)]
    body = json.dumps(samples).encode()
    with opened(server.url) as connection:
        # The server asks for the body when the request is at work.
        send(connection, "POST /learn", {"Content-Length": len(body), "Expect": "100-continue"})
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        connection.sendall(body)
        code = server.end(signal.SIGTERM)
        answer = received(connection)
    assert code == 143
    assert len(answer["predictions"]) == 10_000
    assert streamrnn.load(path).counters["samples"] == 10_001


def refused(*args):
    done = invoke("serve", *args)
    assert done.exit_code in (2, 3), done.output
    assert "Traceback" not in done.output
    return done.stderr.strip().splitlines()[-1]


def test_mistakes_are_told_in_one_line(tmp_path, monkeypatch):
    monkeypatch.delenv("STREAMRNN_TOKEN", raising=False)
    text, model = tmp_path / "no.txt", tmp_path / "there.safetensors"
    text.write_text("no model")
    model.write_text("not to be lost")
    assert "needs a token" in refused("--host", "0.0.0.0")
    assert "16 characters" in refused("--token", "short")
    assert "no.txt" in refused("--model", text)
    assert "none: no such file" in refused("--model", tmp_path / "none")
    assert "there is no folder" in refused("--save", tmp_path / "none" / "m")
    assert "is a folder" in refused("--save", tmp_path)
    assert "would be lost" in refused("--model", text, "--save", model)
    assert "must be a size" in refused("--max-body", "much")
    assert "--host" in refused("--host", "no.such.host.invalid", "--token", "x" * 16)
    anomaly = tmp_path / "anomaly.safetensors"
    streamrnn.RNNAnomalyDetector(hidden_size=4, truncation=4).save(anomaly)
    assert "RNNAnomalyDetector cannot be served" in refused("--model", anomaly)
    with serving(RNNRegressor(**SMALL)) as url:
        assert "another --port" in refused("--port", url.rpartition(":")[2])


def test_a_missing_package_is_told_before_the_run(monkeypatch):
    monkeypatch.setattr(
        "streamrnn_cli.extras.importlib.util.find_spec",
        lambda name: None if name == "uvicorn" else object(),
    )
    assert refused("--port", "0").endswith("pip install 'streamrnn[serve]'.")
