"""What was found out about a model, for people: lines, tables and a small chart."""

import math
from collections.abc import Sequence
from typing import Any

from .errors import shown
from .suggestions import listed
from .table import number, render

#: Characters of a bar that is full, and the tenfolds that it stands for.
BAR, TENFOLDS = 24, 4

#: A gradient that is so many times the newest explodes; gates of which so many are stuck, too.
EXPLODED, STUCK = 10.0, 0.5

#: Counters that need no line of their own if they are 0.
ALWAYS = ("samples", "updates", "keys")


def as_text(found: dict[str, Any]) -> str:
    """Return everything as text."""
    parts = [_head(found)]
    if "weights" in found:
        parts += [_gradients(found["gradient"]), _gates(found), _weights(found["weights"])]
        parts.append(_remarks(found))
    return "\n\n".join(part for part in parts if part)


def _head(found: dict[str, Any]) -> str:
    whose = f", key {shown(_as_written(found['key']))}" if "key" in found else ""
    lines = [f"{found['file']}: {_call(found)}{whose}, {found['bytes'] / 1024:,.1f} KiB"]
    lines[0] += f", format {found['format']}"
    if "run" in found:
        lines.append(_run(found["run"]))
    if "model" in found:
        lines.append(f"each key has: {_call(found['model'])}")
    if "n_keys" in found:
        lines.append(f"keys ({found['n_keys']:,}): {_names(found['keys'], found['n_keys'])}")
    for what in ("features", "labels", "target_names"):
        if what in found:
            names = found[what]
            lines.append(f"{what.replace('_', ' ')} ({len(names)}): {_names(names, len(names))}")
    counts = found["counters"].items()
    told = [f"{name.replace('_', ' ')} {n:,}" for name, n in counts if n or name in ALWAYS]
    return "\n".join([*lines, ", ".join(told)])


def _run(run: dict[str, Any]) -> str:
    """Say what run a checkpoint is of, and how far it is."""
    target = "" if run["target"] is None else f" of {shown(run['target'])}"
    left_out = f", {run['left_out']:,} left out" if run["left_out"] else ""
    return (
        f"checkpoint of a run: {run['source']}, {run['task']}{target}, {run['rows']:,} rows"
        f"{left_out}"
    )


def _call(found: dict[str, Any]) -> str:
    """Write the class with the arguments that are not the defaults, as Python would."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in found["arguments"].items())
    return f"{found['class']}({arguments})"


def _names(names: Sequence[Any], n: int) -> str:
    text = listed(_as_written(name) for name in names)
    return text if n == len(names) else f"{text}, of {n:,}"


def _as_written(name: Any) -> str:
    """Write a name as the command line takes it."""
    return ",".join(map(str, name)) if isinstance(name, list) else str(name)


# --- gradients


def _gradients(layers: list[dict[str, Any]]) -> str:
    return "\n\n".join(
        f"gradient, layer {i}: {verdict(layer)}" + "".join(f"\n{line}" for line in _chart(layer))
        for i, layer in enumerate(layers)
    )


def verdict(layer: dict[str, Any]) -> str:
    """Say in a few words how far a layer's gradient reaches."""
    norms, reach = layer["norms"], layer["reach"]
    if not norms:
        return "no target is known in the window"
    if layer["growth"] is None:
        return "not finite" if any(not math.isfinite(n) for n in norms) else "the loss sends none"
    if layer["growth"] > EXPLODED:
        lag = norms.index(max(norms))
        return f"grows on the way back: {layer['growth']:,.3g} times the newest at lag {lag}"
    if reach is None:
        return f"reaches back all {len(norms)} steps of the window"
    steps = "step" if reach == 1 else "steps"
    return f"reaches back {reach} {steps}: below 1 % of the newest from lag {reach}"


def _chart(layer: dict[str, Any]) -> list[str]:
    """Draw the norms at some lags, a tenfold as `BAR` / `TENFOLDS` characters."""
    norms = layer["norms"]
    if layer["growth"] is None:
        return []
    most = max(norms)
    lags = sorted({0, *(2**k for k in range(20) if 2**k < len(norms)), len(norms) - 1})
    rows = [f"  lag {lag:>5}  {norms[lag]:9.2e}  {_bar(norms[lag] / most)}" for lag in lags]
    return [row.rstrip() for row in rows]


def _bar(share: float) -> str:
    if not share > 0.0:
        return ""
    left = 1.0 + math.log10(share) / TENFOLDS
    return "#" * round(BAR * max(0.0, left))


# --- gates and weights


def _gates(found: dict[str, Any]) -> str:
    shares = found["gate_saturation"].items()
    if any(math.isnan(share) for _, share in shares):
        return ""
    return "stuck near an end: " + ", ".join(f"{name} {share:.1%}" for name, share in shares)


def _weights(blocks: dict[str, dict[str, Any]]) -> str:
    header = ["weights", "shape", "norm", "largest", "zeros", "not finite"]
    rows = [
        [
            name,
            " x ".join(map(str, block["shape"])),
            number(block["norm"]),
            number(block["largest"]),
            f"{block['zeros']:.1%}",
            f"{block['non_finite']:.1%}",
        ]
        for name, block in blocks.items()
        if "norm" in block
    ]
    lines = [render(header, rows)]
    covariance = blocks.get("head.covariance")
    if covariance:
        least, most = number(covariance["smallest"]), number(covariance["largest"])
        lines.append(f"covariance of the head, on the diagonal: {least} to {most}")
    return "\n".join(lines)


def _remarks(found: dict[str, Any]) -> str:
    """Name what looks wrong."""
    lines = []
    for name, block in found["weights"].items():
        if block.get("non_finite", 0.0) > 0.0:
            lines.append(f"{name}: {block['non_finite']:.1%} not finite")
        for what, meaning in (("constant", "never changed"), ("unseen", "never had a value")):
            if block.get(what):
                lines.append(f"{meaning}: {_names(block[what], len(block[what]))}")
    for gate, share in found["gate_saturation"].items():
        if share > STUCK:
            lines.append(f"{gate}: {share:.1%} stuck near an end, where hardly a gradient passes")
    return "\n".join(["looks wrong:", *(f"  {line}" for line in lines)]) if lines else ""
