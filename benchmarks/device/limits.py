"""What a device could do at best: from its properties, and by copying."""

from __future__ import annotations

from typing import Any

#: Units for float32 a multiprocessor has, by compute capability (CUDA C++ Programming Guide,
#: "Arithmetic Instructions": results of float32 fused multiply-add a clock).
_LANES = {(7, 0): 64, (7, 5): 64, (8, 0): 64, (8, 6): 128, (8, 7): 128, (8, 9): 128, (9, 0): 128}
_LANES_SINCE = 128


def arithmetic(multiprocessors: int, clock_hz: float, capability: tuple[int, int]) -> float:
    """Return float32 operations a second: each unit multiplies and adds with every clock."""
    return multiprocessors * _LANES.get(capability, _LANES_SINCE) * 2 * clock_hz


def bandwidth(bus_bits: int, clock_hz: float) -> float:
    """Return bytes a second of the device's memory, which answers twice a clock."""
    return bus_bits / 8 * 2 * clock_hz


def properties() -> dict[str, Any]:
    """Read the device's properties, and the limits that follow from them.

    The clocks are the highest that it may take, not those that it had. In the simulator there are
    none to read, and no limits.
    """
    from numba import cuda

    from streamrnn.backends.cuda import device

    there = device.properties()
    found: dict[str, Any] = {"name": there.name, "capability": list(there.capability)}
    if device.is_simulated():
        return found
    own = cuda.get_current_device()
    clock, memory_clock = 1e3 * own.CLOCK_RATE, 1e3 * own.MEMORY_CLOCK_RATE
    found |= {
        "multiprocessors": int(there.n_multiprocessors),
        "clock_ghz": clock / 1e9,
        "memory_clock_ghz": memory_clock / 1e9,
        "bus_bits": int(own.GLOBAL_MEMORY_BUS_WIDTH),
        "memory_bytes": there.memory,
    }
    found["float32_tflops"] = arithmetic(found["multiprocessors"], clock, there.capability) / 1e12
    found["memory_gb_s"] = bandwidth(found["bus_bits"], memory_clock) / 1e9
    return found


def copy_bandwidth(n_floats: int, repeats: int = 5) -> dict[str, float]:
    """Measure bytes a second, read and written, of copying within the device's memory."""
    from numba import cuda

    source = cuda.device_array(n_floats, "float32")
    target = cuda.device_array(n_floats, "float32")
    times = []
    for _ in range(repeats + 1):
        begun, ended = cuda.event(), cuda.event()
        begun.record()
        target.copy_to_device(source)
        ended.record()
        ended.synchronize()
        times.append(cuda.event_elapsed_time(begun, ended) / 1e3)
    return {"copy_gb_s": 2 * source.nbytes / min(times[1:]) / 1e9}
