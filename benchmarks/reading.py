"""What replaying a file costs beside the network's own time, by the format of the file.

The same rows, 8 features and a target, as CSV with and without pyarrow, compressed, as Parquet and
as JSON Lines; with 32 units and all other options as they are by default, but for the baselines.
Each run is a process of its own, and all take turns, every second time in the opposite order.

    python benchmarks/reading.py --json benchmarks/results/reading.json
"""

from __future__ import annotations

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from report import complete, write

OPTIONS = {"rows": 1_000_000, "repeats": 3}
FEATURES = [f"x{i}" for i in range(8)]


class Run(NamedTuple):
    """One way of replaying the rows."""

    file: str
    baselines: str = "simple"
    has_arrow: bool = True
    predictions: str | None = None


RUNS = {
    "CSV": Run("rows.csv"),
    "CSV, without pyarrow": Run("rows.csv", has_arrow=False),
    "CSV in .gz": Run("rows.csv.gz"),
    "Parquet": Run("rows.parquet"),
    "JSON Lines": Run("rows.jsonl"),
    "CSV, predictions written as CSV": Run("rows.csv", predictions="predictions.csv"),
    "CSV, --baselines none": Run("rows.csv", "none"),
    "CSV, --baselines all": Run("rows.csv", "all"),
}


def make(folder: Path, rows: int) -> None:
    """Write the same rows in all formats."""
    import pyarrow.csv
    import pyarrow.parquet

    generator = np.random.default_rng(0)
    X = generator.normal(size=(rows, len(FEATURES)))
    X += 0.01 * np.cumsum(generator.normal(size=X.shape), axis=0)
    y = np.sin(X[:, 0]) + 0.3 * X[:, 1] + 0.1 * generator.normal(size=rows)
    names = [*FEATURES, "y"]
    text = folder / "rows.csv"
    header = ",".join(names)
    np.savetxt(text, np.c_[X, y], fmt="%.6g", delimiter=",", header=header, comments="")
    (folder / "rows.csv.gz").write_bytes(gzip.compress(text.read_bytes(), 6))
    pyarrow.parquet.write_table(pyarrow.csv.read_csv(text), folder / "rows.parquet")
    with text.open() as lines, (folder / "rows.jsonl").open("w") as objects:
        next(lines)
        for line in lines:
            cells = zip(names, map(float, line.split(",")), strict=True)
            objects.write(json.dumps(dict(cells)) + "\n")


def once(folder: Path, run: Run) -> dict[str, float]:
    """Replay once; return microseconds a row: of the network, of the baselines, of all."""
    figures = folder / "figures.json"
    # As if it were not installed: what is None cannot be imported.
    hide = "" if run.has_arrow else "sys.modules['pyarrow'] = None; "
    code = f"import sys; {hide}from streamrnn_cli.main import main; main()"
    options = ["--target", "y", "--baselines", run.baselines, "--quiet", "--hidden-size", "32"]
    if run.predictions:
        options += ["--predictions", str(folder / run.predictions)]
    command = ["replay", str(folder / run.file), *options, "--metrics-json", str(figures)]
    subprocess.run([sys.executable, "-c", code, *command], check=True, stdout=subprocess.DEVNULL)
    found = json.loads(figures.read_text())
    rows = found["rows"]["used"]
    network = found["model"]["seconds"]
    rivals = sum(one["seconds"] for one in found["baselines"])
    seconds = {"network": network, "baselines": rivals, "all": found["seconds"]}
    return {name: 1e6 * value / rows for name, value in seconds.items()}


def measure(rows: int, repeats: int, only: list[str]) -> dict[str, Any]:
    """Return microseconds a row and how many times the network's time all takes; medians."""
    chosen = {name: run for name, run in RUNS.items() if not only or name in only}
    found: dict[str, list[dict[str, float]]] = {name: [] for name in chosen}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder, rows)
        for repeat in range(repeats):
            order = list(chosen)[:: -1 if repeat % 2 else 1]
            for which in order:
                found[which].append(once(folder, chosen[which]))
    return {name: _medians(runs) for name, runs in found.items()}


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    made = {f"us_{name}": round(median(run[name] for run in runs), 2) for name in runs[0]}
    # Of each run: what else the machine did meanwhile slowed all of it down.
    ratios = [run["all"] / run["network"] for run in runs]
    return made | {"times_the_network": round(median(ratios), 2)}


def table(report: dict[str, Any]) -> str:
    """Return the figures as a table."""
    lines = [f"{'':34} {'network':>8} {'baselines':>9} {'all':>8} {'times':>6}"]
    for name, found in report["runs"].items():
        network, baselines, whole, times = found.values()
        lines.append(f"{name:34} {network:8.2f} {baselines:9.2f} {whole:8.2f} {times:6.2f}")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print a table, and write the figures if a file was named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in OPTIONS.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"default: {default}")
    parser.add_argument("--only", action="append", default=[], choices=RUNS, help="repeatable")
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    options = vars(parser.parse_args(arguments))
    path, only = options.pop("json"), options.pop("only")
    report = complete(options, runs=measure(**options, only=only))
    print(table(report))
    write(path, report)


if __name__ == "__main__":
    main()
