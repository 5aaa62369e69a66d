"""How all charts look, and what they share: colours, tools, the rows along the x-axis."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

#: Colours of Okabe & Ito (2008), told apart by colour-blind people too; and the lines' dashes, for
#: those who print. The network is first.
COLOURS = ("#1f83d6", "#d55e00", "#009e73", "#cc79a7", "#b58a00", "#7a6ff0")
DASHES = ("solid", "dashed", "dotdash", "dotted", "dashdot", "solid")
#: What is drawn in the colour of the text, which the page sets: light or dark.
INK = "ink"
MARKS = {
    "drift": "#d55e00",
    "checkpoint": "#009e73",
    "resume": "#1f83d6",
    "reconnect": "#cc79a7",
    "state_reset": "#b58a00",
}
HEIGHT = 300
#: Its own is a white bar across the chart, in the dark, too.
TOOLBAR = """:host { background: #e4e8ed !important; width: max-content !important;
margin-left: auto; border-radius: 0 0 0 6px; }"""


class Look(NamedTuple):
    """The colour and the dashes of one line."""

    line_color: str
    line_dash: str


def look(place: int) -> dict[str, str]:
    """Return how the line of one contestant, or one gate, looks."""
    return Look(COLOURS[place % len(COLOURS)], DASHES[place % len(DASHES)])._asdict()


def rows_range(snapshot: dict[str, Any]) -> Any:
    """Return the range of rows that all charts of the whole run share: zooming one zooms all."""
    from bokeh.models import Range1d

    rows = snapshot["series"]["row"]
    first, last = (rows[0], rows[-1]) if rows else (0, 1)
    last = max(last, first + 1)
    room = (last - first) / 50
    return Range1d(first, last, bounds=(first - room, last + room), min_interval=2)


def chart(name: str, x: str, y: str, height: int = HEIGHT, **options: Any) -> Any:
    """Return an empty chart.

    Parameters
    ----------
    name
        What the page's keys find it by.
    x, y
        What the axes show, with units.
    height
        In pixels; the width is the page's.
    options
        Further arguments of ``bokeh.plotting.figure``.
    """
    from bokeh.models import NumeralTickFormatter
    from bokeh.plotting import figure

    made = figure(
        name=name,
        x_axis_label=x,
        y_axis_label=y,
        height=height,
        sizing_mode="stretch_width",
        tools="xpan,xbox_zoom,xwheel_zoom,reset,save",
        active_drag="xbox_zoom",
        active_scroll=None,  # else nobody could scroll past
        toolbar_location="above",
        output_backend="canvas",
        **options,
    )
    made.toolbar.logo = None
    made.toolbar.autohide = True
    made.toolbar_inner = True
    made.xgrid.grid_line_color = None
    made.outline_line_color = None
    # The page's own shows through, light or dark.
    made.background_fill_color = made.border_fill_color = None
    made.toolbar.stylesheets = [TOOLBAR]
    if "x_axis_type" not in options:
        made.xaxis.formatter = NumeralTickFormatter(format="0,0")
    return made


def lines(
    made: Any, x: Sequence[Any], columns: Mapping[str, Sequence[Any]], **options: Any
) -> None:
    """Draw one line a column; the mouse tells the values."""
    import numpy as np
    from bokeh.models import ColumnDataSource, HoverTool

    drawn = []
    for place, (name, values) in enumerate(columns.items()):
        source = ColumnDataSource({"x": np.asarray(x, dtype=float), "y": floats(values)})
        how = {**look(place), "line_width": 2.5 if place == 0 else 1.6}
        drawn.append(made.line("x", "y", source=source, legend_label=name, name=name, **how))
        if len(x) == 1:  # a line of one point cannot be seen
            made.scatter("x", "y", source=source, size=8, color=how["line_color"])
    told = [("", "$name"), ("row", "@x{0,0}"), ("value", "@y{0.0000a}")]
    made.add_tools(HoverTool(renderers=drawn, tooltips=told, mode="mouse"))
    hide_legend(made)


def hide_legend(made: Any) -> None:
    """Leave the legend to the page: buttons beneath the chart wrap, and keys reach them."""
    made.legend.visible = False


def add_marks(made: Any, marks: Sequence[dict[str, Any]]) -> None:
    """Draw events as vertical lines, one colour a kind; the mouse tells what they are."""
    from bokeh.models import ColumnDataSource, HoverTool

    drawn = []
    for kind in dict.fromkeys(mark["kind"] for mark in marks):
        those = [mark for mark in marks if mark["kind"] == kind]
        columns = {name: [mark[name] for mark in those] for name in ("kind", "row", "text")}
        colour = MARKS.get(kind, "#888888")
        drawn.append(
            made.vspan(
                x="row",
                source=ColumnDataSource(columns),
                line_color=colour,
                line_dash="4 3",
                line_width=1.5,
                line_alpha=0.8,
                legend_label=kind.replace("_", " "),
            )
        )
    if drawn:
        told = [("event", "@kind"), ("row", "@row{0,0}"), ("", "@text")]
        made.add_tools(HoverTool(renderers=drawn, tooltips=told))
        hide_legend(made)


def floats(values: Sequence[Any]) -> Any:
    """Return an array, NaN for None; the page holds arrays in two thirds of the space of lists."""
    import numpy as np

    return np.array([float("nan") if value is None else value for value in values], dtype=float)
