"""Every contestant runs in a process of its own, with its own Python and so many threads."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "peers"
VARIABLES = [
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "STREAMRNN_NUM_THREADS",
]


class PeerError(Exception):
    """A contestant's process has ended, or has answered with an error."""


def without_paths(error: Exception) -> str:
    """Say what went wrong, and nothing of this machine's folders."""
    return re.sub(r"\S*/\S*", "...", str(error))


def peer_files() -> dict[str, Path]:
    """Return the peers by their permanent names: ``deep_river_peer.py`` is "deep-river"."""
    files = sorted(FOLDER.glob("*_peer.py"))
    return {path.stem.removesuffix("_peer").replace("_", "-"): path for path in files}


def peer_pythons(options: list[str]) -> dict[str, str]:
    """Return the interpreters that were named, by peer.

    Parameters
    ----------
    options
        Each ``NAME=PATH``; they go before ``STREAMRNN_PEER_DEEP_RIVER`` and the like.

    Raises
    ------
    ValueError
        If an option is malformed or names no peer.
    """
    chosen = {}
    for name in peer_files():
        path = os.environ.get(f"STREAMRNN_PEER_{name.replace('-', '_').upper()}")
        if path:
            chosen[name] = path
    for option in options:
        name, _, path = option.partition("=")
        if name not in peer_files() or not path:
            raise ValueError(f"{option!r} is not NAME=PATH with one of {', '.join(peer_files())}")
        chosen[name] = path
    return chosen


class Process:
    """A contestant's process, which answers requests.

    Parameters
    ----------
    file
        The contestant.
    threads
        Threads, and cores, that it may use.
    python
        The interpreter; this one by default.
    arguments
        Of the file.
    variables
        Further ones of the environment.
    """

    def __init__(
        self,
        file: Path,
        threads: int = 1,
        python: str | None = None,
        arguments: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        environment = os.environ | {name: str(threads) for name in VARIABLES} | (variables or {})
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed with the process)
        try:
            self._process = subprocess.Popen(
                [python or sys.executable, str(file), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                text=True,
                env=environment,
            )
        except OSError:
            self._errors.close()
            raise

    def ask(self, do: str, within: float | None = None, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer.

        Parameters
        ----------
        do
            What is asked for.
        within
            Seconds after which the process is ended; None waits for as long as it takes.
        **request
            The rest of the request.

        Raises
        ------
        PeerError
            If there is no answer, with the last line of what the process has said, or if it is an
            error; the cause of the first is a TimeoutError where the time was over.
        """
        with _ended_after(within, self._process) as is_over:
            line = self._answer_to({"do": do, **request})
        if not line and is_over():
            raise PeerError(f"no answer within {within:g} s") from TimeoutError()
        if not line:
            self._errors.seek(0)
            said = self._errors.read().strip().splitlines()
            raise PeerError(said[-1] if said else "the process has ended without a word")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def _answer_to(self, request: dict[str, Any]) -> str:
        """Return the line that answers, an empty one if there is none."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return self._process.stdout.readline()
        except BrokenPipeError:
            return ""

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._errors.close()


@contextlib.contextmanager
def _ended_after(
    seconds: float | None, process: subprocess.Popen[str]
) -> Iterator[Callable[[], bool]]:
    """End a process if what is done meanwhile takes too long; give what says whether it did."""
    over = threading.Event()

    def end() -> None:
        over.set()
        process.kill()

    timer = threading.Timer(seconds, end) if seconds is not None else None
    if timer:
        timer.start()
    try:
        yield over.is_set
    finally:
        if timer:
            timer.cancel()
            timer.join()


class Contestants:
    """The processes of all contestants, started as they are needed; a context manager.

    Parameters
    ----------
    pythons
        Interpreters by peer; a peer that is named here must run, another one may be missing.
    """

    def __init__(self, pythons: dict[str, str]) -> None:
        self._files = {"streamrnn": FOLDER / "ours.py", **peer_files()}
        self._pythons = pythons
        self._running: dict[tuple[str, int], Process] = {}
        #: What each contestant says of itself, and why others are missing.
        self.present: dict[str, dict[str, Any]] = {}
        self.missing: dict[str, str] = {}

    def __enter__(self) -> Contestants:
        for name in self._files:
            try:
                self.present[name] = self.ask(name, 1, "hello")
            except (PeerError, OSError) as error:
                if name == "streamrnn" or name in self._pythons:
                    self.__exit__()
                    raise PeerError(f"{name}: {error}") from error
                self.missing[name] = without_paths(error)
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._running.values():
            process.close()

    def ask(self, contestant: str, threads: int, do: str, **request: Any) -> dict[str, Any]:
        """Send a request to a contestant's process with so many threads."""
        if (contestant, threads) not in self._running:
            self._running[contestant, threads] = self.start(contestant, threads)
        return self._running[contestant, threads].ask(do, **request)

    def start(self, contestant: str, threads: int) -> Process:
        """Return a fresh process."""
        return Process(self._files[contestant], threads, self._pythons.get(contestant))
