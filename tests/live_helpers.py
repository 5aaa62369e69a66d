"""Servers of the tests for live sources and sinks, on free ports, and readers with deadlines."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
from streamrnn_cli.errors import RowError

#: Seconds that a test waits for anything; far more than it should take.
DEADLINE = 20


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what="the condition"):
    """Return what the condition returns as soon as that is true."""
    end = time.monotonic() + DEADLINE
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.01)
    return found


class Server:
    """A server process that can be stopped and started again at the same place."""

    def __init__(self, args, port, log):
        self.args, self.port, self.log = args, port, log
        self.process = None

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.args, stdout=log, stderr=log)
        wait_for(self._answers, f"{self.args[0]} on port {self.port}")

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    def stop(self, gently=True):
        if self.process is not None:
            (self.process.terminate if gently else self.process.kill)()
            self.process.wait(DEADLINE)
            self.process = None


@contextmanager
def running(name, port, args, folder):
    """Run a server program, or skip the test where it is not installed."""
    program = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip(f"{name} is not installed")
    server = Server([program, *args], port, folder / f"{name}.log")
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextmanager
def mosquitto(folder, *lines):
    """A broker that remembers its clients when it is stopped gently."""
    port, config = free_port(), folder / "mosquitto.conf"
    who = ["user root"] if os.geteuid() == 0 else []
    own = [f"listener {port} 127.0.0.1", "persistence true", f"persistence_location {folder}/"]
    own += ["max_queued_messages 0", "log_type error", "log_type warning", *who]
    config.write_text("\n".join([*own, *(lines or ["allow_anonymous true"])]) + "\n")
    with running("mosquitto", port, ["-c", str(config)], folder) as server:
        yield server


@contextmanager
def redis_server(folder, *args):
    """A server that keeps everything, even when it is killed."""
    port = free_port()
    own = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", ""]
    own += ["--appendonly", "yes", "--appendfsync", "always", *args]
    with running("redis-server", port, own, folder) as server:
        yield server


@contextmanager
def kafka_cluster():
    """The address of a cluster that the library simulates; it ends with its client."""
    from confluent_kafka import Producer

    keeper = Producer({"test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = keeper.list_topics(timeout=DEADLINE).brokers.values()
    yield f"{broker.host}:{broker.port}"
    keeper.flush(0)


def take(items, count):
    """Return the next rows and errors, without the pauses between them."""
    found, end = [], time.monotonic() + DEADLINE
    while len(found) < count:
        item = next(items)
        assert time.monotonic() < end, f"only {len(found)} of {count} rows came: {found[-3:]}"
        if item is not None:
            found.append(item)
    return found


def idle(items, times=2):
    """Check that nothing more comes just now."""
    assert [next(items) for _ in range(times)] == [None] * times


def use(source, rows):
    """Say that rows have been used, errors left out."""
    source.passed([row.offset for row in rows])
    return [row for row in rows if not isinstance(row, RowError)]


def column(rows, name):
    """The cells of one column."""
    return [row.cells[row.columns.index(name)] for row in rows]
