"""Whether there is a device, and what its failures are called; none is needed to know."""

import importlib.util
import sys
import types

import pytest
from engine_helpers import blueprint

from streamrnn.backends.cuda import device
from streamrnn.backends.cuda.failures import LESS, translated
from streamrnn.backends.errors import DeviceError
from streamrnn.bank import Bank
from streamrnn.fleet import Fleet


class CudaSupportError(ImportError):
    pass


class FakeDriver:
    """numba-cuda's: says at first by an exception, and then by False, that it does not work."""

    def __init__(self, error=None, devices=1):
        self.initialization_error, self._devices, self._asked = error, devices, 0

    @property
    def is_available(self):
        self._asked += 1
        if self.initialization_error and self._asked == 1:
            raise CudaSupportError
        return self.initialization_error is None

    def get_device_count(self):
        return self._devices


def machine(monkeypatch, driver, nvvm=True, nvrtc=None):
    """Pretend that numba-cuda finds this."""

    def supported():
        if nvrtc is not None:
            raise nvrtc
        return [(9, 0)]

    error = types.SimpleNamespace(CudaSupportError=CudaSupportError)
    toolkit = types.SimpleNamespace(
        nvvm=types.SimpleNamespace(is_available=lambda: nvvm),
        nvrtc=types.SimpleNamespace(get_supported_ccs=supported),
    )
    root = "numba.cuda.cudadrv"
    monkeypatch.setitem(sys.modules, root, toolkit)
    monkeypatch.setitem(sys.modules, f"{root}.driver", types.SimpleNamespace(driver=driver))
    monkeypatch.setitem(sys.modules, f"{root}.error", error)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)
    monkeypatch.setattr(device, "is_simulated", lambda: False)


NO_LIBRARY = "\nCUDA driver library cannot be found.\nEnsure that a compatible ...\n"
NO_DEVICE = "Call to cuInit results in CUDA_ERROR_NO_DEVICE (100)"
OTHER = "Call to cuInit results in\nCUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803)"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"driver": FakeDriver(NO_LIBRARY)}, "no CUDA driver is installed"),
        ({"driver": FakeDriver(NO_DEVICE)}, "no device that it can use"),
        ({"driver": FakeDriver(devices=0)}, "no device that it can use"),
        ({"driver": FakeDriver(OTHER)}, "does not start: Call to cuInit results in CUDA_ERROR"),
        ({"driver": FakeDriver(), "nvvm": False}, "libNVVM .* pip install 'streamrnn.cuda.'"),
        ({"driver": FakeDriver(), "nvrtc": RuntimeError("lib?")}, r"NVRTC .* \(lib\?\)"),
    ],
    ids=["library", "device", "count", "other", "nvvm", "nvrtc"],
)
def test_what_is_missing_is_said_on_one_line(monkeypatch, words, expected):
    machine(monkeypatch, **words)
    for _ in range(2):
        missing = device.available()
        assert "\n" not in missing
        with pytest.raises(DeviceError, match=f"no device for backend='cuda': .*{expected}"):
            device.check()


def test_a_machine_with_a_device_lacks_nothing(monkeypatch):
    machine(monkeypatch, FakeDriver())
    assert device.available() is None
    device.check()


def test_without_the_package_its_installation_is_what_is_missing(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert device.available() == "numba-cuda is not installed: pip install 'streamrnn[cuda]'"


def test_nothing_is_looked_for_before_models_are_run(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: pytest.fail("looked"))
    made = Bank(blueprint())
    made.backend = "cuda"
    assert made.backend == "cuda"
    assert made.driver.seconds == 0.0
    made.select(made.take())
    made.grow(2, 1)
    made.backend = "cpu"
    assert made.driver is None


def test_an_unknown_backend_and_shared_weights_are_refused():
    with pytest.raises(ValueError, match=r"did you mean 'cuda'\?.*known: cpu, cuda"):
        Bank(blueprint()).backend = "cuda1"
    with pytest.raises(ValueError, match="share weights are run by the CPU"):
        Fleet(blueprint()).backend = "cuda"


# --- failures


class CudaAPIError(Exception):
    """As numba-cuda has it: a code, and who returned it."""

    def __init__(self, name):
        super().__init__(1, f"Call to cuSomething results in {name}")


CudaAPIError.__module__ = "numba.cuda.cudadrv.driver"


@pytest.mark.parametrize(
    ("name", "message", "is_lost"),
    [
        ("CUDA_ERROR_OUT_OF_MEMORY", f"out of memory while trying: 12 .*{LESS[:20]}", False),
        ("CUDA_ERROR_ILLEGAL_ADDRESS", "only a new process can use it again", True),
        ("CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "registers or shared memory", False),
        ("CUDA_ERROR_INVALID_VALUE", "CUDA_ERROR_INVALID_VALUE while trying", False),
    ],
)
def test_errors_of_cuda_become_one_line(name, message, is_lost):
    with pytest.raises(DeviceError, match=message) as caught, translated("trying", 12):
        raise CudaAPIError(name)
    assert "\n" not in str(caught.value)
    assert caught.value.is_lost == is_lost
    assert isinstance(caught.value.__cause__, CudaAPIError)


def test_a_fork_is_told_what_to_do():
    error = CudaAPIError("")
    error.args = ("CUDA initialized before forking",)
    with pytest.raises(DeviceError, match="spawning"), translated("trying"):
        raise error


def test_what_is_not_of_the_device_passes():
    with pytest.raises(KeyError), translated("trying"):
        raise KeyError("of somebody else")
    with pytest.raises(KeyboardInterrupt), translated("trying"):
        raise KeyboardInterrupt
    with pytest.raises(DeviceError, match=r"^known$"), translated("trying"):
        raise DeviceError("known")
