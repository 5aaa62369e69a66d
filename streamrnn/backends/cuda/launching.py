"""A compiled kernel and what it is launched with: threads, shared memory, scratch."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from streamrnn.backends import cpu
from streamrnn.backends.cuda import device
from streamrnn.backends.cuda.failures import translated
from streamrnn.backends.cuda.memory import address, allocate_zeros
from streamrnn.backends.errors import DeviceError
from streamrnn.layout import Sizes

#: Blocks that the simulator pretends to run at once on a multiprocessor.
_SIMULATED_BLOCKS = 1

#: Blocks of scratch take no more than this share of the device's memory.
_SCRATCH_SHARE = 8


class Launcher:
    """Launches the kernel for models of a kind and of some sizes.

    Parameters
    ----------
    kind
        What compiled code depends on, `Blueprint.kind`.
    sizes
        Of the models.

    Raises
    ------
    DeviceError
        If there is no device, or a model does not fit on it.
    """

    def __init__(self, kind: tuple[tuple[type, ...], str], sizes: Sizes) -> None:
        there = device.properties()
        with translated("compiling for the device"):
            from streamrnn.backends.cuda import kernels

            self._kernel = kernels.kernel_for(*kind)
            threads = _threads_of(self._kernel, there)
        try:
            self._placing = kernels.placing_for(*kind, sizes, there.shared, threads)
        except ValueError as error:
            raise DeviceError(f"{_named(sizes)} does not fit on the device: {error}") from None
        self._words_for = kernels.words_for
        self._sizes = sizes
        #: How many words the kernel is told.
        self.n_words = len(self._words_for(cpu.Call(), sizes, self._placing))
        with translated("preparing the kernel"):
            self.at_once = _blocks_at_once(self._kernel, self._placing, there)
        scratch = max(1, self._placing.workspace_bytes)
        self.at_once = max(1, min(self.at_once, there.memory // _SCRATCH_SHARE // scratch))
        self._n_blocks, self._scratch = 0, None

    def reserve(self, n_models: int) -> None:
        """Take scratch for so many models at once, or as many as run at once."""
        n = min(n_models, self.at_once)
        if n > self._n_blocks:
            self._scratch = None  # the smaller one goes first
            self._n_blocks = 0
            self._scratch = allocate_zeros(-(-n * self._placing.workspace_bytes // 8), np.int64)
            self._n_blocks = n

    def words(self, call: cpu.Call) -> np.ndarray:
        """Return what the kernel is told; `call` has addresses of the device."""
        call = call._replace(workspace=address(self._scratch))
        words: np.ndarray = self._words_for(call, self._sizes, self._placing)
        return words

    def launch(self, n_models: int, words: Any, stream: Any) -> None:
        """Begin to work at some models; `words` lie on the device."""
        with translated("launching"):
            configured = self._configured(min(n_models, self._n_blocks), stream)
            configured(words)

    def _configured(self, grid: int, stream: Any) -> Any:
        placing = self._placing
        with warnings.catch_warnings():
            # A few models on a large device are what there is to do.
            warnings.filterwarnings("ignore", message="Grid size")
            return self._kernel[grid, placing.threads, stream, placing.shared_bytes]


def _named(sizes: Sizes) -> str:
    layers = f"{sizes.num_layers} layers of " if sizes.num_layers > 1 else ""
    return (
        f"a model with {sizes.n_inputs} inputs, {layers}{sizes.hidden_size} units, "
        f"{sizes.n_outputs} outputs and truncation {sizes.truncation}"
    )


def _compiled(kernel: Any) -> Any:
    """Return the kernel for one vector of integers."""
    from numba import types

    return kernel.compile((types.int64[::1],))


def _threads_of(kernel: Any, there: device.Properties) -> int:
    """Return how many threads a block may have, with the registers that the kernel needs."""
    if device.is_simulated():
        return there.threads
    return min(there.threads, int(_compiled(kernel).max_threads_per_block))


def _blocks_at_once(kernel: Any, placing: Any, there: device.Properties) -> int:
    """Return how many blocks the device runs at once; let them have their shared memory."""
    if device.is_simulated():
        return there.n_multiprocessors * _SIMULATED_BLOCKS
    _allow_shared(kernel, placing.shared_bytes)
    compiled = _compiled(kernel)
    blocks: int = compiled.max_cooperative_grid_blocks(placing.threads, placing.shared_bytes)
    if blocks < 1:
        raise DeviceError(
            f"a block of {placing.threads} threads with {placing.shared_bytes} bytes of shared "
            "memory does not fit on a multiprocessor"
        )
    return blocks


def _allow_shared(kernel: Any, n_bytes: int) -> None:
    """Let a kernel have more shared memory than the 48 KiB that all devices give unasked."""
    from cuda.bindings import driver as binding
    from numba import cuda
    from numba.cuda.cudadrv.driver import driver

    function = _compiled(kernel)._codelibrary.get_cufunc()
    attribute = binding.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
    driver.cuKernelSetAttribute(attribute, n_bytes, function.handle, cuda.get_current_device().id)


class Stopwatch:
    """Measures how long the device is at work between two places of a stream."""

    def __init__(self) -> None:
        from numba import cuda

        self._is_simulated = device.is_simulated()
        self._begun = self._ended = 0.0
        if not self._is_simulated:
            self._events = cuda.event(timing=True), cuda.event(timing=True)

    def begin(self, stream: Any) -> None:
        """Begin where the stream is now."""
        if self._is_simulated:
            self._begun = time.perf_counter()
        else:
            self._events[0].record(stream)

    def end(self, stream: Any) -> None:
        """End where the stream is now."""
        if self._is_simulated:
            self._ended = time.perf_counter()
        else:
            self._events[1].record(stream)

    @property
    def seconds(self) -> float:
        """How long it took, once the stream has passed the end."""
        if self._is_simulated:
            return self._ended - self._begun
        begun, ended = self._events
        return float(begun.elapsed_time(ended)) / 1000.0
