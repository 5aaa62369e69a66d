"""Runs that are broken off: at every line that has to do with files, or by a signal."""

import contextlib
import gzip
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import streamrnn_cli.checkpoint
import streamrnn_cli.keeping
import streamrnn_cli.sinks.files
from cli_helpers import replay
from crash_streams import changing, keyed, labelled, late, spoilt, table, words

import streamrnn.durable

SMALL = ["--hidden-size", "4", "--truncation", "8"]

#: Whose lines are the moments at which a run is broken off.
WRITERS = frozenset(
    module.__file__
    for module in (
        streamrnn.durable,
        streamrnn_cli.checkpoint,
        streamrnn_cli.keeping,
        streamrnn_cli.sinks.files,
    )
)


class Breaks:
    """What is on the disk at each moment of a run, and what would be if the power failed then.

    A kill leaves what was handed to the system: a copy of the folder, taken between two lines of
    the code that writes files. A power failure leaves less: of each file what was synced, and the
    old file under a name whose folder was not synced after the renaming.

    Parameters
    ----------
    folder
        All that the run writes.

    Attributes
    ----------
    states : list of dict
        The different states, in the order in which they came: the bytes of files by name.
    """

    def __init__(self, folder):
        self.folder = folder
        self.states = []
        self._known = set()
        self._synced = {}
        self._before_renaming = {}

    @contextlib.contextmanager
    def watching(self, monkeypatch):
        """Take note of states within the block."""
        replace = os.replace

        def noted_fsync(handle):
            # Nobody pulls the plug meanwhile, and disks are slow.
            about = os.fstat(handle)
            self._synced[about.st_ino] = about.st_size
            if about.st_ino == self.folder.stat().st_ino:
                self._before_renaming.clear()

        def noted_replace(old, new):
            name = Path(new).name
            was = Path(new).read_bytes() if Path(new).exists() else None
            self._before_renaming.setdefault(name, was)
            replace(old, new)

        def global_trace(frame, event, arg):
            return local_trace if frame.f_code.co_filename in WRITERS else None

        def local_trace(frame, event, arg):
            self._look()
            return local_trace

        before = sys.gettrace()
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", noted_fsync)
            patch.setattr(os, "replace", noted_replace)
            sys.settrace(global_trace)
            try:
                yield self
            finally:
                sys.settrace(before)

    def _look(self):
        killed, powerless = {}, {}
        for path in sorted(self.folder.iterdir()):
            try:
                content, about = path.read_bytes(), path.stat()
            except FileNotFoundError:
                continue
            # The name of a temporary file is another one in each run.
            name = "left.tmp" if path.suffix == ".tmp" else path.name
            killed[name] = content
            powerless[name] = content[: self._synced.get(about.st_ino, 0)]
        for name, content in self._before_renaming.items():
            powerless.pop(name, None)
            if content is not None:
                powerless[name] = content
        for state in (killed, powerless):
            key = tuple(sorted(state.items()))
            if key not in self._known:
                self._known.add(key)
                self.states.append(state)

    def put(self, state):
        """Let the folder have a state."""
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        for name, content in state.items():
            (self.folder / name).write_bytes(content)


class Case:
    """A run of the command: its source, and what is said about it.

    Parameters
    ----------
    name
        The source, a file with that suffix, or what a scheme stands for.
    text
        What is in the file; None for a scheme.
    args
        Options.
    dead
        Whether rows that cannot be used are kept.
    """

    def __init__(self, name, text, *args, dead=False):
        self.name = name
        self.text = text
        self.args = args
        self.dead = dead

    def write(self, folder):
        """Write the source; return its name."""
        if self.text is None:
            return self.name
        path = folder / self.name
        data = self.text.encode(errors="surrogateescape")
        path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
        return str(path)

    def command(self, folder, out, *more, predictions="p.csv"):
        """Return the arguments of ``replay``."""
        dead = ["--dead-letter", out / "dead.jsonl"] if self.dead else []
        given = [self.write(folder), *SMALL, *self.args, "--predictions", out / predictions]
        given += [
            "--quiet",
            "--baselines",
            "simple",
            "--metrics-json",
            out / "figures.json",
            *dead,
            *more,
        ]
        return [str(one) for one in given]


