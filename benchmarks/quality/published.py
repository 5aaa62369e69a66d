"""What others have published, or their own code gives: constants, each with its source.

Where data or protocol differ from ours, `note` says how.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Published(NamedTuple):
    """A row that is not measured here."""

    name: str
    figures: dict[str, float]
    source: str
    us: float | None = None


ETT = (
    "the authors' code with their settings, several epochs of warm-up over rows 0 to 2879, one "
    "core: Pham et al. 2023 (FSNet), Wen et al. 2023 (OneNet)"
)
TAXI = "Cui, Ahmad, Hawkins 2016: 17 520 values, of which these are a part, scored from 10 000 on"
CHAOS = (
    "Yi, Wang 2026, sketched real-time recurrent learning: 64 units, 8 lanes at once, mean of the "
    "last five logs of a 200-step mean; sunspots from another release, of 3 329 months; all but "
    "RTRL and SnAp-1 go back 25 steps"
)

_ONE_AHEAD = {
    "exact RTRL": (0.0052, 0.0180, 0.0051, 0.1451),
    "SnAp-1": (0.0052, 0.0050, 0.0024, 0.1437),
    "LSTM": (0.0090, 0.0067, 0.0056, 0.1353),
    "GRU": (0.0143, 0.0054, 0.0038, 0.1322),
}
_SERIES = ("Hénon", "Mackey-Glass", "Lorenz", "sunspots")
_BEST = {"Hénon": (0.75, 0.99), "Mackey-Glass": (0.131, 0.171), "Lorenz": (0.063, 0.101)}


def _chaotic() -> dict[str, list[Published]]:
    rows: dict[str, list[Published]] = {}
    for name, values in _ONE_AHEAD.items():
        for series, value in zip(_SERIES, values, strict=True):
            one = Published(f"{name}, published", {"last 1000": value}, CHAOS)
            rows.setdefault(f"{series}, 1 ahead", []).append(one)
    for series, values in _BEST.items():
        for horizon, value in zip((5, 10), values, strict=True):
            one = Published("best published", {"last 1000": value}, CHAOS)
            rows.setdefault(f"{series}, {horizon} ahead", []).append(one)
    return rows


def _taxi(name: str, percent: float, nrmse: float) -> Published:
    return Published(f"{name}, published", {"MAPE, %": percent, "NRMSE": nrmse}, TAXI)


#: Rows by stream.
PUBLISHED: dict[str, list[Published]] = {
    "ETTh1": [
        Published("FSNet, authors' code", {"MSE": 0.280, "MAE": 0.340}, ETT, 24_000),
        Published("OneNet, authors' code", {"MSE": 0.264, "MAE": 0.325}, ETT, 48_000),
    ],
    "NYC taxi": [
        _taxi("kNN", 7.06, 0.2587),
        _taxi("HTM", 8.09, 0.2865),
        _taxi("LSTM, retrained weekly", 8.19, 0.2731),
        _taxi("echo state network", 9.57, 0.2864),
    ],
    **_chaotic(),
}


def as_rows(stream: str) -> dict[str, dict[str, Any]]:
    """Return the published rows of a stream as a results file has measured ones."""
    return {
        one.name: {
            "family": "published",
            "figures": {name: [value] for name, value in one.figures.items()},
            "us": [] if one.us is None else [one.us],
        }
        for one in PUBLISHED.get(stream, [])
    }


def sources(stream: str) -> list[str]:
    """Return where the published rows of a stream are from, each source once."""
    return list(dict.fromkeys(one.source for one in PUBLISHED.get(stream, [])))
