"""PyTorch: one sample's work as a CUDA graph, and functions fused by the compiler."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import torch

#: PyTorch's own default for cuDNN is a shorter mantissa; all contestants multiply in float32.
torch.backends.cudnn.allow_tf32 = False
torch.backends.cuda.matmul.allow_tf32 = False

ON_CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if ON_CUDA else "cpu")
_TRIES = 20


def fused(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let PyTorch's compiler fuse a function, for all sizes at once; not on a CPU.

    What cannot be compiled, as for want of Triton, runs as it is.
    """
    if not ON_CUDA:
        return function
    import torch._dynamo

    torch._dynamo.config.suppress_errors = True
    return torch.compile(function, dynamic=True)


def fastest(ways: dict[str, Callable[[], None]]) -> tuple[Callable[[], None], str]:
    """Capture each way to do a sample's work; return the fastest, and what it is called.

    Each works on tensors that stay where they are. On a CPU the first is taken as it is, and where
    none can be captured, too; then the reason is told. A want of memory is raised.
    """
    first, plain = next(iter(ways.items()))
    if not ON_CUDA:
        return plain, f"{first}, on the CPU"
    found, reason = [], ""
    for name, work in ways.items():
        try:
            replay = _captured(work)
        except torch.cuda.OutOfMemoryError:
            raise
        except RuntimeError as error:  # the other ways are left
            reason = str(error).splitlines()[0]
            torch.cuda.synchronize()
        else:
            found.append((_seconds(replay), replay, f"{name}, in a CUDA graph"))
    if not found:
        return plain, f"{first}, without a CUDA graph: {reason}"
    return min(found, key=lambda way: way[0])[1:]


def _captured(work: Callable[[], None]) -> Callable[[], None]:
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):  # what is made at the first call must not be captured
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def _seconds(replay: Callable[[], None]) -> float:
    replay()
    torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(_TRIES):
        replay()
    torch.cuda.synchronize()
    return time.perf_counter() - started


class Clock:
    """Seconds on the device, by its events; None on a CPU."""

    def __init__(self) -> None:
        self.seconds: float | None = 0.0 if ON_CUDA else None

    def __enter__(self) -> Clock:
        if ON_CUDA:
            self._begun, self._ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            self._begun.record()
        return self

    def __exit__(self, *exception: object) -> None:
        if ON_CUDA and self.seconds is not None:
            self._ended.record()
            self._ended.synchronize()
            self.seconds += self._begun.elapsed_time(self._ended) / 1e3


def memory() -> int | None:
    """Return the greatest number of bytes in use so far, since the last learners were built."""
    return torch.cuda.max_memory_allocated() if ON_CUDA else None


def forget() -> None:
    """Give back what earlier learners took."""
    if ON_CUDA:
        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def hello() -> dict[str, Any]:
    """Say what is used."""
    device = torch.cuda.get_device_name() if ON_CUDA else "CPU"
    return {"versions": {"torch": torch.__version__}, "device": device}
