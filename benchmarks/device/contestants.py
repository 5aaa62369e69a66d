"""Who takes part, with which jobs; each has a process of its own, with all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from processes import PeerError, Process, without_paths

from device.jobs import LR, Job

WORKER = Path(__file__).parent.parent / "device_worker.py"
CUDA, CPU = "streamrnn-cuda", "streamrnn-cpu"

#: Seconds that a process may take to begin: to import, to find the device, to compile.
TO_BEGIN = 90.0


@dataclass(frozen=True)
class Contestant:
    """A file of this folder, what it can do, and the variables that make it do so.

    ``peer`` is by which name an interpreter of its own is given, as for `run.py`; ``tunes`` says
    whether it wants to try a job beforehand, to choose among its ways.
    """

    module: str
    serves: Callable[[Job], bool]
    peer: str = ""
    tunes: bool = False
    on_device: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)


def _own(job: Job) -> bool:
    return not job.shared


def _own_recomputed(job: Job) -> bool:
    return not job.shared and job.activations == "recomputed" and job.lr == LR


def _lstm(job: Job) -> bool:
    return job.activations == "recomputed" and (job.shared or job.streams == 1)


def _shared_stored(job: Job) -> bool:
    return job.shared and job.activations == "stored"


_SIMULATOR = {"NUMBA_ENABLE_CUDASIM": "1", "NUMBA_DISABLE_JIT": "1"}
_JAX = ({"JAX_PLATFORMS": "cuda"}, {"JAX_PLATFORMS": "cpu"})
# Its compiler would leave processes behind where a row is ended.
_TORCH = ({"TORCHINDUCTOR_COMPILE_THREADS": "1"}, {"CUDA_VISIBLE_DEVICES": ""})
_CUPY: tuple[dict[str, str], dict[str, str]] = ({}, {"BENCHMARK_ARRAYS": "numpy"})

#: By permanent names, since results are compared by them.
CONTESTANTS = {
    CUDA: Contestant(
        "ours",
        lambda job: True,
        on_device={"BENCHMARK_BACKEND": "cuda"},
        elsewhere={"BENCHMARK_BACKEND": "cuda", **_SIMULATOR},
    ),
    CPU: Contestant("ours", lambda job: True),
    "jax": Contestant("jax_by_hand", _own, "jax", True, *_JAX),
    "jax-grad": Contestant("jax_grad", _own_recomputed, "jax", False, *_JAX),
    "pytorch": Contestant("torch_by_hand", _own, "pytorch", False, *_TORCH),
    "pytorch-lstm": Contestant("torch_lstm", _lstm, "pytorch", False, *_TORCH),
    "cupy": Contestant("arrays_shared", _shared_stored, "", False, *_CUPY),
}


class Field:
    """The processes of those who take part; a context manager.

    Parameters
    ----------
    names
        Who is asked to.
    on_device
        Whether there is a device; otherwise ours runs in the simulator, and others on the CPU.
    pythons
        Interpreters by `Contestant.peer`.
    """

    def __init__(self, names: Iterable[str], on_device: bool, pythons: Mapping[str, str]) -> None:
        self._names, self._on_device, self._pythons = list(names), on_device, pythons
        self._running: dict[str, Process] = {}
        self._tuned: dict[str, dict[str, str]] = {}
        #: What each says of itself, and why others are missing.
        self.present: dict[str, dict[str, Any]] = {}
        self.missing: dict[str, str] = {}

    def __enter__(self) -> Field:
        for name in self._names:  # they import together
            try:
                self._running[name] = self._start(name)
            except OSError as error:
                self.missing[name] = without_paths(error)
        for name in list(self._running):
            try:
                self.present[name] = self.ask(name, "hello", TO_BEGIN)
            except PeerError as error:
                self.missing[name] = without_paths(error)
        return self

    def __exit__(self, *exception: object) -> None:
        for process in self._running.values():
            process.close()

    def ask(self, name: str, do: str, within: float, **request: Any) -> dict[str, Any]:
        """Ask one of them; a process that fails is ended, and a new one asked the next time.

        Raises
        ------
        PeerError
            If there is no answer within so many seconds, or it is an error.
        """
        if name not in self._running:
            self._running[name] = self._start(name)
            within += TO_BEGIN
        try:
            return self._running[name].ask(do, within, **request)
        except PeerError:
            self._running.pop(name).close()
            raise

    def tune(self, job: Job) -> dict[str, Any]:
        """Let those who want to try a job; return what they found, or why they found nothing."""
        found: dict[str, Any] = {}
        for name in self.present:
            if not CONTESTANTS[name].tunes or not CONTESTANTS[name].serves(job):
                continue
            try:
                found[name] = self.ask(name, "tune", TO_BEGIN, job=job.as_json)
                self._tuned[name] = found[name]["variables"]  # for processes started later
            except PeerError as error:
                found[name] = {"why": without_paths(error)}
        return found

    def _start(self, name: str) -> Process:
        chosen = CONTESTANTS[name]
        variables = chosen.on_device if self._on_device else chosen.elsewhere
        return Process(
            WORKER,
            n_cores(),
            self._pythons.get(chosen.peer),
            [chosen.module],
            {**variables, **self._tuned.get(name, {})},
        )


def n_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
