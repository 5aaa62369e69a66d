"""Whether there is a device, and what its failures are called; none is needed to know."""

import importlib.util
import subprocess
import sys
import types
import warnings
from pathlib import Path

import pytest
from engine_helpers import blueprint

from streamrnn.backends.cuda import device
from streamrnn.backends.cuda.failures import LESS, translated
from streamrnn.backends.cuda.launching import Kernel, is_wide
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


def test_a_package_that_lacks_something_says_what(monkeypatch):
    machine(monkeypatch, FakeDriver())
    monkeypatch.setitem(sys.modules, "numba.cuda.cudadrv.driver", None)
    assert "cannot be imported (import of numba.cuda.cudadrv.driver" in device.available()


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


def test_numba_cuda_is_not_imported_before_models_are_run():
    script = (
        "import sys\n"
        "from engine_helpers import blueprint\n"
        "from streamrnn.bank import Bank\n"
        "Bank(blueprint()).backend = 'cuda'\n"
        "assert 'streamrnn.backends.cuda.driver' in sys.modules\n"
        "assert 'numba.cuda' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parent)


def test_an_unknown_backend_is_refused():
    with pytest.raises(ValueError, match=r"did you mean 'cuda'\?.*known: cpu, cuda"):
        Bank(blueprint()).backend = "cuda1"
    with pytest.raises(ValueError, match="known: cpu, cuda"):
        Fleet(blueprint()).backend = "gpu"


# --- kernels, as numba-cuda has them


class FakeKernel:
    """What is asked of a dispatcher, and of the function that it has compiled."""

    max_threads_per_block = 224

    def __init__(self, blocks=264):
        self.blocks, self.signatures, self.launched = blocks, [], []
        there = types.SimpleNamespace(id=0)
        function = types.SimpleNamespace(handle="handle", device=there)
        self._codelibrary = types.SimpleNamespace(get_cufunc=lambda: function)

    def compile(self, signature):
        self.signatures.append(signature)
        return self

    def max_cooperative_grid_blocks(self, threads, shared):
        return self.blocks

    def __getitem__(self, configuration):
        warnings.warn("Grid size 1 will likely result in under-utilization", stacklevel=1)
        return lambda *arguments: self.launched.append((configuration, arguments))


@pytest.fixture
def attributes(monkeypatch):
    """The attributes that are set of functions; the machine has a device."""
    found = []
    driver = FakeDriver()
    driver.cuKernelSetAttribute = lambda *arguments: found.append(arguments)
    machine(monkeypatch, driver)
    name = "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES"
    known = types.SimpleNamespace(CUfunction_attribute=types.SimpleNamespace(**{name: name}))
    monkeypatch.setitem(sys.modules, "cuda", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "cuda.bindings", types.SimpleNamespace(driver=known))
    return found


THERE = device.SIMULATED._replace(n_multiprocessors=132, threads=1024, warp=32)


def test_a_kernel_has_the_threads_and_the_memory_that_its_registers_leave(attributes):
    fake = FakeKernel()
    kernel = Kernel(fake, THERE)
    assert [str(one) for one in fake.signatures[0]] == ["int64"]
    assert kernel.threads == 224
    assert kernel.blocks(160, 100_000) == 264
    assert kernel.blocks_that_meet(256) == 132
    assert Kernel(FakeKernel(7), THERE).blocks_that_meet(256) == 7
    with pytest.raises(DeviceError, match="160 threads with 100000 bytes"):
        Kernel(FakeKernel(0), THERE).blocks(160, 100_000)


def test_what_small_models_need_does_not_limit_large_ones(attributes):
    """A limit belongs to the function, which models of all sizes have in common."""
    fake = FakeKernel()
    limit = "CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES"
    for needed in (60_000, 100, 0):
        Kernel(fake, THERE).blocks(160, needed)
        assert attributes[-1] == (limit, THERE.shared, "handle", 0)


def test_a_small_launch_warns_nobody(attributes, monkeypatch):
    fake = FakeKernel()
    words = types.SimpleNamespace(__cuda_array_interface__={"data": (4096, False)})
    Kernel(fake, THERE).launch(3, 96, 1000, words, "stream")
    assert fake.launched == [((3, 96, "stream", 1000), (4096,))]


def test_a_wide_model_is_done_by_all_blocks_only_when_it_is_alone():
    wide = blueprint(hidden_size=512).sized(2, 1)
    assert is_wide(wide, 1)
    assert not is_wide(wide, 2)
    assert not is_wide(blueprint(hidden_size=32).sized(2, 1), 1)


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
