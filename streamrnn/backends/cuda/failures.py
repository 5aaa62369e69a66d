"""From what CUDA and its Python packages raise to `DeviceError`: the only place that knows them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from streamrnn.backends.errors import DeviceError

#: What helps where memory is short.
LESS = "use fewer keys at once (max_keys), blocks of fewer rows, or dtype='float32'"

#: Packages whose exceptions are about the device.
_SPEAKERS = ("numba", "numba_cuda", "cuda")

#: Errors after which CUDA refuses everything until the process ends.
_FATAL = frozenset(
    "CUDA_ERROR_" + name
    for name in (
        *("ILLEGAL_ADDRESS", "LAUNCH_FAILED", "ILLEGAL_INSTRUCTION", "MISALIGNED_ADDRESS"),
        *("INVALID_ADDRESS_SPACE", "INVALID_PC", "HARDWARE_STACK_ERROR", "ASSERT"),
        *("ECC_UNCORRECTABLE", "LAUNCH_TIMEOUT", "DEVICE_NOT_LICENSED", "DEVICE_UNAVAILABLE"),
        *("CONTEXT_IS_DESTROYED", "DEINITIALIZED", "EXTERNAL_DEVICE"),
        *("MPS_CLIENT_TERMINATED", "TENSOR_MEMORY_LEAK", "CONTAINED", "UNKNOWN"),
    )
)


@contextmanager
def translated(doing: str, wanted: int | None = None) -> Iterator[None]:
    """Turn what CUDA raises into `DeviceError`; what others raise passes.

    Parameters
    ----------
    doing
        What is done meanwhile, for messages, as in "while ...".
    wanted
        Bytes that are asked for, if any are.
    """
    try:
        yield
    except DeviceError:
        raise
    except Exception as error:
        told = _told(error, doing, wanted)
        if told is None:
            raise
        raise told from error


def _told(error: Exception, doing: str, wanted: int | None) -> DeviceError | None:
    """Return what an exception means to users; None if it is not about the device."""
    found = re.search(r"CUDA_ERROR_\w+", f"{getattr(error, 'code', '')} {error}")
    code = found.group() if found else ""
    if not code and type(error).__module__.partition(".")[0] not in _SPEAKERS:
        return None
    if code == "CUDA_ERROR_OUT_OF_MEMORY":
        return DeviceError(f"out of memory while {doing}{_amount(wanted)}; {LESS}")
    if "before forking" in str(error):
        message = "a forked process cannot use its parent's device: start it by spawning"
        return DeviceError(message, is_lost=True)
    if code in _FATAL:
        message = f"the device failed while {doing} ({code}): only a new process can use it again"
        return DeviceError(message, is_lost=True)
    if code == "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES":
        message = f"the device has not the registers or shared memory for {doing}"
        return DeviceError(f"{message}; a smaller model, or dtype='float32', needs less")
    return DeviceError(f"{code or type(error).__name__} while {doing}: {one_line(str(error))}")


def _amount(wanted: int | None) -> str:
    if wanted is None:
        return ""
    free = _free()
    return f": {wanted} bytes were wanted and {'?' if free is None else free} are free"


def _free() -> int | None:
    """Return the free bytes of the device; None if it does not answer."""
    from numba import cuda

    try:
        return int(cuda.current_context().get_memory_info().free)
    except Exception:
        # Asked while another failure is told, which is what counts.
        return None


def one_line(text: str) -> str:
    """Return the first words of a text of several lines, on one."""
    words = " ".join(text.split())
    return words if len(words) <= 300 else words[:297] + "..."
