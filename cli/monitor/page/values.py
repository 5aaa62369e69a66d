"""Target against prediction: the whole run with an overview to choose from, and the last rows."""

from typing import Any

from .style import COLOURS, INK, add_marks, chart, floats, hide_legend

#: Labels that one axis can show.
READABLE = 40


def whole_run(snapshot: dict[str, Any], rows: Any) -> dict[str, Any]:
    """Return the chart of the whole run and, of numbers, the overview beneath it."""
    series = snapshot["series"]
    if snapshot["task"] == "classification":
        made = _labels("series", series, x_range=rows)
        add_marks(made, snapshot["marks"])
        return {"series": made}
    made = _numbers("series", series, snapshot["about"], x_range=rows)
    add_marks(made, snapshot["marks"])
    return {"series": made, "overview": _overview(series, rows)}


def last_rows(snapshot: dict[str, Any]) -> Any:
    """Return the chart of the last rows, each of them."""
    from bokeh.models import Range1d

    recent = snapshot["recent"]
    first, last = recent["row"][0], max(recent["row"][-1], recent["row"][0] + 1)
    where = Range1d(first, last, bounds=(first - 1, last + 1), min_interval=2)
    if snapshot["task"] == "classification":
        made = _labels("recent", recent, x_range=where)
    else:
        made = _numbers("recent", recent, snapshot["about"], x_range=where)
    return made


def is_empty(points: dict[str, Any]) -> bool:
    """Return whether there is neither a target nor a prediction in it."""
    return all(value is None for name in ("target", "prediction") for value in points[name])


def too_many_labels(snapshot: dict[str, Any]) -> int | None:
    """Return the number of labels if they are more than one axis can show."""
    if snapshot["task"] != "classification":
        return None
    count = len(_names(snapshot["series"]))
    return count if count > READABLE else None


def _numbers(name: str, points: dict[str, Any], about: dict[str, Any], **options: Any) -> Any:
    from bokeh.models import ColumnDataSource, HoverTool

    made = chart(name, "row", str(about.get("target") or "target"), **options)
    columns = {name: floats(points[name]) for name in ("row", "target", "prediction")}
    times = ["" if time is None else str(time) for time in points["time"]]
    source = ColumnDataSource({**columns, **({"time": times} if any(times) else {})})
    made.line(
        "row",
        "prediction",
        source=source,
        legend_label="prediction",
        line_color=COLOURS[0],
        line_width=1.8,
    )
    # Above it, and thinner: else a noisy prediction covers what it is to be compared with.
    shown = made.line("row", "target", source=source, legend_label="target", line_width=1.1)
    shown.glyph.tags = [INK]
    told = [("row", "@row{0,0}"), ("target", "@target{0.0000a}")]
    told += [("prediction", "@prediction{0.0000a}")]
    told += [("time", "@time")] if any(times) else []
    made.add_tools(HoverTool(renderers=[shown], tooltips=told, mode="vline"))
    hide_legend(made)
    return made


def _overview(series: dict[str, Any], rows: Any) -> Any:
    from bokeh.models import ColumnDataSource, Range1d, RangeTool

    whole = Range1d(rows.start, rows.end)
    made = chart("overview", "drag the frame to choose rows", "", 90, x_range=whole)
    made.toolbar_location = None
    made.toolbar.active_drag = None
    made.yaxis.visible = False
    made.ygrid.grid_line_color = None
    shown = "target" if any(value is not None for value in series["target"]) else "prediction"
    source = ColumnDataSource({"row": floats(series["row"]), "value": floats(series[shown])})
    made.line("row", "value", source=source).glyph.tags = [INK]
    frame = RangeTool(x_range=rows, start_gesture="pan")
    frame.overlay.fill_color = COLOURS[0]
    frame.overlay.fill_alpha = 0.15
    made.tools = [frame]
    return made


def _labels(name: str, points: dict[str, Any], **options: Any) -> Any:
    """Draw what came as squares, and the predictions in them: points if right, crosses if not."""
    from bokeh.models import HoverTool

    names = _names(points)
    height = max(240, min(700, 90 + 22 * len(names)))
    made = chart(name, "row", "label", height, y_range=names or ["none"], **options)
    times = ["" if time is None else str(time) for time in points["time"]]
    table = list(zip(points["row"], times, points["target"], points["prediction"], strict=True))
    size = 8 if len(table) <= 1500 else 5
    came = [row for row in table if row[2] is not None]
    right = [row for row in came if row[2] == row[3]]
    wrong = [row for row in came if row[2] != row[3] and row[3] is not None]
    drawn = [
        _points(made, came, "target", "square", "target", size=size + 1, fill_alpha=0),
        _points(made, right, "prediction", "circle", "right", size=size // 2, color=COLOURS[0]),
        _points(made, wrong, "prediction", "x", "wrong", size=size, color=COLOURS[1], line_width=2),
    ]
    drawn[0].glyph.tags = [INK]
    told = [("row", "@row{0,0}"), ("target", "@target"), ("prediction", "@prediction")]
    told += [("time", "@time")] if any(times) else []
    made.add_tools(HoverTool(renderers=drawn, tooltips=told))
    hide_legend(made)
    return made


def _points(made: Any, rows: list[Any], y: str, marker: str, legend: str, **options: Any) -> Any:
    from bokeh.models import ColumnDataSource

    names = ("row", "time", "target", "prediction")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}
    source = ColumnDataSource(columns or {name: [] for name in names})
    return made.scatter("row", y, source=source, marker=marker, legend_label=legend, **options)


def _names(points: dict[str, Any]) -> list[str]:
    return sorted({*points["target"], *points["prediction"]} - {None})
