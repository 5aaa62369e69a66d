"""Regression or classification: as told, as the source knows, or by a look at the first rows."""

from collections.abc import Sequence
from typing import cast

from .cells import is_number, label
from .cleaning import listed
from .errors import DataError, shown
from .settings import Settings, Task
from .sources import Batch, Source
from .spelling import DECIMAL_POINT, has_comma


def choose_task(
    settings: Settings, source: Source, target: str, head: Sequence[Batch]
) -> tuple[Task, str | None]:
    """Return the task, and a remark if it was guessed.

    Parameters
    ----------
    settings
        The option ``--task``.
    source
        The source; it may know the task of its own target.
    target
        The column to be predicted.
    head
        The first rows, to guess by: if all targets are numbers (nine in ten where errors are
        skipped) it is regression.
    """
    if settings.task != "auto":
        return cast(Task, settings.task), None
    if source.task is not None and target == source.target:
        return source.task, None
    cells = [
        cell
        for batch in head
        if target in batch.columns
        for cell in listed(batch.cells[batch.columns.index(target)])
    ]
    known = [cell for cell in cells if not _is_missing(cell)]
    if not known:
        what = f"no target in the first {len(cells)} rows, so the task cannot be guessed"
        remedy = "Give --task regression or --task classification"
        raise DataError(what, source=source.name, column=target, remedy=remedy)
    labels = [cell for cell in known if isinstance(cell, bool) or not is_number(cell)]
    first = next(iter(labels), None)
    # Where errors are skipped, a few labels among numbers are errors.
    if first is None or (settings.skips and len(labels) < 0.1 * len(known)):
        task, other = "regression", "classification"
        why = "only numbers" if first is None else "numbers"
    else:
        _refuse_commas(labels, target, source)
        task, why, other = "classification", f"labels such as {shown(first)}", "regression"
    remark = f"target {target!r} holds {why}: {task}. If that is wrong: --task {other}"
    return cast(Task, task), remark


def _refuse_commas(labels: Sequence[object], target: str, source: Source) -> None:
    """Raise DataError if the labels are numbers but for their commas."""
    if all(map(has_comma, labels)):
        what = f"the target {shown(labels[0])} is not a number"
        remedy = f"{DECIMAL_POINT}. If these are labels: --task classification"
        raise DataError(what, source=source.name, column=target, remedy=remedy)


def _is_missing(cell: object) -> bool:
    return not isinstance(cell, list | dict) and label(cell) is None
