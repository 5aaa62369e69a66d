"""Options that do not go together, found before anything is read or written."""

import os

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
    # A model that goes on is saved under its own name, too; one that stays as it is, is not.
    read_only = {"MODEL": settings.model} if settings.frozen else {}
    check_files(
        settings.source,
        read_only
        | {
            "--predictions": settings.predictions,
            "--metrics-json": settings.metrics_json,
            "--dead-letter": settings.dead_letter,
            "--report": settings.report,
            "--save": settings.save,
            "--checkpoint": settings.checkpoint,
        },
    )
    _check_checkpoint(settings)
    _check_errors(settings)
    _check_keys(settings)
    _check_late(settings)
    _check_backend(settings)
    if is_live(settings.source) and not settings.is_live:
        source = without_login(settings.source)
        raise click.UsageError(f"{source!r} never ends: streamrnn live is for it.")
    if settings.baselines == "all" and settings.rivals_are_simple:
        raise click.UsageError(
            "--baselines all has a linear model, which plays rows in order and is in no "
            "checkpoint: --baselines simple goes with live, --checkpoint, --key, --id and --delay."
        )


def _check_checkpoint(settings: Settings) -> None:
    if settings.resume and settings.checkpoint is None:
        raise click.UsageError("--resume needs to know from where: give --checkpoint FILE.")
    if settings.checkpoint is not None and not settings.resume and _holds(settings.checkpoint):
        raise click.UsageError(
            f"{settings.checkpoint!r} is there already: --resume goes on from it; to begin anew, "
            "remove it or name another file."
        )


def _holds(path: str) -> bool:
    """Say whether there is a file with anything in it."""
    return os.path.isfile(path) and os.path.getsize(path) > 0


def _check_errors(settings: Settings) -> None:
    if settings.on_error == "stop" and settings.dead_letter is not None:
        raise click.UsageError(
            "--on-error stop leaves nothing for --dead-letter: give one of them."
        )


def _check_keys(settings: Settings) -> None:
    """Refuse what watches, or waits for, one stream, where there are many."""
    if settings.key is None:
        return
    if settings.drift is not None:
        raise click.UsageError("--key does not go with --drift: a detector watches one stream.")
    if settings.id is not None or settings.delay:
        raise click.UsageError(
            "--key does not go with --id and --delay: one model a key cannot learn targets late."
        )


def _check_backend(settings: Settings) -> None:
    """Refuse a device for what looks at each row before the next."""
    given = {"--drift": settings.drift, "--id": settings.id, "--delay": settings.delay}
    for option, value in given.items():
        if settings.backend == "cuda" and value:
            raise click.UsageError(
                f"--backend cuda does not go with {option}, for which rows are played one by one: "
                "--backend cpu does."
            )


def _check_late(settings: Settings) -> None:
    """Refuse targets that come when their step is not among the last ones any more."""
    if settings.delay >= settings.truncation and settings.model is None:
        raise click.UsageError(
            f"--delay {settings.delay} is no less than --truncation {settings.truncation}: targets "
            "would come too late for the steps that they belong to."
        )
    if settings.update_every > 1 and (settings.id is not None or settings.delay):
        raise click.UsageError(
            "--update-every does not go with --id and --delay: an update for several rows cannot "
            "wait for targets."
        )
