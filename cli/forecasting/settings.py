"""What the user asked a forecast for."""

from dataclasses import dataclass

from ..settings import Settings


@dataclass(frozen=True)
class ForecastSettings:
    """The options of ``streamrnn forecast``.

    Parameters
    ----------
    shared
        Those that it has in common with ``replay``.
    horizon
        Values to forecast.
    season
        Rows after which a rival repeats the series, or None.
    lags
        Which earlier values are inputs of the network.
    direct
        Whether the network forecasts all values at once.
    cycles
        Cycles of the calendar, with commas in between; "none", or None for what is usual.
    try_every
        Rows between two forecasts along the way.
    future
        A file with what is known of the moments to come, or None.
    predictions
        Where the forecast goes.
    """

    shared: Settings
    horizon: int
    season: int | None
    lags: tuple[int, ...]
    direct: bool
    cycles: str | None
    try_every: int
    future: str | None
    predictions: str
