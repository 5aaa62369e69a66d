"""The figures of a run as HTML: tiles at the top, tables at the end."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

#: Stands for a figure that there is not.
NONE = "none"


def tiles(snapshot: dict[str, Any], is_run: bool) -> str:
    """Return the most important figures, large."""
    measure, overall = snapshot["errors"]["measure"], snapshot["errors"]["overall"]
    figures = [("rows", whole(snapshot["rows"]))]
    shown = snapshot["names"][:1] if is_run else snapshot["names"]
    figures += [(f"{measure}, {name}", number(overall[name])) for name in shown]
    figures += _of_a_run(snapshot) if is_run else []
    items = "".join(f"<div><dt>{escape(n)}</dt><dd>{escape(v)}</dd></div>" for n, v in figures)
    return f'<dl class="tiles">{items}</dl>'


def _of_a_run(snapshot: dict[str, Any]) -> list[tuple[str, str]]:
    latency = snapshot["latency"]
    return [
        ("rows a second", whole(snapshot["rows_per_second"])),
        ("median time a row", _microseconds(latency["p50"])),
        ("99th percentile", _microseconds(latency["p99"])),
        ("memory of the model", _bytes(snapshot["memory_bytes"])),
        ("drifts", whole(snapshot["mark_counts"].get("drift", 0))),
    ]


def contestants(snapshot: dict[str, Any]) -> str:
    """Return the metrics of all models: those given with the run, else the errors alone."""
    seen = snapshot["errors"]
    given: Mapping[str, Mapping[str, Any]] = snapshot["about"].get("metrics") or {}
    names = list(dict.fromkeys(metric for each in given.values() for metric in each))
    if not given:
        given = {name: {seen["measure"]: error} for name, error in seen["overall"].items()}
        names = [seen["measure"]]
    body = [
        [name, *(number(given.get(name, {}).get(metric)) for metric in names)]
        for name in snapshot["names"]
    ]
    return table(["model", *names], body)


def latency(snapshot: dict[str, Any]) -> str:
    """Return the percentiles of the time a row took."""
    names = {"p50": "median", "p90": "90 %", "p99": "99 %", "max": "longest"}
    body = [[names[key], _microseconds(snapshot["latency"][key])] for key in names]
    return table(["of the rows", "time a row"], body)


def marks(snapshot: dict[str, Any]) -> str:
    """Return how often what happened, and where last."""
    last = {mark["kind"]: mark for mark in snapshot["marks"]}
    body = [
        [kind.replace("_", " "), whole(count), _where(last.get(kind))]
        for kind, count in snapshot["mark_counts"].items()
    ]
    return table(["event", "how often", "the last one"], body)


def pairs(values: Mapping[str, Any], header: Sequence[str]) -> str:
    """Return a mapping as a table of two columns."""
    return table(header, [[name.replace("_", " "), _any(value)] for name, value in values.items()])


def table(header: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Return a table; the first cell of each row names it."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    rows = [
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in body
    ]
    # It scrolls by itself, so that a phone's page does not.
    return (
        f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def number(value: Any) -> str:
    """Return a figure with five digits; "none" if there is none.

    Examples
    --------
    >>> number(0.123456), number(1234567.0), number(None)
    ('0.12346', '1,234,567', 'none')
    """
    if value is None:
        return NONE
    return whole(value) if abs(value) >= 1e5 else f"{value:.5g}"


def whole(value: float | None) -> str:
    """Return a count with commas; "none" if there is none."""
    return NONE if value is None else f"{value:,.0f}"


def _any(value: Any) -> str:
    if value is None or isinstance(value, bool | str):
        return NONE if value is None else str(value)
    if isinstance(value, int):
        return whole(value)
    return number(value) if isinstance(value, float) else str(value)


def _where(mark: dict[str, Any] | None) -> str:
    if mark is None:
        return NONE
    return f"row {mark['row']:,}" + (f": {mark['text']}" if mark["text"] else "")


def _microseconds(value: float | None) -> str:
    if value is None:
        return NONE
    for unit, size in (("s", 1e6), ("ms", 1e3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value:.3g} µs"


def _bytes(value: float | None) -> str:
    if value is None:
        return NONE
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if value >= size:
            return f"{value / size:,.1f} {unit}"
    return f"{value / 1024:,.1f} KiB"
