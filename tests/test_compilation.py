"""Compilation is behaviour: what compiles, what comes from the cache, what must not."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import streamrnn
from streamrnn import RNNRegressor
from streamrnn._dispatch import entry
from streamrnn.backends import cpu

PACKAGE = Path(streamrnn.__file__).parent

#: A model that is compiled soon, and by other files, too.
SOON = {"head": "linear", "loss": "squared", "optimizer": "sgd", "dtype": "float64"}
SOON |= {"hidden_size": 4, "truncation": 4}

RUN = f"""
import sys
from streamrnn import RNNRegressor
from streamrnn.backends import cpu
cell = sys.argv[1]
if ":" in cell:
    module, name = cell.split(":")
    cell = getattr(__import__(module), name)
model = RNNRegressor(cell=cell, **{SOON})
for t in range(30):
    model.learn_one({{"a": t % 3, "b": t % 4}}, t % 5)
stats = cpu.run_for(*model._model._kind).stats
said = model.predict_one({{"a": 1}})
print(sum(stats.cache_hits.values()), sum(stats.cache_misses.values()), said)
"""


def _run(cell, *, cwd, cache):
    """Learn in a new process; return cache hits, misses and a prediction."""
    result = subprocess.run(
        [sys.executable, "-c", RUN, cell],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(cwd), "NUMBA_CACHE_DIR": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    hits, misses, prediction = result.stdout.split()
    return int(hits), int(misses), float(prediction)


def test_a_second_call_compiles_nothing(stream):
    model = RNNRegressor(hidden_size=4, truncation=4)
    model.learn_one(*stream[0])
    entry = cpu.run_for(*model._model._kind)
    before = len(entry.signatures)
    for size in (3, 8):
        other = RNNRegressor(hidden_size=size, truncation=size, num_layers=2, lr=0.3, l2=0.1)
        for x, y in stream:
            other.predict_one(x)
            other.learn_one(x, y)
        other.replay([[1.0, 2.0], [3.0, 4.0]], [1.0, 2.0], features=["a", "new"])
    assert cpu.run_for(*other._model._kind) is entry
    assert len(entry.signatures) == before == 1


def test_a_new_process_hits_the_cache_and_an_edit_misses_it(tmp_path):
    """The cache must answer for files that the entry point only imports.

    What docs/design.md shows is a cell, and known by its name once its file is in the folder.
    """
    page = (PACKAGE.parent / "docs" / "design.md").read_text()
    source = page.split("```python\n")[1].split("```")[0]
    root = tmp_path / "streamrnn"
    shutil.copytree(PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__"))
    edited = root / "cells" / "mine.py"
    edited.write_text(source)
    cache, prediction = tmp_path / "cache", _run_here("rnn")
    assert _run("mine", cwd=tmp_path, cache=cache) == (0, 1, prediction)
    assert _run("mine", cwd=tmp_path, cache=cache) == (1, 0, prediction)

    edited.write_text(source.replace("= tanh(pre[0, j])", "= tanh(pre[0, j] + one)"))
    assert edited.read_text() != source
    hits, misses, changed = _run("mine", cwd=tmp_path, cache=cache)
    assert (hits, misses) == (0, 1)
    assert changed != prediction
    assert len(list(cache.rglob("*.nbi"))) == len(list(cache.rglob("*.nbc"))) == 2

    edited.write_text(source)
    assert _run("mine", cwd=tmp_path, cache=cache) == (1, 0, prediction)


CELL = '''
from typing import NamedTuple
from streamrnn._registry import plugin
from streamrnn.cells.protocol import backward, forward

@plugin(name="leaky", n_states=1, gates=1, input_gates=1, state_gates=1, n_factors=1,
        torch_gates=((0, 0),))
class Leaky(NamedTuple):
    """Half of a linear unit."""
    share: float = 0.5

@forward.register(Leaky)
def _(cell, pre, before, after, factors):
    for j in range(pre.shape[1]):
        after[0, j] = cell.share * pre[0, j]
        factors[0, j] = cell.share

@backward.register(Leaky)
def _(cell, factors, d_state, deltas):
    for j in range(deltas.shape[1]):
        deltas[0, j] = d_state[0, j] * factors[0, j]
        d_state[0, j] = 0
'''


def test_a_users_own_cell_is_one_file_cached_and_never_stale(tmp_path):
    (tmp_path / "leaky.py").write_text(CELL)
    root = tmp_path / "streamrnn"
    shutil.copytree(PACKAGE, root, ignore=shutil.ignore_patterns("__pycache__"))
    cache = tmp_path / "cache"
    assert _run("leaky:Leaky", cwd=tmp_path, cache=cache)[:2] == (0, 1)
    hits, misses, prediction = _run("leaky:Leaky", cwd=tmp_path, cache=cache)
    assert (hits, misses) == (1, 0)
    (tmp_path / "leaky.py").write_text(CELL.replace("= cell.share * pre", "= -cell.share * pre"))
    hits, misses, changed = _run("leaky:Leaky", cwd=tmp_path, cache=cache)
    assert (hits, misses) == (0, 1)
    assert changed != prediction


def _run_here(cell):
    model = RNNRegressor(cell=cell, **SOON)
    for t in range(30):
        model.learn_one({"a": t % 3, "b": t % 4}, t % 5)
    return model.predict_one({"a": 1})


def test_versions_do_not_share_files():
    """Two processes that compile different versions at once must not write over each other."""
    found = []
    for cell in ("rnn", "rnn_relu"):
        _run_here(cell)
        compiled = cpu.run_for(*RNNRegressor(cell=cell, **SOON)._model._kind)
        found.append(compiled._cache.files())
    assert [{path.suffix for path in files} for files in found] == [{".nbi", ".nbc"}] * 2
    assert not set(found[0]) & set(found[1])


def test_an_unwritable_cache_only_warns(tmp_path, monkeypatch):
    from numba.core import caching

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    with pytest.warns(RuntimeWarning, match="NUMBA_CACHE_DIR"):
        function = entry(lambda value: lambda x: x + value, 1)
    assert function(2) == 3


def test_importing_touches_no_gpu_and_compiles_nothing():
    script = (
        "import sys\n"
        "from numba.core.event import install_recorder\n"
        "with install_recorder('numba:compile') as compiled:\n"
        "    import streamrnn\n"
        "assert 'numba.cuda' not in sys.modules, 'numba.cuda'\n"
        "assert 'torch' not in sys.modules and 'pandas' not in sys.modules\n"
        "assert not compiled.buffer\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.interpreted
def test_plain_python_gives_the_numbers_of_compiled_code():
    """The interpreted lane compares its own answer with that of a compiled process."""
    script = (
        "from streamrnn import RNNRegressor\n"
        "model = RNNRegressor(hidden_size=3, truncation=4, num_layers=2, dtype='float64')\n"
        "for t in range(40):\n"
        "    model.learn_one({'a': t % 3, 'b': t % 4}, t % 5)\n"
        "print(model.predict_one({'a': 1, 'b': 2}))\n"
    )
    answers = [
        float(
            subprocess.run(
                [sys.executable, "-c", script],
                env={**os.environ, "NUMBA_DISABLE_JIT": interpreted},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        )
        for interpreted in ("0", "1")
    ]
    assert answers[0] == pytest.approx(answers[1], rel=1e-12)


def test_the_threads_of_blas_change_nothing():
    """No BLAS is called, and its threads may be set or not."""
    script = (
        "import hashlib, numpy as np\n"
        "from streamrnn import RNNRegressor\n"
        "rng = np.random.default_rng(0)\n"
        "model = RNNRegressor(hidden_size=128, truncation=8)\n"
        "X, y = rng.normal(size=(300, 3)), rng.normal(size=300)\n"
        "print(hashlib.sha256(model.replay(X, y).tobytes()).hexdigest())\n"
    )
    answers = set()
    for threads in ("1", "4"):
        names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        env = os.environ | dict.fromkeys(names, threads)
        run = subprocess.run(
            [sys.executable, "-c", script], env=env, capture_output=True, check=True
        )
        answers.add(run.stdout)
    assert len(answers) == 1
