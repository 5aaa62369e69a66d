"""A compiled kernel and what it is launched with: threads, shared memory, scratch."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from streamrnn.backends import cpu
from streamrnn.backends.cuda import device
from streamrnn.backends.cuda.failures import translated
from streamrnn.backends.cuda.memory import address, allocate_zeros
from streamrnn.backends.cuda.placing import placing_for, placing_of_grid
from streamrnn.backends.errors import DeviceError
from streamrnn.lanes.team import bytes_shared
from streamrnn.layout import Sizes

#: Units from which a single model is worked at by all blocks together, as by all cores of a CPU.
_WIDE = 256

#: Threads of each of those blocks.
_WIDE_THREADS = 256

#: Blocks have no more than this share of the device's memory as scratch.
_SCRATCH_SHARE = 8


def is_wide(sizes: Sizes, n_models: int) -> bool:
    """Return whether models are done one after the other, each by the whole device."""
    return n_models == 1 and sizes.hidden_size >= _WIDE


class Kernel:
    """A kernel for one address, as the device that is used takes it."""

    def __init__(self, kernel: Any, there: device.Properties) -> None:
        self._kernel = kernel
        self._there = there
        self._is_simulated = device.is_simulated()
        self._compiled: Any = None
        self._configured: tuple[Any, Any] = None, None
        if not self._is_simulated:
            from numba import types

            self._compiled = kernel.compile((types.int64,))
            self._allow_shared()

    @property
    def threads(self) -> int:
        """Threads that a block may have, with the registers that the kernel needs."""
        if self._is_simulated:
            return self._there.threads
        return min(self._there.threads, int(self._compiled.max_threads_per_block))

    def blocks(self, threads: int, shared: int) -> int:
        """Return how many such blocks the device holds at once.

        Raises
        ------
        DeviceError
            If not even one is held.
        """
        if self._is_simulated:
            return self._there.n_multiprocessors
        blocks = int(self._compiled.max_cooperative_grid_blocks(threads, shared))
        if blocks < 1:
            raise DeviceError(
                f"the device does not hold a block of {threads} threads with {shared} bytes of "
                "shared memory"
            )
        return blocks

    def blocks_that_meet(self, threads: int) -> int:
        """Return how many such blocks may wait for each other, one on each multiprocessor."""
        if self._is_simulated:  # there they run one after the other
            return 1
        return min(self.blocks(threads, 0), self._there.n_multiprocessors)

    def _allow_shared(self) -> None:
        """Let its blocks have more shared memory than the 48 KiB that all devices give unasked.

        All that there is, since the limit belongs to the function that all models of a kind have in
        common: what small ones need would keep larger ones from being launched.
        """
        from cuda.bindings import driver as binding
        from numba.cuda.cudadrv.driver import driver

        function = self._compiled._codelibrary.get_cufunc()
        what = binding.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
        driver.cuKernelSetAttribute(what, self._there.shared, function.handle, function.device.id)

    def launch(self, blocks: int, threads: int, shared: int, words: Any, stream: Any) -> None:
        """Begin to run it with the address of words that lie on the device."""
        configuration = blocks, threads, stream, shared
        # Rounds that follow each other are alike. The simulator has one configuration for all.
        if configuration != self._configured[0] or self._is_simulated:
            with warnings.catch_warnings():
                # A few models on a large device are what there is to do.
                warnings.filterwarnings("ignore", message="Grid size")
                self._configured = configuration, self._kernel[configuration]
        self._configured[1](address(words))


class Launcher:
    """Launches the kernel for models of a kind and of some sizes.

    Parameters
    ----------
    kind
        What compiled code depends on, `Blueprint.kind`.
    sizes
        Of the models.
    wide
        Whether the whole device works at one model.

    Raises
    ------
    DeviceError
        If there is no device, or a model does not fit on it.
    """

    #: What the kernels are told, beside sizes and placing.
    _TOLD: Any = cpu.Call()

    def __init__(
        self, kind: tuple[tuple[type, ...], str], sizes: Sizes, wide: bool = False
    ) -> None:
        there = device.properties()
        with translated("compiling for the device"):
            from streamrnn.backends.cuda import kernels

            self._kernels = [Kernel(one, there) for one in self._kernels_for(kind, wide)]
        self._words_for = kernels.words_for
        self._sizes, self._item = sizes, np.dtype(kind[1]).itemsize
        self._is_wide = wide
        try:
            with translated("preparing the kernel"):
                self._place(sizes, kind[1], there)
        except ValueError as error:
            raise DeviceError(f"{_named(sizes)} does not fit on the device: {error}") from None
        #: How many words the kernel is told.
        self.n_words = len(self._words_for(self._TOLD, sizes, self._placing))
        self._n_blocks, self._scratch = 0, None
        self._meeting: Any = None

    def _kernels_for(self, kind: tuple[tuple[type, ...], str], wide: bool) -> Iterable[Any]:
        """Return the kernels; the first one needs most."""
        from streamrnn.backends.cuda import kernels

        return (kernels.kernel_for(*kind, wide),)

    def _place(self, sizes: Sizes, dtype: str, there: device.Properties) -> None:
        """Settle threads and shared memory, and how many models are worked at together."""
        kernel = self._kernels[0]
        threads = min(one.threads for one in self._kernels)
        if self._is_wide:
            self._threads = min(_WIDE_THREADS, threads)
            self._blocks, self.at_once = kernel.blocks_that_meet(self._threads), 1
            n = self._blocks * self._threads
            self._placing = placing_of_grid(sizes, dtype, n, there.warp)
            return
        self._placing = placing_for(sizes, dtype, there.shared, threads, warp=there.warp)
        self._threads = self._placing.threads
        blocks = kernel.blocks(self._threads, self._placing.shared_bytes)
        scratch = max(1, self._placing.workspace_bytes)
        self.at_once = max(1, min(blocks, there.memory // _SCRATCH_SHARE // scratch))

    def reserve(self, n_models: int) -> None:
        """Take scratch for so many models at once, or as many as run at once.

        Raises
        ------
        DeviceError
            If there is not so much memory.
        """
        n, placing = min(n_models, self.at_once), self._placing
        if self._is_wide and self._meeting is None:
            n_bytes = bytes_shared(placing.n_lanes, placing.room, self._item)
            self._meeting = allocate_zeros(-(-n_bytes // 8), np.int64)
        if n > self._n_blocks:
            self._n_blocks, self._scratch = 0, None  # the smaller one goes first
            self._scratch = allocate_zeros(-(-n * placing.workspace_bytes // 8), np.int64)
            self._n_blocks = n

    def words(self, call: Any) -> np.ndarray:
        """Return what the kernels are told; `call`, of the type of theirs, has addresses there."""
        call = call._replace(workspace=address(self._scratch))
        if self._is_wide:
            call = call._replace(team=address(self._meeting))
        words: np.ndarray = self._words_for(call, self._sizes, self._placing)
        return words

    def launch(self, piece: Any, words: Any, stream: Any) -> None:
        """Begin to work at a piece; `words` lie on the device."""
        blocks = self._blocks if self._is_wide else min(len(piece.models), self._n_blocks)
        with translated("launching"):
            self._launch_blocks(self._kernels[0], blocks, words, stream)

    def _launch_blocks(self, kernel: Kernel, blocks: int, words: Any, stream: Any) -> None:
        kernel.launch(blocks, self._threads, self._placing.shared_bytes, words, stream)


def _named(sizes: Sizes) -> str:
    layers = f"{sizes.num_layers} layers of " if sizes.num_layers > 1 else ""
    return (
        f"a model with {sizes.n_inputs} inputs, {layers}{sizes.hidden_size} units, "
        f"{sizes.n_outputs} outputs and truncation {sizes.truncation}"
    )


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
