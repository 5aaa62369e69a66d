"""Whether there is a device that can be used, and what it is like."""

from __future__ import annotations

import importlib.util
from typing import NamedTuple

from streamrnn.backends.cuda.failures import one_line, translated
from streamrnn.backends.errors import DeviceError

_INSTALL = "pip install 'streamrnn[cuda]'"


class Properties(NamedTuple):
    """What there is of a device."""

    name: str
    capability: tuple[int, int]
    n_multiprocessors: int
    threads: int  # of a block, at most
    warp: int  # threads that go together
    shared: int  # bytes that a block may have, if the kernel opts in
    memory: int  # bytes


#: What the simulator passes for: two multiprocessors, so that blocks do models in turns, and few
#: threads, since each is one of Python.
SIMULATED = Properties("simulator", (9, 0), 2, 4, 1, 64 << 10, 1 << 30)


def is_simulated() -> bool:
    """Return whether Numba's simulator stands in for the device."""
    from numba import config

    return bool(config.ENABLE_CUDASIM)


def available() -> str | None:
    """Return None if a device can be used, otherwise what is missing, on one line.

    Examples
    --------
    >>> from streamrnn.backends.cuda.device import available
    >>> missing = available()
    >>> missing is None or isinstance(missing, str)
    True
    """
    if importlib.util.find_spec("numba_cuda") is None:
        return f"numba-cuda is not installed: {_INSTALL}"
    if is_simulated():
        return None
    try:
        return _driver_missing() or toolkit_missing()
    except ImportError as error:
        return f"numba-cuda cannot be imported ({one_line(str(error))}): {_INSTALL}"


def _driver_missing() -> str | None:
    """Return what is wrong with the driver, or that it knows no device."""
    from numba.cuda.cudadrv.driver import driver
    from numba.cuda.cudadrv.error import CudaSupportError

    try:
        works = driver.is_available
    except CudaSupportError:  # the first time it says so by this
        works = False
    if not works:
        reason = one_line(str(driver.initialization_error))
        if "NO_DEVICE" in reason:
            return "there is a CUDA driver, and no device that it can use"
        if "cannot be found" in reason:
            return "no CUDA driver is installed (libcuda cannot be found)"
        return f"the CUDA driver does not start: {reason}"
    if driver.get_device_count() == 0:
        return "there is a CUDA driver, and no device that it can use"
    return None


def toolkit_missing() -> str | None:
    """Return what is missing of what kernels cannot be compiled without."""
    from numba.cuda.cudadrv import nvrtc, nvvm

    if not nvvm.is_available():
        return f"libNVVM of the CUDA toolkit is missing: {_INSTALL}"
    try:
        nvrtc.get_supported_ccs()
    except Exception as error:  # which it is depends on what is missing, and where
        reason = one_line(str(error))
        return f"NVRTC of the CUDA toolkit does not work ({reason}): {_INSTALL}"
    return None


def check() -> None:
    """Raise DeviceError unless a device can be used."""
    missing = available()
    if missing is not None:
        raise DeviceError(f"no device for backend='cuda': {missing}")


def properties() -> Properties:
    """Return what there is of the device that is used.

    Raises
    ------
    DeviceError
        If there is none.
    """
    check()
    if is_simulated():
        return SIMULATED
    with translated("asking the device what it has"):
        from numba import cuda

        it = cuda.get_current_device()
        major, minor = it.compute_capability
        return Properties(
            it.name,
            (int(major), int(minor)),
            it.MULTIPROCESSOR_COUNT,
            it.MAX_THREADS_PER_BLOCK,
            it.WARP_SIZE,
            it.MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
            int(cuda.current_context().get_memory_info().total),
        )
