"""What is known of the moments to come: times that go on, and the rows of ``--future``."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..batches import gathered
from ..cleaning import Cleaner
from ..encoding import Encoding
from ..errors import DataError, RowError
from ..moments import moment
from ..preparing import Session
from ..sources import Batch, open_source
from ..suggestions import listed
from .along import Series, samples_of
from .settings import ForecastSettings
from .times import after, speller


class Future(NamedTuple):
    """The moments that are forecast.

    Parameters
    ----------
    samples
        What is known of each, as `RNNForecaster` takes it.
    times
        As the source spells them, or None if they are not known.
    """

    samples: list[dict[str, Any]]
    times: list[Any] | None


def future_of(
    settings: ForecastSettings, session: Session, series: Series, encoding: Encoding | None
) -> Future:
    """Return what is known of the moments after a series.

    Raises
    ------
    DataError
        If ``--future`` has fewer rows than are forecast, other columns, or begins too early.
    """
    if settings.future is None:
        return _continued([{} for _ in range(settings.horizon)], session, series)
    samples, times = _read(settings, session, series, encoding)
    return _continued(samples, session, series) if times is None else Future(samples, times)


def _continued(samples: list[dict[str, Any]], session: Session, series: Series) -> Future:
    """Let the times go on."""
    time = session.roles.time
    if time is None:
        return Future(samples, None)
    moments = after(list(series.moments), len(samples))
    if moments is None:
        what = "its times do not ascend, so what is forecast has none"
        session.console.note(f"{session.source.name}: {what}.")
        return Future(samples, None)
    for x, one in zip(samples, moments, strict=True):
        x[time] = one
    return Future(samples, list(map(speller(series.last_time), moments)))


def _read(
    settings: ForecastSettings, session: Session, series: Series, encoding: Encoding | None
) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """Return the first rows of the file, and their times if it has any."""
    roles = session.roles
    samples: list[dict[str, Any]] = []
    times: list[Any] = []
    with open_source(str(settings.future), session.settings.format) as source:
        cleaner = Cleaner(source, roles, "regression", encoding)
        for item in gathered(source.items()):
            if isinstance(item, RowError):
                raise item
            if not isinstance(item, Batch) or len(samples) >= settings.horizon:
                continue
            _check_columns(item, session, source.name)
            for block in cleaner.clean(item, 1 + len(samples)):
                if isinstance(block, RowError):
                    raise block
                samples += samples_of(block, roles.time)
                times += block.times or []
        name = source.name
    if len(samples) < settings.horizon:
        what = f"has {len(samples)} rows, and {settings.horizon} values are to be forecast"
        raise DataError(what, source=name, remedy=f"Add rows, or give -H {max(1, len(samples))}")
    samples, times = samples[: settings.horizon], times[: settings.horizon]
    if not times:
        return samples, None
    _check_begin(times[0], series, name)
    return samples, [one if isinstance(one, str | int | float) else str(one) for one in times]


def _check_columns(batch: Batch, session: Session, name: str) -> None:
    """Refuse rows without a column that the first rows of the source have."""
    roles = session.roles
    needed = set(session.columns) - {roles.target, roles.time} - roles.drop
    missing = needed.difference(batch.columns)
    if missing:
        what = f"has no {listed(sorted(missing))}, which {session.source.name} has"
        raise DataError(what, source=name, remedy="Add it, or --drop it")


def _check_begin(first: Any, series: Series, name: str) -> None:
    begin = moment(first)
    if begin is None or not series.moments or begin > series.moments[-1]:
        return
    what = f"begins at {begin}, and the series ends at {series.moments[-1]}"
    raise DataError(what, source=name, remedy="Give the rows after the series only")
