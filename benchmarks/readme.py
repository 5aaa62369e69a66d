"""Write the README's figures from the results file, so that they cannot be stale.

``python benchmarks/readme.py`` rewrites what stands between the two markers in README.md; with
``--check`` it changes nothing, and the exit status is 1 if there is a difference.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import summary
from scenarios import INPUTS, OURS, SIZES, TWO_THREADS, size_id

ROOT = Path(__file__).parent.parent
FOLDER = "benchmarks/results"
README, RESULTS = ROOT / "README.md", ROOT / FOLDER / "benchmark.json"
BEGIN = "<!-- benchmarks: begin; written by benchmarks/readme.py -->"
END = "<!-- benchmarks: end -->"

KINDS = {
    "lstm-8-32-k32-stored": "one LSTM layer of 32 units, K = 32",
    "lstm-8-32x2-k32-stored": "two layers",
    "gru-8-32-k32-stored": "GRU",
    "rnn-8-32-k32-stored": "Elman network",
    "lstm-8-32-k32-every16": "an update with every 16th sample",
    "lstm-8-32-k32-defaults": "with all defaults: changes, read out by least squares",
    "lstm-8-32-k32-float64": "float64",
}
Report = dict[str, Any]


def section(report: Report) -> str:
    """Return what belongs between the markers."""
    parts = [
        _conditions(report),
        _times(report),
        _ratios(report),
        f"![Microseconds a sample against units and truncation]({FOLDER}/speed.png)",
        _shares(report),
        _kinds(report),
        "\n".join(f"- {sentence}" for sentence in summary.sentences(report)),
        f"![Growth of time and memory]({FOLDER}/growth.png)",
        "`make bench` measures everything again and rewrites this section. One row: "
        "`python benchmarks/run.py --only\n'lstm-8-32-k32-*'`, with the id in the row's last "
        "column; memory: `--only '*-memory'`. All figures:\n"
        f"[{RESULTS.name}]({FOLDER}/{RESULTS.name}); how it is measured, and how to install the "
        "peers:\n[benchmarks/README.md](benchmarks/README.md).",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _conditions(report: Report) -> str:
    ours, machine = report["contestants"][OURS]["versions"], report["machine"]
    return (
        "Microseconds a sample, predicting and learning: LSTM under a linear layer, "
        f"{INPUTS} inputs, Adam,\nclipping by norm, an update with every sample, float32, one core "
        f"of {machine['cpu']}, all in one run, medians of {report['options']['repeats']}\n"
        f"(streamrnn {ours['streamrnn']}, numba {ours['numba']}, Python {ours['python']}):"
    )


def _peers(report: Report) -> dict[str, dict[str, Any]]:
    return {name: said for name, said in report["contestants"].items() if name != OURS}


def _table(header: Sequence[str], rows: list[list[str]]) -> str:
    lines = [list(header), ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _number(value: float | None) -> str:
    """Return three figures, without an exponent."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def best(report: Report, size: str, peer: str) -> tuple[float | None, bool]:
    """Return a contestant's time with one thread or two, the lesser, and whether it is two."""
    one, two = (summary.us(report, f"{size}-{peer}{more}") for more in ("", "-threads2"))
    if one is not None and two is not None and two < one:
        return two, True
    return one, False


def _cell(report: Report, size: str, who: str) -> str:
    time, is_two = best(report, size, who)
    return _number(time) + (" (two threads)" if is_two else "")


def _times(report: Report) -> str:
    rows = []
    for H, K in SIZES:
        size = size_id("lstm", H, K)
        everybody = ["stored", "recomputed", "loop", *_peers(report)]
        cells = [_cell(report, size, who) for who in everybody]
        rows.append([f"{H} / {K}", *cells, f"`{size}-*`"])
    titles = [said["title"] for said in _peers(report).values()]
    header = ["units / K", "`replay`", "`replay`, recomputed", "`predict_one` + `learn_one`"]
    return _table([*header, *titles, "id"], rows)


def _ratios(report: Report) -> str:
    """Return how many times as long peers take as ours doing the same job, and as our default."""
    if not _peers(report):
        return ""
    rows = []
    for H, K in SIZES:
        size, row = size_id("lstm", H, K), [f"{H} / {K}"]
        for peer, said in _peers(report).items():
            time, _ = best(report, size, peer)
            ours = [best(report, size, name)[0] for name in (said["beside"], "stored")]
            ratios = [_number(time / own) if time and own else "-" for own in ours]
            row.append(f"{ratios[0]} ({ratios[1]})")
        rows.append(row)
    beside = {"recomputed": "`replay`, recomputed", "loop": "`predict_one` + `learn_one`"}
    titles = [f"{said['title']} / {beside[said['beside']]}" for said in _peers(report).values()]
    text = (
        "How many times as long the peers take as ours does for the same job (in brackets: as "
        f"`replay` of stored activations).\nAt {TWO_THREADS[0]} units all may use two threads, and "
        "the better time counts."
    )
    return "\n\n".join([_abouts(report), text, _table(["units / K", *titles], rows)])


def _abouts(report: Report) -> str:
    lines = []
    for said in _peers(report).values():
        versions = said["versions"].items()
        used = ", ".join(f"{name} {v}" for name, v in versions if name not in ("numpy", "python"))
        lines.append(f"- {said['title']} ({used}): {said['about']}")
    return "\n".join(lines)


def _shares(report: Report) -> str:
    rows = []
    for H, K in SIZES:
        row = [f"{H} / {K}"]
        for variant in ("stored", "recomputed"):
            result = report["scenarios"][f"{size_id('lstm', H, K)}-{variant}"]
            row += [_number(result["gflops"]), f"{result['share_of_sgemm']:.0%}"]
        rows.append(row)
    text = (
        "Of the arithmetic limit: operations counted from the algorithm "
        "([flops.py](benchmarks/flops.py)) over time, beside\na large float32 matrix product of "
        f"NumPy's on the same core in the same run, {report['sgemm_gflops']:.0f} GFLOP/s:"
    )
    header = ["units / K", "`replay`, GFLOP/s", "share", "recomputed, GFLOP/s", "share"]
    return text + "\n\n" + _table(header, rows)


def _kinds(report: Report) -> str:
    rows = [[what, _number(summary.us(report, name)), f"`{name}`"] for name, what in KINDS.items()]
    return _table(["`replay` of", "µs a sample", "id"], rows)


def rewritten(text: str, report: Report) -> str:
    """Return the README with the section as the results give it.

    Raises
    ------
    ValueError
        If a marker is missing.
    """
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks {BEGIN!r} or {END!r}")
    return f"{head}{BEGIN}\n\n{section(report)}\n{END}{tail}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite or check the README; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing, say whether it is so")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--readme", type=Path, default=README)
    chosen = parser.parse_args(arguments)
    old = chosen.readme.read_text()
    new = rewritten(old, json.loads(chosen.results.read_text()))
    if not chosen.check:
        chosen.readme.write_text(new)
    elif new != old:
        print(f"{chosen.readme.name} is stale: run benchmarks/readme.py")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
