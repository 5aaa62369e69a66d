"""Kernels compile for a device where there is none: what Python lets pass may not."""

import importlib.util
import os
import subprocess
from pathlib import Path

import pytest
from engine_helpers import blueprint, rls

from streamrnn.backends.cuda.device import toolkit_missing
from streamrnn.treatment import Further

pytest.importorskip("numba_cuda")

#: Hopper's.
CAPABILITY = (9, 0)


@pytest.fixture
def compiles(monkeypatch):
    """Return a function that compiles a kernel to PTX as if a device were there."""
    if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1" or os.environ.get("NUMBA_DISABLE_JIT") == "1":
        pytest.skip("nothing is compiled")
    missing = toolkit_missing()
    if missing is not None:
        pytest.skip(missing)
    from numba.cuda import compile_ptx, dispatcher, types

    class Device:
        compute_capability = CAPABILITY

    monkeypatch.setattr(dispatcher, "get_current_device", lambda: Device)
    return lambda kernel: compile_ptx(kernel.py_func, types.void(types.int64), cc=CAPABILITY)[0]


def assembler():
    """The program that makes machine code of PTX, if it is installed."""
    found = importlib.util.find_spec("nvidia.cuda_nvcc")
    paths = [Path(place) / "bin" / "ptxas" for place in found.submodule_search_locations or ()]
    return next((path for path in paths if path.exists()), None) if found else None


def built(**words):
    made = blueprint(**words)
    return made.plugins, made.dtype


def kernel_of(plugins, dtype, is_wide=False):
    from streamrnn.backends.cuda.kernels import kernel_for

    return kernel_for(tuple(type(plugin) for plugin in plugins), dtype, is_wide)


def test_a_regressor_as_it_is_by_default_by_the_whole_device(compiles, tmp_path):
    """In single precision, assembled for a Hopper device: what does not fit is told then."""
    plugins, _ = built(cell="lstm", head=rls(), loss="huber", optimizer="adam")
    code = compiles(kernel_of(plugins, "float32", is_wide=True))
    assert "cudaCGSynchronize" in code
    path = assembler()
    if path is None:
        pytest.skip("ptxas is not installed")
    (tmp_path / "kernel.ptx").write_text(code)
    told = subprocess.run(
        # Not linked: the device's library has what all its threads meet by.
        [path, "-c", "-arch=sm_90", "-v", "--maxrregcount=96", "kernel.ptx", "-o", "kernel.o"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert told.returncode == 0, told.stderr[-2000:]
    assert "Used 96 registers" in told.stderr


def test_the_kernels_of_shared_weights_with_what_few_models_have(compiles):
    """Of which that of each learner by itself differs in what main does, and no more."""
    from streamrnn.backends.cuda.shared_kernels import kernels_for

    plugins, _ = built(
        cell="gru", activations="recomputed", loss="cross_entropy", optimizer="intentional"
    )
    plugins = plugins._replace(treatment=Further(units=0.1))
    kernels = kernels_for(tuple(type(plugin) for plugin in plugins), "float32")
    code = [compiles(kernel) for kernel in kernels]
    assert all(".entry" in one for one in code)
    # Lanes wait in the first and the last; the mean is every thread's own matter.
    assert ["bar.sync" in one for one in code] == [True, False, True]


def test_what_is_asked_of_numba_cuda_besides_what_it_documents_is_there(monkeypatch):
    """Limits of shared memory are set as it sets its own: the same function, in the same order."""
    if os.environ.get("NUMBA_ENABLE_CUDASIM") == "1":
        pytest.skip("the simulator has none of it")
    from cuda.bindings import driver as binding
    from numba.cuda.codegen import CUDACodeLibrary
    from numba.cuda.cudadrv import driver
    from numba.cuda.dispatcher import _Kernel

    from streamrnn.backends.cuda.device import SIMULATED
    from streamrnn.backends.cuda.launching import Kernel

    class Named:
        id, handle = 3, "handle"

        def __init__(self):
            self.device = self._codelibrary = self

        def compile(self, signature):
            return self

        def get_cufunc(self):
            return self

    asked = []
    told = type("Driver", (), {"cuKernelSetAttribute": lambda _, *numbers: asked.append(numbers)})
    monkeypatch.setattr(driver, "driver", told())
    driver.CudaPythonFunction.set_shared_memory_carveout(Named(), 50)
    Kernel(Named(), SIMULATED)
    known = binding.CUfunction_attribute
    assert asked == [
        (known.CU_FUNC_ATTRIBUTE_PREFERRED_SHARED_MEMORY_CARVEOUT, 50, "handle", 3),
        (known.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, SIMULATED.shared, "handle", 3),
    ]
    assert callable(binding.cuKernelSetAttribute)
    assert callable(driver.device_memset)
    assert callable(CUDACodeLibrary.get_cufunc)
    assert callable(_Kernel.max_cooperative_grid_blocks)
    assert isinstance(_Kernel.max_threads_per_block, property)
