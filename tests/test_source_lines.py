"""Lines as they come: standard input and TCP, with senders that break off."""

import os
import socket
import threading
import time

import click
import pytest
from live_helpers import column, free_port, idle, take, use, wait_for
from streamrnn_cli import retrying
from streamrnn_cli.errors import DataError
from streamrnn_cli.lines import Pause
from streamrnn_cli.sources import formats, open_source, standard_input
from streamrnn_cli.sources.standard_input import open_live
from streamrnn_cli.sources.text import TextSource


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.02)


class TestStandardInput:
    @pytest.fixture
    def pipe(self, monkeypatch):
        """A pipe in place of standard input; what a test writes to it."""
        reading, writing = os.pipe()

        class Stdin:
            def fileno(self):
                return reading

        monkeypatch.setattr(standard_input.sys, "stdin", Stdin())
        with os.fdopen(writing, "wb", buffering=0) as writer:
            yield writer
        os.close(reading)

    def test_rows_come_one_by_one(self, pipe):
        with open_live() as source:
            assert source.is_live
            items = source.items()
            idle(items, 1)
            pipe.write(b'{"a": 1}\n{"a": 2')
            assert column(use(source, take(items, 1)), "a") == [1]
            before = time.monotonic()
            idle(items, 2)
            assert time.monotonic() - before < 2
            pipe.write("}\n{'ä'}\n".encode())
            (row, error) = take(items, 2)
            assert row.cells == (2,)
            assert "standard input, line 3: not JSON" in error.format_message()
            assert {"byte": 9, "line": 1}.items() <= source.position().items()

    def test_a_quote_that_is_open_gives_others_their_turn(self, pipe):
        with open_live("csv") as source:
            items = source.items()
            pipe.write(b'a,b\n1,2\n3,"x\n')
            assert take(items, 1)[0].cells == ["1", "2"]
            idle(items, 2)
            pipe.write(b"y\n")
            idle(items, 2)
            pipe.write(b'z"\n5,6\n')
            torn, last = use(source, take(items, 2))
            assert (torn.line, torn.cells) == (3, ["3", "x\ny\nz"])
            assert (last.line, last.cells) == (6, ["5", "6"])
            assert source.position()["line"] == 6
            assert source.position()["byte"] == len('a,b\n1,2\n3,"x\ny\nz"\n5,6\n')

    def test_the_end_is_that_of_the_stream(self, pipe):
        pipe.write(b"a;b\n1;2\n3;4")
        pipe.close()
        with open_live("csv") as source:
            assert [row.cells for row in source.items()] == [["1", "2"], ["3", "4"]]

    def test_nothing_at_all(self, pipe):
        pipe.close()
        with open_live("csv") as source, pytest.raises(DataError, match="is empty"):
            list(source.items())

    def test_a_file(self, tmp_path, monkeypatch):
        (tmp_path / "s.csv").write_text("a\n" + "1\n" * 30_000)
        with open(tmp_path / "s.csv") as file:
            monkeypatch.setattr(standard_input.sys, "stdin", file)
            with open_live() as source:
                assert sum(1 for _ in source.items()) == 30_000

    def test_there_is_no_way_back(self, pipe):
        told = []
        pipe.write(b"a\n1\n")
        with open_live() as source:
            source.note = told.append
            source.seek({"byte": 100, "line": 50})
            assert len(take(source.items(), 1)) == 1
        assert told == ["standard input cannot be read again: it goes on with what comes now"]


class Sender:
    """A server that a source calls; what it sends is up to the test."""

    def __init__(self, port):
        self.door = socket.create_server(("127.0.0.1", port))
        self.door.settimeout(20)
        self.peer = None

    def accept(self, items):
        """Let a source come, whose items are asked for meanwhile."""
        caller = threading.Thread(target=self._accept)
        caller.start()
        while caller.is_alive():
            assert next(items) is None
        caller.join()

    def _accept(self):
        self.peer, _ = self.door.accept()

    def send(self, text):
        self.peer.sendall(text.encode())

    def leave(self):
        if self.peer is not None:
            self.peer.close()
        self.door.close()


