"""Write the page: sections, styles and scripts in one file."""

import os
from html import escape
from importlib.resources import files
from typing import Any

from ...atomic import replacing
from .available import check_available
from .sections import Section, figures, sections
from .tables import tiles


def write_report(snapshot: dict[str, Any], path: str, *, is_run: bool = True) -> None:
    """Write a run as one HTML page that loads nothing from elsewhere.

    Parameters
    ----------
    snapshot
        What `Monitor.snapshot` returns. Of ``about`` these keys are shown: ``title``, ``source``,
        ``target``, ``time``, ``version`` (texts), ``parameters`` (a dict), ``metrics`` (by
        contestant a dict of figures).
    path
        The file; it appears as a whole or not at all. A second suffix such as ``.gz`` compresses
        it; ``-`` is standard output.
    is_run
        Whether the snapshot is of a run. One of recorded predictions knows neither the model nor
        its speed, and what they would tell is left out.

    Raises
    ------
    click.UsageError
        If Bokeh is missing, or the file cannot be written.

    Examples
    --------
    >>> from streamrnn_cli.monitor import Monitor
    >>> monitor = Monitor("regression", ["LSTM"])
    >>> monitor.played([1, 2], None, [3.0, 5.0], [[2.5, 4.0]], seconds=2e-5)
    >>> write_report(monitor.snapshot(), "report.html")  # doctest: +SKIP
    """
    check_available()
    text = page(snapshot, is_run)
    with replacing(path) as stream:
        stream.write(text)


def page(snapshot: dict[str, Any], is_run: bool = True) -> str:
    """Return the page as text."""
    from bokeh.embed import components
    from bokeh.resources import Resources

    parts = sections(snapshot, is_run)
    charts = {name: made for part in parts for name, made in part.charts.items()}
    # Without charts there is nothing to load.
    script, divs, library = "", {}, ""
    if charts:
        script, divs = components(charts)
        library = Resources(mode="inline", components=["bokeh"]).render_js()
    about = snapshot["about"]
    title = str(about.get("title") or os.path.basename(str(about.get("source") or "")) or "A run")
    return _read("page.html").format(
        title=escape(title),
        subtitle=escape(_subtitle(snapshot)),
        style=_read("page.css"),
        library=library,
        tiles=tiles(snapshot, is_run),
        sections="\n".join(_section(part, divs) for part in parts),
        figures="\n".join(_section(part, divs) for part in figures(snapshot, is_run)),
        script=script,
        keys=_read("page.js"),
    )


def _section(part: Section, divs: dict[str, str]) -> str:
    charts = "".join(_chart(name, part.title, divs[name]) for name in part.charts)
    remark = f'<p class="remark">{escape(part.remark)}</p>' if part.remark else ""
    empty = f'<p class="empty">{escape(part.empty)}</p>' if part.empty else ""
    inner = f"{remark}{charts}{empty}{part.table}"
    return f"<section><h2>{escape(part.title)}</h2>{inner}</section>"


def _chart(name: str, title: str, div: str) -> str:
    # What the overview does by mouse, keys do in the chart above it.
    keys = "" if name == "overview" else "arrow keys move, plus and minus zoom, 0 shows all"
    focus = ' tabindex="0"' if keys else ""
    label = f"{title}: chart; {keys}" if keys else f"{title}: overview"
    return (
        f'<div class="chart" data-chart="{name}"{focus} role="group" aria-label="{escape(label)}">'
        f"{div}</div>"
    )


def _subtitle(snapshot: dict[str, Any]) -> str:
    about = snapshot["about"]
    said = [
        about.get("source"),
        f"{snapshot['task']} of {about['target']}" if about.get("target") else snapshot["task"],
        about.get("time"),
        f"streamrnn {about['version']}" if about.get("version") else None,
    ]
    return " · ".join(str(part) for part in said if part)


def _read(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")
