"""The account of a run as Prometheus reads it.

The text format: https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from collections.abc import Iterable
from typing import Any

#: Labels of a value, and the value.
Line = tuple[dict[str, str], float | None]


def as_metrics(snapshot: dict[str, Any]) -> str:
    """Return what a monitor's snapshot says of the run so far; what is not known is left out.

    Examples
    --------
    >>> print(as_metrics({"rows": 3, "counters": {"drifts": 1}}), end="")
    # HELP streamrnn_rows_total Rows played.
    # TYPE streamrnn_rows_total counter
    streamrnn_rows_total 3
    # HELP streamrnn_events_total What the model counted.
    # TYPE streamrnn_events_total counter
    streamrnn_events_total{name="drifts"} 1
    """
    latency = snapshot.get("latency", {})
    levels = {"p50": "0.5", "p90": "0.9", "p99": "0.99"}
    errors = snapshot.get("errors", {})
    quantiles: list[Line] = [
        ({"quantile": level}, _seconds(latency.get(name))) for name, level in levels.items()
    ]
    blocks = [
        _block("rows_total", "counter", "Rows played.", [({}, snapshot.get("rows"))]),
        _block(
            "busy_seconds_total",
            "counter",
            "Time the network took.",
            [({}, snapshot.get("seconds"))],
        ),
        _block("row_seconds", "gauge", "Time of a row, percentiles of the run.", quantiles),
        _block(
            "memory_bytes", "gauge", "Memory of the model.", [({}, snapshot.get("memory_bytes"))]
        ),
        _block(
            "error",
            "gauge",
            f"{errors.get('measure', 'error').capitalize()} over the whole run.",
            _named("model", errors.get("overall", {})),
        ),
        _block(
            "events_total",
            "counter",
            "What the model counted.",
            _named("name", snapshot["counters"]),
        ),
    ]
    return "".join(blocks)


def _seconds(microseconds: float | None) -> float | None:
    return None if microseconds is None else microseconds / 1e6


def _named(label: str, values: dict[str, Any]) -> list[Line]:
    return [({label: name}, value) for name, value in values.items()]


def _block(name: str, kind: str, text: str, lines: Iterable[Line]) -> str:
    name = f"streamrnn_{name}"
    known = [f"{name}{_labels(labels)} {value}" for labels, value in lines if value is not None]
    head = [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
    return "".join(f"{line}\n" for line in [*head, *known]) if known else ""


def _labels(labels: dict[str, str]) -> str:
    pairs = [f'{name}="{_escaped(value)}"' for name, value in labels.items()]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
