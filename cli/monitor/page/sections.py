"""The sections of the page: each a heading, a remark, and charts or the reason for none."""

from typing import Any, NamedTuple

from . import learning, tables, values
from .style import rows_range


class Section(NamedTuple):
    """One part of the page.

    Parameters
    ----------
    title
        Its heading.
    remark
        How to read it, one or two sentences of plain text.
    charts
        Bokeh figures by name, in order; none if there is nothing to draw.
    empty
        Said in place of charts.
    table
        HTML that follows.
    """

    title: str
    remark: str
    charts: dict[str, Any]
    empty: str = ""
    table: str = ""


NOTHING_KNOWN = "There is neither a target nor a prediction in these rows."
NOT_SCORED = "No row could be scored: targets were not known, or only the first."
NO_ROWS = "No rows were played yet."


def sections(snapshot: dict[str, Any], is_run: bool) -> list[Section]:
    """Return what is drawn, from the snapshot of a monitor: of a run, or of predictions alone."""
    rows = rows_range(snapshot)
    # Of a short run they are all of them, drawn already.
    last = [_last_rows(snapshot)] if snapshot["rows"] > len(snapshot["recent"]["row"]) else []
    of_predictions = [_whole_run(snapshot, rows), *last, _errors(snapshot, rows)]
    if not is_run:
        return of_predictions
    return [
        *of_predictions,
        _gradient(snapshot, rows),
        _update_size(snapshot, rows),
        _saturation(snapshot, rows),
        _updates(snapshot, rows),
        _speed(snapshot, rows),
    ]


def _whole_run(snapshot: dict[str, Any], rows: Any) -> Section:
    title = "Target and prediction"
    if not snapshot["rows"]:
        return Section(title, "", {}, NO_ROWS)
    if values.is_empty(snapshot["series"]):
        return Section(title, "", {}, NOTHING_KNOWN)
    labels = values.too_many_labels(snapshot)
    if labels is not None:
        why = f"There are {labels} labels, more than one axis can show."
        return Section(title, "", {}, why)
    width = snapshot["series_width"]
    kept = "the first mistake" if snapshot["task"] == "classification" else "the extremes"
    remark = "Every row of the run."
    if width > 1:
        remark = f"Of every {width:,} rows {kept} and the last one are drawn, so spikes show."
    return Section(title, remark, values.whole_run(snapshot, rows))


def _last_rows(snapshot: dict[str, Any]) -> Section:
    title = f"The last {len(snapshot['recent']['row']):,} rows"
    if values.is_empty(snapshot["recent"]):
        return Section(title, "", {}, NOTHING_KNOWN)
    if values.too_many_labels(snapshot) is not None:
        return Section(title, "", {}, "There are more labels than one axis can show.")
    return Section(title, "Each of them.", {"recent": values.last_rows(snapshot)})


def _errors(snapshot: dict[str, Any], rows: Any) -> Section:
    seen = snapshot["errors"]
    title = "Error along the run"
    if all(error is None for error in seen["overall"].values()):
        return Section(title, "", {}, NOT_SCORED)
    remark = (
        f"{seen['measure'].capitalize()} over the last {learning.rolled_over(snapshot):,} rows; "
        "all models predicted each row before they learnt it. Lines far above the others "
        "are cut off at the top."
    )
    return Section(title, remark, {"errors": learning.errors(snapshot, rows)})


def _gradient(snapshot: dict[str, Any], rows: Any) -> Section:
    title = "The gradient through time"
    if not any(norm for _, norms in snapshot["gradient"] for norm in norms):
        return Section(title, "", {}, _why_empty(snapshot, snapshot["gradient"]))
    remark = (
        "The norm of the loss's derivative by the state of the top layer, at rows further and "
        "further back. If it falls to nothing within a few lags, the network cannot learn what "
        "lies further back; if it grows, learning is unsteady."
    )
    charts = {"gradient_lines": learning.gradient_lines(snapshot)}
    if len(snapshot["gradient"]) > 1:
        charts = {"gradient": learning.gradient_map(snapshot, rows), **charts}
    return Section(title, remark, charts)


def _update_size(snapshot: dict[str, Any], rows: Any) -> Section:
    title = "How far the weights moved"
    if not any(snapshot["update_size"]["value"]):
        return Section(title, "", {}, _why_empty(snapshot, snapshot["update_size"]["row"]))
    remark = (
        "From one look at the weights to the next, beside their norm. It falls as the network "
        "settles, and rises where the stream changes."
    )
    return Section(title, remark, {"update_size": learning.update_size(snapshot, rows)})


def _saturation(snapshot: dict[str, Any], rows: Any) -> Section:
    title = "Saturation of the gates"
    gates = snapshot["saturation"]["gates"].values()
    if all(share is None for gate in gates for share in gate):
        return Section(title, "", {}, _why_empty(snapshot, snapshot["saturation"]["row"]))
    remark = "Units whose gate is nearly shut or open learn little through it."
    return Section(title, remark, {"saturation": learning.saturation(snapshot, rows)})


def _updates(snapshot: dict[str, Any], rows: Any) -> Section:
    title = "Updates held back, targets not known"
    if not snapshot["rows"]:
        return Section(title, "", {}, NO_ROWS)
    remark = (
        "Clipped: the gradient was longer than allowed, and was shortened. Skipped: it was not "
        "finite, and nothing was learnt from it."
    )
    return Section(title, remark, {"updates": learning.updates(snapshot, rows)})


def _speed(snapshot: dict[str, Any], rows: Any) -> Section:
    title = "Speed"
    if not snapshot["seconds"]:
        return Section(title, "", {}, NO_ROWS)
    remark = "The time a row takes is the mean of its block, and of the network alone."
    charts = {"throughput": learning.throughput(snapshot, rows)}
    return Section(title, remark, charts, table=tables.latency(snapshot))


def figures(snapshot: dict[str, Any], is_run: bool) -> list[Section]:
    """Return the tables at the end."""
    metrics = Section("Metrics", "", {}, table=tables.contestants(snapshot))
    if not is_run:
        return [metrics]
    about = snapshot["about"]
    quiet = "Nothing out of the ordinary happened: no drift, no checkpoint, no break."
    events = tables.marks(snapshot) if snapshot["mark_counts"] else ""
    return [
        metrics,
        Section("Events", "", {}, "" if events else quiet, events),
        _pairs("Counters", snapshot["counters"], ("what", "how many"), "The model has none."),
        _pairs("Parameters", about.get("parameters"), ("parameter", "value"), "None were given."),
    ]


def _pairs(title: str, pairs: Any, header: tuple[str, str], empty: str) -> Section:
    if not pairs:
        return Section(title, "", {}, empty)
    return Section(title, "", {}, table=tables.pairs(pairs, header))


def _why_empty(snapshot: dict[str, Any], looked: list[Any]) -> str:
    if snapshot["no_diagnostics"]:
        return snapshot["no_diagnostics"]
    if not looked:
        return "The run was too short: the network is asked after some hundred rows at first."
    return "The network has learnt nothing yet, or tells nothing about this."
