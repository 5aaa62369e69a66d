"""Options that do not go together, found before anything is read or written."""

import click

from .options import check_files
from .schemes import without_login
from .settings import Settings
from .sources import is_live


def check(settings: Settings) -> None:
    """Refuse options that do not go together.

    Raises
    ------
    click.UsageError
        Says which, and what to do.
    """
    check_files(
        settings.source,
        {
            "--predictions": settings.predictions,
            "--metrics-json": settings.metrics_json,
            "--dead-letter": settings.dead_letter,
            "--report": settings.report,
            "--save": settings.save,
            "--checkpoint": settings.checkpoint,
        },
    )
    if settings.resume and settings.checkpoint is None:
        raise click.UsageError("--resume needs to know from where: give --checkpoint FILE.")
    if is_live(settings.source) and not settings.is_live:
        source = without_login(settings.source)
        raise click.UsageError(f"{source!r} never ends: streamrnn live is for it.")
    if settings.baselines == "all" and settings.rivals_are_simple:
        raise click.UsageError(
            "--baselines all has a linear model, which plays rows in order and is in no "
            "checkpoint: --baselines simple goes with live, --checkpoint, --key, --id and --delay."
        )
    if settings.key is not None and settings.drift is not None:
        raise click.UsageError("--key does not go with --drift: a detector watches one stream.")
    if settings.key is not None and (settings.id is not None or settings.delay):
        raise click.UsageError(
            "--key does not go with --id and --delay: one model a key cannot learn targets late."
        )
