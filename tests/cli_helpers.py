"""What the tests of the command line share: a runner, files, and a network whose acts are known."""

import bz2
import gzip
import json
import lzma
import math
import sys

import numpy as np
from click.testing import CliRunner, Result
from streamrnn_cli.main import commands

#: The command as a process of its own.
COMMAND = [sys.executable, "-m", "streamrnn_cli"]

COMPRESS = {"": bytes, ".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}


class Spy:
    """A network that predicts the last target and notes in which order it is called."""

    def __init__(self, labels=False):
        self.labels = labels
        self.last = None if labels else 0.0
        self.events = []
        self.calls = []

    def clone(self):
        return Spy(self.labels)

    def predict_one(self, x):
        self.calls.append(list(x))
        return self._predicted(x)

    def _predicted(self, x):
        self.events.append(("predict", x))
        return self.last

    def learn_one(self, x, y):
        self.events.append(("learn", x, y))
        if y is not None and y == y:
            self.last = y

    def replay(self, X, y, features):
        assert X.dtype == np.float64
        assert X.shape == (len(y), len(features))
        assert y.dtype == (object if self.labels else np.float64)
        self.calls.append(list(features))
        made = []
        for row, target in zip(X.tolist(), y.tolist(), strict=True):
            x = dict(zip(features, row, strict=True))
            made.append(self._predicted(x))
            self.learn_one(x, target)
        return np.array(made, dtype=y.dtype)

    @property
    def counters(self):
        return {"samples": 7, "updates": 7, "clipped": 0, "skipped": 0, "missing_values": 1}

    _raw_memory_usage = 2048

    def seen(self, name):
        """The values of one feature, in order; None where it was missing or absent."""
        values = [event[1].get(name, math.nan) for event in self.events if event[0] == "predict"]
        return [None if math.isnan(value) else value for value in values]


def use_spy(monkeypatch):
    """Let the command build spies; the list returned fills as it does."""
    built = []

    def build(settings, task):
        built.append(Spy(labels=task == "classification"))
        return built[-1]

    monkeypatch.setattr("streamrnn_cli.session.build_network", build)
    return built


def invoke(*args, stdin=None) -> Result:
    """Run ``streamrnn`` in this process."""
    result = CliRunner().invoke(commands, [str(arg) for arg in args], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def replay(*args, stdin=None) -> Result:
    """Run ``streamrnn replay`` in this process."""
    return invoke("replay", *args, stdin=stdin)


def metrics_of(tmp_path, *args, stdin=None) -> dict:
    """Run ``streamrnn replay`` and return what it wrote for ``--metrics-json``."""
    path = tmp_path / "metrics.json"
    result = replay(*args, "--metrics-json", path, stdin=stdin)
    assert result.exit_code == 0, result.output
    return json.loads(path.read_text())


def baseline(outcome: dict, name: str) -> dict:
    """The metrics of one baseline."""
    return next(entry["metrics"] for entry in outcome["baselines"] if entry["name"] == name)


def write(path, text, compression=""):
    """Write a text file, compressed if asked for, and return its path."""
    path.write_bytes(COMPRESS[compression](text.encode()))
    return path
