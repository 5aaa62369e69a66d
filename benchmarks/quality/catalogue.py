"""Every stream that there is, by name; the real ones where ``STREAMRNN_DATA`` points."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import datetime
from functools import cache, partial
from pathlib import Path

import numpy as np
from report import data_folder
from river import datasets

from quality import made
from quality.streams import Stream, ahead, several_ahead, with_last

STEPS = 15_000
HORIZONS = (1, 5, 10)
#: Values of P2 that are learnt before the first forecast counts.
P2_BEFORE = 12


def _folder() -> Path:
    folder = data_folder()
    assert folder is not None
    return folder


def etth1() -> Stream:
    """Return ETTh1, protocol P1: from each row the next one."""
    with (_folder() / "ETTh1.csv").open() as file:
        names, *rows = list(csv.reader(file))
    return rows_to_come(names[1:], np.array([row[1:] for row in rows[:14_400]], float))


def rows_to_come(
    names: list[str], values: np.ndarray, learnt: int = 2880, first: int = 3600
) -> Stream:
    """Return the stream in which each row is to tell the next one.

    Columns are standardised by the first `learnt` rows; errors count from row `first` on.
    """
    values = (values - values[:learnt].mean(axis=0)) / values[:learnt].std(axis=0)
    rows = [dict(zip(names, row, strict=True)) for row in values.tolist()]
    return Stream(
        "ETTh1", "forecasting", "rows", rows[:-1], rows[1:],
        "load and oil temperature of a power transformer, 7 columns, hourly; all columns of the "
        "next row; standardised by rows 0 to 2879, scored over rows 3600 to 14399",
        first=first - 1, season=24,
    )  # fmt: skip


def airline() -> Stream:
    """Return AirlinePassengers, protocol P2."""
    return p2("AirlinePassengers", [float(y) for _, y in datasets.AirlinePassengers()], 12)


def trump_series() -> Stream:
    """Return the target of TrumpApproval, protocol P2."""
    return p2("TrumpApproval, series", [y for _, y in datasets.TrumpApproval()], 12)


def water() -> Stream:
    """Return WaterFlow, protocol P2."""
    return p2("WaterFlow", [y for _, y in datasets.WaterFlow()], 24)


def p2(name: str, values: list[float], season: int) -> Stream:
    """Return a series of which, from the 13th value on, the next three are to be told."""
    return several_ahead(
        values, 3, name=name, task="forecasting", kind="series", first=P2_BEFORE, season=season,
        about=f"{len(values)} values, the next three, from the 13th value on; the series alone, "
        f"season {season}",
    )  # fmt: skip


def taxi() -> Stream:
    """Return the taxi rides of New York that NAB has, five half-hours ahead."""
    with (_folder() / "nab" / "nyc_taxi.csv").open() as file:
        rows = list(csv.DictReader(file))
    moments = [datetime.fromisoformat(row["timestamp"]) for row in rows]
    stream = ahead(
        [float(row["value"]) for row in rows], 5, name="NYC taxi", task="forecasting",
        kind="taxi", first=5000, season=336, moments=moments,
        about="taxi rides a half-hour, 5 steps ahead; the 10 320 values of NAB, scored from step "
        "5000 on; time of day and day of week are inputs",
    )  # fmt: skip
    for x, at in zip(stream.xs, moments, strict=False):
        x.update({"time of day": at.hour + at.minute / 60, "day of week": at.weekday()})
    return stream


def trump() -> Stream:
    """Return TrumpApproval with the target before as an input."""
    rows = list(datasets.TrumpApproval())
    return with_last(
        [x for x, _ in rows], [y for _, y in rows], name="TrumpApproval", task="regression",
        kind="regression", first=1, about="approval from five polls and the day; the value before "
        "is an input of all models; scored from the third row on",
    )  # fmt: skip


def chicks() -> Stream:
    """Return ChickWeights in River's order."""
    rows = list(datasets.ChickWeights())
    return Stream(
        "ChickWeights", "regression", "regression", [x for x, _ in rows],
        [float(y) for _, y in rows], "weight of a chick from its number, age and diet, in River's "
        "order",
    )  # fmt: skip


