"""Target against prediction of the last rows, in letters."""

from collections import Counter
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from .glyphs import BRAILLE, curve, known, short, visible

#: Letters at the left for the values or labels.
MARGIN = 9


def picture(snapshot: dict[str, Any], width: int, height: int) -> RenderableType:
    """Return the picture of the task, with a line for the rows at the bottom."""
    recent = snapshot["recent"]
    if not recent["row"]:
        return Text("no rows so far")
    room = width - MARGIN
    if snapshot["task"] == "classification":
        rows, lines = recent["row"][-room:], _labels(recent, room, height - 1)
    else:
        rows, lines = recent["row"][-2 * room :], _curves(recent, room, height - 1)
    axis = f"row {rows[0]:,} to {rows[-1]:,}"
    lines.append(Text(" " * MARGIN + axis, style="dim"))
    return Text("\n", no_wrap=True).join(lines)


def _curves(recent: dict[str, Any], width: int, height: int) -> list[Text]:
    """Draw both as curves. The prediction is bold and coloured: it is told apart without colour."""
    targets, predictions = recent["target"][-2 * width :], recent["prediction"][-2 * width :]
    # A wild first guess must not flatten the rest.
    found = known(targets) or known(predictions) or [0.0]
    span = (max(found) - min(found)) or abs(found[0]) or 1.0
    near = [v for v in known(predictions) if min(found) - span <= v <= max(found) + span]
    low, high = min([*found, *near]), max([*found, *near])
    if low == high:
        low, high = low - span / 2, high + span / 2
    came = curve(targets, low, high, width, height)
    guessed = curve(predictions, low, high, width, height)
    lines = []
    for i in range(height):
        value = {0: high, height - 1: low}.get(i)
        line = Text(("" if value is None else short(value)).rjust(MARGIN - 1) + " ", style="dim")
        for style, letters in _runs(came[i], guessed[i]):
            line.append(letters, style=style)
        lines.append(line)
    return lines


def _runs(came: list[int], guessed: list[int]) -> list[tuple[str, str]]:
    """Join neighbours of one style."""
    runs: list[tuple[str, str]] = []
    for one, other in zip(came, guessed, strict=True):
        style = "not dim bold bright_blue" if other else "dim"
        letter = chr(BRAILLE | one | other) if one or other else " "
        if runs and runs[-1][0] == style:
            runs[-1] = (style, runs[-1][1] + letter)
        else:
            runs.append((style, letter))
    return runs


def _labels(recent: dict[str, Any], width: int, height: int) -> list[Text]:
    """Draw a line a label, the most frequent ones: what came, and what was predicted."""
    targets, guesses = recent["target"][-width:], recent["prediction"][-width:]
    counts = Counter(name for name in [*targets, *guesses] if name is not None)
    lines = []
    for name in sorted(name for name, _ in counts.most_common(height)):
        shown = name if len(name) < MARGIN else name[: MARGIN - 2] + "…"
        line = Text(visible(shown).rjust(MARGIN - 1) + " ", style="dim")
        for target, guess in zip(targets, guesses, strict=True):
            letter, style = _letter(name, target, guess)
            line.append(letter, style=style)
        lines.append(line)
    return lines + [Text("")] * (height - len(lines))


def _letter(name: str, target: str | None, guess: str | None) -> tuple[str, str]:
    if guess == name:
        right = target in (name, None)
        return ("●", "not dim bold bright_blue") if right else ("x", "not dim bold red")
    return ("○", "dim") if target == name else (" ", "")