def outcome(out):
    """Return all that a run left but for its checkpoint: bytes, and figures without times."""
    left = {p.name: p.read_bytes() for p in out.iterdir() if p.suffix in (".csv", ".jsonl")}
    return left, figures(out / "figures.json")


def figures(path):
    """Return the figures of a run, but for times and memory; floats to 12 digits.

    Sums are taken a batch at a time: where batches end, and no more, decides the last digit.
    """

    def plain(value):
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items() if not k.startswith(TIMES)}
        if isinstance(value, list):
            return [plain(v) for v in value]
        return f"{value:.12g}" if isinstance(value, float) else value

    return plain(json.loads(path.read_text()))


#: Figures that are others in each run.
TIMES = ("seconds", "warm_up", "us_per_sample", "samples_per", "memory")


def unbroken(case, folder):
    """Return the outcome of a run without checkpoints."""
    out = folder / "plain"
    out.mkdir(exist_ok=True)
    result = replay(*case.command(folder, out))
    assert result.exit_code == 0, result.output
    return outcome(out)


def cases(n, seed=5):
    """Return the runs that must survive, by name."""

    def made(make):
        return make(n, random.Random(seed))

    return {
        "csv": Case("s.csv", made(table), "--target", "y"),
        "gz": Case("s.csv.gz", made(table), "--target", "y"),
        "changing columns": Case("s.jsonl", made(changing), "--target", "y"),
        "river": Case("river:WaterFlow", None, "--limit", str(n)),
        "words and times": Case(
            "s.csv",
            made(words),
            *("--target", "y", "--time", "when", "--calendar", "day,week:2"),
            *("--encode", "weather", "--encode", "city=hash:3"),
        ),
        "keys": Case("s.csv", made(keyed), "--target", "y", "--key", "sensor"),
        "few keys in memory": Case(
            "s.csv", made(keyed), "--target", "y", "--key", "sensor", "--max-keys", "2"
        ),
        "late targets": Case(
            "s.jsonl",
            made(late),
            *("--target", "y", "--id", "id", "--task", "regression", "--truncation", "16"),
        ),
        "delay": Case("s.csv", made(table), "--target", "y", "--delay", "5"),
        "labels": Case("s.csv", made(labelled), "--target", "y"),
        "labels that wait": Case("s.csv", made(labelled), "--target", "y", "--delay", "3"),
        "dead letters": Case("s.csv", made(spoilt), "--target", "y", dead=True),
    }


class Forks:
    """Commands as processes that start within milliseconds, to be ended in many ways.

    Parameters
    ----------
    folder
        For what they say.
    """

    def __init__(self, folder):
        self._folder = folder
        self._made = 0

    def __enter__(self):
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": "default"}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("zygote.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self._process.stdout.readline() == "ready\n"
        return self

    def __exit__(self, *_):
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(timeout=60)

    def start(self, args, *, stdin=os.devnull, largest=None):
        """Start ``streamrnn`` with these arguments; no file may become larger than `largest`."""
        self._made += 1
        said = {name: str(self._folder / f"{self._made}.{name}") for name in ("stdout", "stderr")}
        request = {"args": [*map(str, args)], "stdin": str(stdin), "largest": largest, **said}
        return Child(self, self.ask(request), Path(said["stdout"]), Path(said["stderr"]))

    def run(self, args, **options):
        """Let it run to its end."""
        child = self.start(args, **options)
        child.wait()
        return child

    def ask(self, request):
        """Send a request and return the answer."""
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


class Child:
    """One of them."""

    def __init__(self, forks, pid, stdout, stderr):
        self._forks = forks
        self._pid = pid
        self._stdout = stdout
        self._stderr = stderr
        self.code = None

    def wait(self, seconds=60.0):
        """Wait so long for its end; return its exit code, or minus a signal, None: it runs on."""
        if self.code is None:
            self.code = self._forks.ask({"wait": self._pid, "seconds": seconds})
        return self.code

    def send(self, number):
        """Send a signal. It cannot hit another one: nobody else gets the number before `wait`."""
        os.kill(self._pid, number)

    @property
    def stdout(self):
        return self._stdout.read_text() if self._stdout.exists() else ""

    @property
    def stderr(self):
        return self._stderr.read_text() if self._stderr.exists() else ""