def _elec2() -> tuple[list[dict[str, float]], list[int]]:
    X = np.loadtxt(_folder() / "elec2" / "elec2_data.dat")
    y = np.loadtxt(_folder() / "elec2" / "elec2_label.dat").astype(int)
    names = ["date", "day", "period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer"]
    return [dict(zip(names, row, strict=True)) for row in X.tolist()], y.tolist()


def elec2() -> Stream:
    """Return Elec2, without the labels before."""
    xs, ys = _elec2()
    return Stream(
        "Elec2", "classification", "classification", xs, ys,
        "electricity price up or down, half-hourly, 8 features",
    )  # fmt: skip


def elec2_told() -> Stream:
    """Return Elec2 with the label before as an input."""
    xs, ys = _elec2()
    return with_last(
        xs, ys, name="Elec2, last label known", task="classification", kind="classification",
        about="the same, and the label before is an input of all models",
    )  # fmt: skip


def phishing() -> Stream:
    """Return Phishing in River's order."""
    rows = list(datasets.Phishing())
    return Stream(
        "Phishing", "classification", "classification", [x for x, _ in rows],
        [int(y) for _, y in rows], "web pages, whose order means nothing",
    )  # fmt: skip


def _sunspots() -> np.ndarray:
    with (_folder() / "monthly-sunspots.csv").open() as file:
        return np.array([float(row["Sunspots"]) for row in csv.DictReader(file)])


SERIES: dict[str, tuple[Callable[[], np.ndarray], str]] = {
    "Hénon": (lambda: made.henon(STEPS + max(HORIZONS)), "x of the Hénon map"),
    "Mackey-Glass": (
        lambda: made.mackey_glass(STEPS + max(HORIZONS)), "delay 17, Euler steps of 1"
    ),
    "Lorenz": (lambda: made.lorenz(STEPS + max(HORIZONS)), "x, Euler steps of 0.01, every second"),
    "sunspots": (_sunspots, "monthly, measured since 1749"),
    "laser": (
        lambda: made.laser(STEPS + max(HORIZONS)),
        "made by the Lorenz-Haken equations, whole numbers; like Santa Fe's series A, which it "
        "is not",
    ),
}  # fmt: skip


def chaotic(name: str, horizon: int) -> Stream:
    """Return a series, standardised, of which the value `horizon` steps ahead is to be told."""
    values, about = SERIES[name]
    series = made.standardized(values())[: STEPS + horizon]
    n = len(series) - horizon
    return ahead(
        series, horizon, name=f"{name}, {horizon} ahead", task="chaotic", kind="chaotic",
        first=n // 5, about=f"{about}; {n} steps",
    )  # fmt: skip


#: Streams by name, and whether they need ``STREAMRNN_DATA``.
STREAMS: dict[str, tuple[Callable[[], Stream], bool]] = {
    "ETTh1": (etth1, True),
    "AirlinePassengers": (airline, False),
    "TrumpApproval, series": (trump_series, False),
    "WaterFlow": (water, False),
    "NYC taxi": (taxi, True),
    "TrumpApproval": (trump, False),
    "ChickWeights": (chicks, False),
    "Elec2": (elec2, True),
    "Elec2, last label known": (elec2_told, True),
    "Phishing": (phishing, False),
    **{
        f"{name}, {horizon} ahead": (partial(chaotic, name, horizon), name == "sunspots")
        for name in SERIES
        for horizon in HORIZONS
    },
}


@cache
def stream(name: str) -> Stream:
    """Return a stream by its name."""
    return STREAMS[name][0]()


def is_there(name: str) -> bool:
    """Say whether a stream can be read here."""
    return not STREAMS[name][1] or data_folder() is not None