@pytest.fixture
def sender():
    made = []

    def begin(port):
        made.append(Sender(port))
        return made[-1]

    yield begin
    for one in made:
        one.leave()


class TestTcp:
    def test_a_server_that_goes_and_comes_back(self, sender):
        port, told = free_port(), []
        with open_source(f"tcp://127.0.0.1:{port}") as source:
            source.note = told.append
            items = source.items()
            wait_for(lambda: next(items) or told, "a remark")
            server = sender(port)
            server.accept(items)
            server.send("a,b\n1,ü\n2,")
            assert column(use(source, take(items, 1)), "b") == ["ü"]
            server.leave()
            wait_for(lambda: next(items) or len(told) == 4, "a remark")
            server = sender(port)
            server.accept(items)
            server.send("a,b\n2,x\n3,y\n")
            assert column(use(source, take(items, 2)), "a") == ["2", "3"]
            assert source.reconnects == 1
            items.close()
        name = f"tcp://127.0.0.1:{port}"
        assert told[0] == f"no connection to {name} (Connection refused); trying again"
        assert told[1].startswith(f"connected to {name} after")
        assert told[2] == f"connection to {name} lost (closed by the other side); trying again"
        assert told[3] == f"{name}: the connection ended within a line; its 2 bytes are left out"
        assert told[4].startswith(f"connection to {name} back after")
        assert len(told) == 5

    def test_senders_one_after_the_other(self):
        port = free_port()
        with open_source(f"tcp://127.0.0.1:{port}?listen=1&format=jsonl") as source:
            items = source.items()
            idle(items, 1)
            with socket.create_connection(("127.0.0.1", port)) as first:
                first.sendall(b'{"a": 1}\n')
                assert column(take(items, 1), "a") == [1]
                second = socket.create_connection(("127.0.0.1", port))
                second.sendall(b'{"a": 3}\n{"a"')
                idle(items)
                first.sendall(b'{"a": 2}\n')
                assert column(take(items, 1), "a") == [2]
            assert column(take(items, 1), "a") == [3]
            second.close()
            idle(items)
            assert source.reconnects == 1
            items.close()

    def test_many_rows_from_a_sender_that_does_not_wait(self):
        port, count = free_port(), 20_000

        def send():
            with socket.create_connection(("127.0.0.1", port)) as peer:
                peer.sendall(b"".join(b'{"a": %d}\n' % i for i in range(count)))

        with open_source(f"tcp://127.0.0.1:{port}?listen=1") as source:
            thread = threading.Thread(target=send)
            thread.start()
            items = source.items()
            rows = use(source, take(items, count))
            thread.join()
            idle(items, 1)
            items.close()
        assert column(rows, "a") == list(range(count))

    def test_a_port_in_use_and_an_unknown_format(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with (
                pytest.raises(DataError, match="cannot listen there"),
                open_source(f"tcp://127.0.0.1:{port}?listen=1"),
            ):
                pass
        with (
            pytest.raises(click.UsageError, match=r"no format 'xml'\. There are 'csv', 'jsonl'"),
            open_source("tcp://127.0.0.1:1?format=xml"),
        ):
            pass

    def test_an_unknown_host(self):
        with (
            pytest.raises(DataError, match="the host is not known"),
            open_source("tcp://no.invalid:1"),
        ):
            pass


class Pausing:
    """Lines with pauses between them: None."""

    def __init__(self, *lines):
        self._lines = iter(lines)

    def __iter__(self):
        return self

    def __next__(self):
        line = next(self._lines)
        if line is None:
            raise Pause
        return line


def test_a_pause_within_a_row_costs_nothing():
    lines = [b"a,b\n", None, b'1,"x\n', None, None, b"y\n", None, b'z"\n', b"2,w\n", None, b"3,v\n"]
    source = TextSource(Pausing(*lines), "here", [formats()["csv"]], is_live=True)
    made = list(source.items())
    rows = [(item.line, list(item.cells), item.offset) for item in made if item is not None]
    assert rows == [
        (2, ["1", "x\ny\nz"], (14, 4)),
        (5, ["2", "w"], (18, 5)),
        (6, ["3", "v"], (22, 6)),
    ]
    assert sum(item is None for item in made) == 5
