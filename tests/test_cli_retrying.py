"""Connections that come back: pauses that grow, remarks that do not repeat, turns for others."""

import random
import sys
import threading
import time

import click
import pytest
from live_helpers import DEADLINE, wait_for
from streamrnn_cli import retrying
from streamrnn_cli.errors import DataError
from streamrnn_cli.extras import needed
from streamrnn_cli.retrying import LASTING, Link, Lost, Outage, patiently


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self):
        self.now = 1000.0
        self.slept = []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(retrying, "time", made)
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2)
    return made


def until_due(outage, clock):
    before = clock.now
    while not outage.wait():
        assert clock.slept[-1] <= 0.5
    return clock.now - before


def test_pauses_double_up_to_the_longest(clock):
    outage = Outage("it", lambda text: None)
    assert outage.wait()
    pauses = []
    for _ in range(9):
        outage.lost("gone")
        pauses.append(round(until_due(outage, clock), 3))
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_one_remark_for_each_end_of_an_outage(clock):
    told = []
    outage = Outage("it", told.append)
    for _ in range(3):
        outage.lost(ConnectionRefusedError(111, "Connection refused"))
    clock.now += 12
    outage.back()
    outage.back()
    assert outage.reconnects == 0
    clock.now += LASTING + 1
    outage.lost("closed\nby the other side")
    outage.lost("again")
    clock.now += 700
    outage.back()
    assert outage.reconnects == 1
    assert told == [
        "no connection to it (Connection refused); trying again",
        "connected to it after 12 s",
        "connection to it lost (closed by the other side); trying again",
        "connection to it back after 12 min",
    ]


def test_a_server_that_hangs_up_at_once_is_not_called_ever_faster(clock):
    outage = Outage("it", lambda text: None)
    pauses = []
    for _ in range(4):
        outage.back()
        outage.lost("no")
        pauses.append(round(until_due(outage, clock), 3))
    assert pauses == [0.5, 1, 2, 4]
    outage.back()
    clock.now += LASTING + 1
    outage.lost("no")
    assert until_due(outage, clock) == pytest.approx(0.5)


def test_pauses_are_not_in_step():
    outages = [Outage("it", lambda text: None) for _ in range(10)]
    for outage in outages:
        outage.lost("gone")
    moments = sorted(outage._due for outage in outages)
    assert moments[-1] - moments[0] > 0.01


def test_others_get_their_turn_while_a_call_hangs():
    release = threading.Event()
    call = patiently(lambda: release.wait(DEADLINE))
    before = time.monotonic()
    assert [next(call), next(call)] == [None, None]
    assert time.monotonic() - before < 2
    release.set()
    assert wait_for(lambda: next(call, "ended")) == "ended"


def test_a_call_that_fails_fails_here():
    with pytest.raises(ZeroDivisionError):
        list(patiently(lambda: 1 / 0))


def test_a_link_tries_again_and_closes_what_it_made(clock):
    answers = [Lost("not yet"), OSError(101, "Network is unreachable"), "first", "second"]
    closed, told = [], []

    def connect():
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    link = Link("it", connect, closed.append, told.append)
    assert link.within(clock.now + 60) == "first"
    assert link.get() == link.made == "first"
    link.lost("cable")
    assert link.made is None
    assert link.within(clock.now + 60) == "second"
    link.close()
    assert closed == ["first", "second"]
    assert told == [
        "no connection to it (not yet); trying again",
        "connected to it after 1.5 s",
        "connection to it lost (cable); trying again",
        "connection to it back after 2.0 s",
    ]


def test_waiting_for_a_link_has_an_end(clock):
    def connect():
        raise Lost("nobody there")

    link = Link("it", connect, print, lambda text: None)
    with pytest.raises(DataError, match=r"^it: cannot be reached \(nobody there\)\. Is the server"):
        link.within(clock.now + 5)


def test_what_no_attempt_can_change_is_raised():
    def connect():
        raise DataError("wrong password", source="it")

    link = Link("it", connect, print, lambda text: None)
    with pytest.raises(DataError, match="wrong password"):
        wait_for(link.get)


def test_closing_waits_for_an_attempt_and_closes_its_fruit():
    release, closed = threading.Event(), []

    def connect():
        release.wait(DEADLINE)
        return "late"

    link = Link("it", connect, closed.append, lambda text: None)
    assert link.get() is None
    release.set()
    link.close()
    assert closed == ["late"]


def test_a_missing_extra_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "paho", None)
    monkeypatch.delitem(sys.modules, "paho.mqtt", raising=False)
    monkeypatch.delitem(sys.modules, "paho.mqtt.client", raising=False)
    with pytest.raises(click.UsageError) as caught:
        needed("paho.mqtt.client", "paho-mqtt", "mqtt")
    assert caught.value.format_message() == "this needs paho-mqtt: pip install 'streamrnn[mqtt]'."
