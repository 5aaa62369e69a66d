"""Launches the kernels of shared weights: three a round, and the next round follows by itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from streamrnn.backends.cuda import device
from streamrnn.backends.cuda.failures import translated
from streamrnn.backends.cuda.launching import Launcher
from streamrnn.backends.cuda.memory import address, allocate_zeros
from streamrnn.backends.cuda.rounds import Rounds, n_chunks_of
from streamrnn.backends.cuda.stretches import Stretch
from streamrnn.layout import Sizes, n_summed

#: Of the kernel that makes the mean, a thread a parameter: threads of a block, and blocks a
#: multiprocessor at most.
_MEAN_THREADS, _MEAN_BLOCKS = 128, 8


class RoundLauncher(Launcher):
    """Launches rounds of streams that share their weights; the parameters are a `Launcher`'s."""

    _TOLD = Rounds()

    def __init__(self, kind: tuple[tuple[type, ...], str], sizes: Sizes) -> None:
        super().__init__(kind, sizes)
        self._n_chunks = 0
        self._sums: Any = None
        self._counts: Any = None

    def _kernels_for(self, kind: tuple[tuple[type, ...], str], wide: bool) -> Iterable[Any]:
        from streamrnn.backends.cuda import shared_kernels

        return shared_kernels.kernels_for(*kind)

    def _place(self, sizes: Sizes, dtype: str, there: device.Properties) -> None:
        super()._place(sizes, dtype, there)
        _, mean, update = self._kernels
        update.blocks(self._threads, self._placing.shared_bytes)  # that it may have them
        self._mean_threads = min(_MEAN_THREADS, mean.threads)
        blocks = -(-n_summed(sizes) // self._mean_threads)
        self._mean_blocks = min(blocks, _MEAN_BLOCKS * there.n_multiprocessors)

    def reserve(self, n_models: int) -> None:
        """Take scratch for the blocks of a round of so many streams, and room for their sums.

        Raises
        ------
        DeviceError
            If there is not so much memory.
        """
        n = n_chunks_of(n_models)
        super().reserve(n)
        if n > self._n_chunks:
            self._n_chunks, self._sums, self._counts = 0, None, None  # the smaller ones go first
            self._sums = allocate_zeros(-(-n * n_summed(self._sizes) * self._item // 8), np.int64)
            self._counts = allocate_zeros(n + 1, np.int64)
            self._n_chunks = n

    def words(self, call: Rounds) -> np.ndarray:
        """Return what the kernels are told; `call` has addresses of the device."""
        return super().words(call._replace(sums=address(self._sums), counts=address(self._counts)))

    def launch(self, piece: Stretch, words: Any, stream: Any) -> None:
        """Begin to work at all rounds of a stretch; `words` lie on the device."""
        gather, mean, update = self._kernels
        with translated("launching"):
            for n in piece.counts.tolist():
                self._launch_blocks(gather, min(n_chunks_of(n), self._n_blocks), words, stream)
                mean.launch(self._mean_blocks, self._mean_threads, 0, words, stream)
                self._launch_blocks(update, 1, words, stream)
