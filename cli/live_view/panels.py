"""The panels under the picture: text of a given size each."""

from typing import Any

from rich.text import Text

from .glyphs import bars, known, short, sparkline

#: Letters of a name at most.
NAME = 16


def errors(snapshot: dict[str, Any], width: int, height: int) -> Text:
    """Show each contestant's error: overall, lately, and along the run."""
    found = snapshot["errors"]
    named = min(NAME, 2 * width // 5)
    lines = []
    for i, name in enumerate(snapshot["names"][:height]):
        values = found["values"].get(name, [])
        latest = next(reversed(known(values)), None)
        line = Text(_cut(name, named).ljust(named), style="bold" if i == 0 else "")
        line.append(f"{short(found['overall'].get(name)):>8}{short(latest):>7} ")
        style = "bright_blue" if i == 0 else "dim"
        line.append(sparkline(values, max(1, width - named - 16)), style=style)
        lines.append(line)
    if len(lines) < height:
        head = f"{'':{named}}{'overall':>8}{'lately':>7}"
        lines.insert(0, Text(head, style="dim"))
    return _joined(lines)


def gradient(snapshot: dict[str, Any], width: int, height: int) -> Text:
    """Show how far back the gradient reaches, at the last time the network was asked."""
    columns = [norms for _, norms in snapshot["gradient"] if norms]
    if not columns:
        return Text(snapshot["no_diagnostics"] or "not known so far", style="dim")
    norms = columns[-1]
    found = [value for value in known(norms) if value > 0]
    lines = [Text(line, style="bright_blue") for line in bars(norms, width, height - 1)]
    span = f"{short(min(found))} to {short(max(found))}" if found else "all zero"
    foot = f"0 to {len(norms) - 1} back: {span}"
    return _joined([*lines, Text(foot, style="dim")])


def network(snapshot: dict[str, Any], width: int, height: int) -> Text:
    """Show what was clipped, how much the weights move, and the gates that are saturated."""
    rates, sizes = snapshot["rates"], snapshot["update_size"]["value"]
    lines = [
        _share("clipped", rates["clipped"], width),
        _share("skipped", rates["skipped"], width) if any(rates["skipped"]) else None,
        _line("weights move", short(_last(sizes)), sizes, width) if known(sizes) else None,
    ]
    for gate, values in snapshot["saturation"]["gates"].items():
        lines.append(_share(f"{gate} full", values, width))
    return _joined([line for line in lines if line is not None][:height])


def events(snapshot: dict[str, Any], width: int, height: int) -> Text:
    """Show what happened: marks by kind with the last place, then the counters."""
    lasts = {mark["kind"]: mark["row"] for mark in snapshot["marks"]}
    lines = [
        _pair(_words(kind), f"{count:,} (row {lasts[kind]:,})", width, "bold")
        for kind, count in snapshot["mark_counts"].items()
        if kind in lasts
    ]
    counters = snapshot["counters"].items()
    # What counts nothing so far comes last, and is the first to be left out.
    for name, count in sorted(counters, key=lambda pair: pair[1] == 0):
        lines.append(_pair(_words(name), f"{count:,}", width, "" if count else "dim"))
    return _joined(lines[:height])


def _share(name: str, values: list[float | None], width: int) -> Text:
    last = _last(values)
    return _line(name, "-" if last is None else f"{last:.1%}", values, width)


def _line(name: str, figure: str, values: list[float | None], width: int) -> Text:
    named = min(NAME, 2 * width // 5)
    line = Text(f"{_cut(name, named):{named}}{figure:>8} ")
    line.append(sparkline(values, max(1, width - named - 9)), style="bright_blue")
    return line


def _pair(name: str, figure: str, width: int, style: str) -> Text:
    return Text(
        f"{_cut(name, width - len(figure) - 1):<{width - len(figure)}}{figure}", style=style
    )


def _last(values: list[float | None]) -> float | None:
    return next(reversed(known(values)), None)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def _joined(lines: list[Text]) -> Text:
    return Text("\n", no_wrap=True, overflow="crop").join(lines)
