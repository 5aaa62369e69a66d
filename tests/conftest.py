"""Fixtures and markers that many test files share."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from crash_helpers import Forks
from estimator_helpers import SMALL, plain
from numba import config

from streamrnn import RNNClassifier, RNNRegressor
from streamrnn.backends.cuda.device import available, is_simulated

HERE = Path(__file__).parent

# Threads of the simulator wait for each other, and each is one of Python: ten times as fast.
if is_simulated():
    sys.setswitchinterval(1e-4)

_IS_SIMULATED = is_simulated() and bool(config.DISABLE_JIT) and available() is None

# Shells start jobs in the background deaf to Ctrl-C; the processes that tests interrupt inherit it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

#: What takes longest begins first, so that no process is left alone with it in the end. It needs
#: pytest-xdist's ``--no-loadscope-reorder``, without which files of many tests come first.
SLOW = (
    *("test_compilation.py", "test_team.py", "test_laws.py", "test_readout_laws.py"),
    *("test_family.py", "test_gradient_credit.py", "test_late_targets.py", "test_cli_warmup.py"),
    *("test_readout_twin.py", "test_safety.py", "test_online_twin.py", "test_travel_targets.py"),
)


def pytest_collection_modifyitems(items):
    place = {HERE / name: i for i, name in enumerate(SLOW)}
    assert all(path.is_file() for path in place), "SLOW names a file that is not there"
    items.sort(key=lambda item: place.get(item.path, len(place)))


def pytest_runtest_setup(item):
    if item.get_closest_marker("simulated") and not _IS_SIMULATED:
        pytest.skip("needs NUMBA_ENABLE_CUDASIM=1 NUMBA_DISABLE_JIT=1 and numba-cuda")
    if item.get_closest_marker("device"):
        missing = "the simulator is no device" if is_simulated() else available()
        if missing is not None:
            pytest.skip(missing)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def stream(rng):
    """Forty samples of three features with some memory in the target, as River dicts."""
    X = rng.normal(size=(40, 3))
    y = np.convolve(X[:, 0], [0.5, 0.3, 0.2])[:40] + 2.0
    return [(dict(zip("abc", row, strict=True)), float(t)) for row, t in zip(X, y, strict=True)]


@pytest.fixture(params=["regressor", "plain regressor", "classifier"])
def case(request, stream):
    """An estimator and a stream with targets of its kind."""
    if request.param == "regressor":
        return RNNRegressor(**SMALL), stream
    if request.param == "plain regressor":
        return plain(RNNRegressor, **SMALL), stream
    labels = ["low", 7, ("high", 1)]
    return RNNClassifier(**SMALL), [(x, labels[int(3 * y) % 3]) for x, y in stream]


@pytest.fixture(scope="session")
def forks(tmp_path_factory):
    """Starts the command line as processes, within milliseconds."""
    with Forks(tmp_path_factory.mktemp("said")) as made:
        yield made
