"""Measure: saving and loading many models, in memory and in files, with pickle beside it.

::

    python benchmarks/loading.py                       # 10 000 models, about a minute, 1.4 GB
    python benchmarks/loading.py --models 500 --keys 100
    python benchmarks/loading.py --json results.json    # keep the figures

One model has learnt some hundred samples; the others are copies with memory of their own. All that
are loaded are kept, as a program that goes on with them would. One process, one thread.
"""

from __future__ import annotations

import argparse
import os
import pickle
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from peers.plain import NUMBERS
from report import complete, write

import streamrnn
from streamrnn import KeyedModel, RNNRegressor

INPUTS = 8
NAMES = [f"x{i}" for i in range(INPUTS)]
OPTIONS = {"models": 10_000, "keys": 3_000, "units": 32, "truncation": 32, "samples": 300}


def measure(options: dict[str, int], folder: Path) -> dict[str, Any]:
    """Return milliseconds a model by what was done, and bytes a model.

    Parameters
    ----------
    options
        As `OPTIONS`: numbers of models and of keys, and what each model is.
    folder
        Where files are written; they stay.
    """
    data = _trained(options).to_bytes()
    paths = [folder / f"{i}.safetensors" for i in range(options["models"])]
    ms: dict[str, float] = {}

    def timed(name: str, do: Callable[[Any], Any], things: Iterable[Any]) -> list[Any]:
        started = time.perf_counter()
        made = [do(thing) for thing in things]
        ms[name] = round((time.perf_counter() - started) / len(made) * 1e3, 4)
        return made

    streamrnn.from_bytes(data)  # modules that only this needs are imported now
    models = timed("from_bytes", streamrnn.from_bytes, [data] * len(paths))
    timed("to_bytes", lambda model: len(model.to_bytes()), models)
    timed("pickle.dumps", lambda model: len(pickle.dumps(model)), models)
    timed("save", lambda pair: pair[0].save(pair[1]), zip(models, paths, strict=True))
    for what in ("just written", "read before", "from the disk"):
        if what == "from the disk" and not _forget(paths):
            continue
        models = []  # those loaded before need not lie in memory, too
        models = timed(f"load, {what}", streamrnn.load, paths)
    pickled = pickle.dumps(models[0])
    timed("pickle.loads", pickle.loads, [pickled] * len(paths))
    return {"ms_a_model": ms, "bytes_a_model": {"file": len(data), "pickle": len(pickled)}}


def measure_keyed(options: dict[str, int], path: Path) -> dict[str, Any]:
    """Return seconds to save and to load one file with the models of many keys, and its bytes."""
    model = KeyedModel(_model(options), key="sensor", max_keys=None)
    X, y = _stream(options["keys"] * 4)
    keys = np.arange(len(X)) % options["keys"]
    model.replay(keys, X, y, features=NAMES)
    started = time.perf_counter()
    model.save(path)
    saved = time.perf_counter()
    loaded = streamrnn.load(path)
    seconds = {"save": saved - started, "load": time.perf_counter() - saved}
    assert len(loaded) == options["keys"]
    return {
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "bytes": path.stat().st_size,
    }


def _model(options: dict[str, int]) -> RNNRegressor:
    sizes = {"hidden_size": options["units"], "truncation": options["truncation"]}
    return RNNRegressor(**sizes, **NUMBERS)


def _trained(options: dict[str, int]) -> RNNRegressor:
    model = _model(options)
    X, y = _stream(options["samples"])
    model.replay(X, y, features=NAMES)
    return model


def _stream(n: int) -> tuple[np.ndarray, np.ndarray]:
    X = np.random.default_rng(0).normal(size=(n, INPUTS))
    return X, X[:, 0] + np.roll(X[:, 1], 1)


def _forget(paths: list[Path]) -> bool:
    """Ask the system to drop files from memory; return whether it can be asked."""
    if not hasattr(os, "posix_fadvise"):
        return False
    for path in paths:
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def run(options: dict[str, int]) -> dict[str, Any]:
    """Measure everything, in a folder that goes away; return the whole report."""
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options, Path(folder))
        found["keyed"] = measure_keyed(options, Path(folder) / "keyed.safetensors")
    return complete(options, **found)


def table(report: dict[str, Any]) -> str:
    """Return the figures as text."""
    n = report["options"]["models"]
    lines = [f"{'':<22}{'ms a model':>12}{f's for {n}':>14}"]
    for name, ms in report["ms_a_model"].items():
        lines.append(f"{name:<22}{ms:>12.3f}{ms * n / 1e3:>14.1f}")
    sizes = report["bytes_a_model"]
    lines.append(f"bytes a model: {sizes['file']} in a file, {sizes['pickle']} pickled")
    keyed = report["keyed"]
    lines.append(f"KeyedModel of {report['options']['keys']} keys, {keyed['bytes'] / 1e6:.0f} MB:")
    lines += [f"{name:<22}{seconds:>26.1f}" for name, seconds in keyed["seconds"].items()]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, and write everything as JSON if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in OPTIONS.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default: {default}")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = vars(parser.parse_args(arguments))
    path = options.pop("json")
    report = run(options)
    print(table(report))
    write(path, report)


if __name__ == "__main__":
    main()
