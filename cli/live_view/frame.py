"""One picture of a run, as large as the terminal is: from a monitor's snapshot to rich's parts."""

from typing import Any

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.text import Text

from .glyphs import short, visible
from .panels import errors, events, gradient, network
from .picture import picture

#: Terminals of fewer letters show the panels in two lines of two.
WIDE = 130
#: ... of fewer lines no panels, of still fewer or of fewer letters no picture.
LOW, LOWEST, NARROW = 18, 8, 40


def frame(
    snapshot: dict[str, Any], width: int, height: int, speed: float | None, note: str
) -> RenderableType:
    """Return the picture.

    Parameters
    ----------
    snapshot
        What `Monitor.snapshot` returned.
    width, height
        Letters and lines of the terminal.
    speed
        Rows a second of the whole run, by the clock, in the last moments.
    note
        The last remark.
    """
    head = header(snapshot, width, speed)
    # Not quite empty: a layout would show a box with its size in place of nothing.
    foot = Text(visible(note) or " ", style="yellow", no_wrap=True, overflow="ellipsis")
    if height < LOWEST or width < NARROW:
        return Group(head, foot)
    wide = width >= WIDE
    panel_lines = _panel_lines(height, wide)
    layout = Layout()
    panels = _panels(snapshot, width, panel_lines, wide) if height >= LOW else []
    picture_lines = height - 3 - sum(lines for _, lines in panels)
    layout.split_column(
        Layout(head, size=2),
        Layout(_boxed(picture(snapshot, width - 4, picture_lines - 2), _title(snapshot))),
        *(Layout(row, size=lines) for row, lines in panels),
        Layout(foot, size=1),
    )
    return layout


def header(snapshot: dict[str, Any], width: int, speed: float | None) -> Text:
    """Return two lines: what runs, and how fast."""
    about, latency = snapshot["about"], snapshot["latency"]
    title = str(about.get("title") or snapshot["names"][0])
    places = [str(about[name]) for name in ("source", "sink") if about.get(name)]
    first = Text(visible(title), style="bold", no_wrap=True, overflow="ellipsis")
    first.append(f"  {visible(' → '.join(places))}", style="not bold")
    first.truncate(width, overflow="ellipsis")
    memory = snapshot["memory_bytes"]
    figures = [
        f"{snapshot['rows']:,} rows",
        f"{short(speed)} rows/s",
        f"p50 {short(latency['p50'])} µs",
        f"p99 {short(latency['p99'])} µs",
        *([] if memory is None else [f"{memory / 1024:,.0f} KiB"]),
    ]
    second = Text("   ".join(figures), no_wrap=True, overflow="ellipsis", style="cyan")
    return Text("\n", no_wrap=True, overflow="ellipsis").join([first, second])


def _panel_lines(height: int, wide: bool) -> int:
    """Return the lines of a panel, its border included."""
    if wide:
        return min(14, max(6, height // 3))
    return min(10, max(5, (height - 3 - 7) // 2))


def _panels(
    snapshot: dict[str, Any], width: int, lines: int, wide: bool
) -> list[tuple[Layout, int]]:
    """Return rows of panels with their lines."""
    across = 4 if wide else 2
    inner = width // across - 4
    boxes = [
        _boxed(errors(snapshot, inner, lines - 2), snapshot["errors"]["measure"]),
        _boxed(gradient(snapshot, inner, lines - 2), "gradient by lag, log"),
        _boxed(network(snapshot, inner, lines - 2), "network"),
        _boxed(events(snapshot, inner, lines - 2), "events and counters"),
    ]
    rows = []
    for start in range(0, len(boxes), across):
        row = Layout()
        row.split_row(*(Layout(box) for box in boxes[start : start + across]))
        rows.append((row, lines))
    return rows


def _boxed(content: RenderableType, title: str) -> Panel:
    return Panel(content, title=title, title_align="left", border_style="dim", padding=(0, 1))


def _title(snapshot: dict[str, Any]) -> str:
    if snapshot["task"] == "classification":
        return "● right  x wrong  ○ what came"
    return "target (dim), [bold]prediction[/bold]"
