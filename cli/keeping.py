"""Keeping a run safe: when checkpoints are taken, what is in them, and going on from one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import click

from . import checkpoint
from .engine import Engine
from .network import check_fits
from .pace import Pace
from .roles import Roles
from .settings import Settings, Task
from .sources import Source

if TYPE_CHECKING:
    from .preparing import Session


@dataclass
class Kept:
    """A run as a checkpoint has it."""

    path: str
    model: Any
    run: dict[str, Any]
    roles: Roles
    words: dict[str, int]
    task: Task
    position: dict[str, Any]
    sizes: dict[str, int | None]

    @classmethod
    def of(cls, settings: Settings) -> Kept | None:
        """Return the run to go on with, None to begin afresh.

        Raises
        ------
        click.UsageError
            If the options are not those of the run.
        DataError
            If the checkpoint is damaged.
        """
        path = settings.checkpoint
        if path is None or not settings.resume:
            return None
        try:
            model, run = checkpoint.load(path)
        except FileNotFoundError:
            return None
        try:
            _check_same(run["settings"], settings, path)
            roles = run["roles"]
            sets = {name: frozenset(roles[name]) for name in ("drop", "encode")}
            kept = cls(
                path,
                model,
                run,
                Roles(**(roles | sets)),
                run["words"],
                run["task"],
                run["position"],
                run["sizes"],
            )
            kept.check()
        except checkpoint.DISTORTED as error:
            raise checkpoint.damaged(path, error) from None
        check_fits(model, settings, kept.task)
        return kept

    def check(self) -> None:
        """Raise TypeError or ValueError if something is not of its kind."""
        for name, value in self.roles._asdict().items():
            is_list = isinstance(value, frozenset)
            # The columns, those that need not be there, and what is said about them.
            kinds = str if is_list else bool | None if name == "alone" else str | None
            if not all(isinstance(one, kinds) for one in (value if is_list else [value])):
                raise TypeError(f"{name} is {value!r:.40}")
        counts = [*self.words.values(), *(n for n in self.sizes.values() if n is not None)]
        if not all(type(n) is int and n >= 0 for n in counts):
            raise ValueError(f"sizes are {counts}")
        if self.task not in get_args(Task):
            raise ValueError(f"the task is {self.task!r}")

    def seek(self, source: Source) -> None:
        """Let a source begin where the run was."""
        try:
            source.seek(self.position)
        except checkpoint.DISTORTED as error:
            raise checkpoint.damaged(self.path, error) from None

    def restore(self, engine: Engine) -> None:
        """Let a fresh engine go on from here."""
        try:
            engine.restore(self.run["engine"])
        except checkpoint.DISTORTED as error:
            raise checkpoint.damaged(self.path, error) from None


class Keeper:
    """Takes checkpoints, and hands results over as they come.

    Parameters
    ----------
    engine
        The run.
    session
        What was settled before it.
    """

    def __init__(self, engine: Engine, session: Session) -> None:
        self._engine = engine
        self._session = session
        self._path = session.settings.checkpoint
        self._pace = Pace(session.settings.checkpoint_every)

    def begin(self) -> None:
        """Take the first checkpoint: what cannot be written shows before the work, not after."""
        if self._path is not None:
            self._save()

    def look(self) -> None:
        """Do what is due after a batch, or in a pause."""
        if self._path is not None and self._pace.is_due(self._engine.seen):
            self._save()
        elif self._session.settings.is_live:
            self._hand_over()
            if self._path is None:
                self._session.source.commit()

    def end(self) -> None:
        """Take the last checkpoint."""
        if self._path is not None:
            self._save()
        elif self._session.settings.keeps:
            self._hand_over()
            self._session.source.commit()

    def _hand_over(self) -> None:
        for one in (self._engine.sink, self._engine.dead_letters):
            if one is not None:
                one.flush()

    def _save(self) -> None:
        """Write a checkpoint, after all that it says is written has been."""
        self._hand_over()
        # Who asks the model meanwhile must not move it.
        with self._engine.lock:
            self._write()
        self._pace.done(self._engine.seen)
        # Only now may whoever sends forget what was sent.
        self._session.source.commit()

    def _write(self) -> None:
        engine, session = self._engine, self._session
        # A file that is not written this time may be gone on with the next time.
        before = {} if session.kept is None else session.kept.sizes
        files = {"predictions": engine.sink, "dead_letters": engine.dead_letters}
        sizes = {name: before.get(name) if f is None else f.size() for name, f in files.items()}
        if engine.monitor is not None and engine.seen:
            engine.monitor.mark("checkpoint", engine.seen)
        network: Any = engine.board.contestants[0]
        run = {
            "source": session.source.name,
            "settings": session.settings.deciding(),
            "roles": _as_json(session.roles),
            "words": session.words,
            "task": session.task,
            "position": session.source.position(),
            "sizes": sizes,
            "engine": engine.state(),
        }
        assert self._path is not None
        checkpoint.save(self._path, network.model, run)


def _as_json(roles: Roles) -> dict[str, Any]:
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in roles._asdict().items()
    }


def _check_same(before: dict[str, Any], settings: Settings, path: str) -> None:
    """Refuse to go on with other options than those that the run began with."""
    for name, value in settings.deciding().items():
        if before[name] != value:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(
                f"{option} was {before[name]!r} in the run that {os.fspath(path)!r} has, and is "
                f"{value!r} now: give the same, or start afresh without --resume."
            )
