"""Predictions to brokers: all arrive, slow receivers are waited for, and outages come to an end."""

import json
import socket
import threading
import time

import click
import pytest
from live_helpers import (
    DEADLINE,
    column,
    free_port,
    kafka_cluster,
    mosquitto,
    redis_server,
    take,
    wait_for,
)
from streamrnn_cli import retrying
from streamrnn_cli.errors import DataError
from streamrnn_cli.sinks import kafka as kafka_sink
from streamrnn_cli.sinks import mqtt as mqtt_sink
from streamrnn_cli.sinks import redis as redis_sink
from streamrnn_cli.sinks import tcp as tcp_sink
from streamrnn_cli.sinks.messages import encoded
from streamrnn_cli.sources import open_source

pytest.importorskip("confluent_kafka")
paho = pytest.importorskip("paho.mqtt.client")
redis = pytest.importorskip("redis")

#: Seconds to wait for nobody, less than an address can ask for.
SHORT = 0.2

COLUMNS = ("row", "key", "target", "prediction")


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.02)


def records(*limits):
    return [(i, f"k{i % 3}", None, i / 2) for i in range(*limits)]


def big(*limits):
    return [(i, "k" * 1000, None, 0.0) for i in range(*limits)]


def expected(*limits):
    return [dict(zip(COLUMNS, record, strict=True)) for record in records(*limits)]


def test_half_a_character():
    assert json.loads(encoded(("target",), ("\ud800",))) == {"target": "\ud800"}


class TestKafka:
    @pytest.fixture
    def cluster(self):
        with kafka_cluster() as made:
            yield made

    def test_many_and_all_of_a_key_in_one_partition(self, cluster, monkeypatch):
        monkeypatch.setattr(kafka_sink, "MOST", 1000)
        count = 20_000
        with kafka_sink.open_sink(f"//{cluster}/out") as sink:
            assert sink.name == f"kafka://{cluster}/out"
            for start in range(0, count, 5000):
                sink.write(COLUMNS, records(start, start + 5000))
            sink.flush()
            assert sink.written() is None
        with open_source(f"kafka://{cluster}/out?key=k") as source:
            items = source.items()
            rows = take(items, count)
            items.close()
        assert sorted(column(rows, "row")) == list(range(count))
        places = {(row.cells[row.columns.index("k")], row.offset[0]) for row in rows}
        assert len(places) == 3
        first = next(row for row in rows if row.cells[0] == 1)
        assert first.cells == (1, "k1", None, 0.5, "k1")

    def test_nobody_takes_them(self, capfd):
        told, where = [], f"127.0.0.1:{free_port()}"
        with kafka_sink.open_sink(f"//me:secret@{where}/out?wait=1") as sink:
            sink.note = told.append
            sink.write(COLUMNS, records(3))
            with pytest.raises(DataError) as caught:
                sink.flush()
            told.append(caught.value.format_message())
        assert told[0].startswith(f"no connection to kafka://{where}/out (")
        assert "not delivered" in told[-1] or "takes nothing for 1 s" in told[-1]
        assert "secret" not in "".join(told)
        assert capfd.readouterr() == ("", "")

    def test_a_full_queue_of_nobody(self, monkeypatch):
        monkeypatch.setattr(kafka_sink, "MOST", 100)
        with (
            kafka_sink.open_sink(f"//127.0.0.1:{free_port()}/out?wait=1") as sink,
            pytest.raises(DataError, match=r"not delivered|takes nothing"),
        ):
            sink.write(COLUMNS, records(1000))


class TestRedis:
    def entries(self, server):
        with redis.Redis(port=server.port) as client:
            return [json.loads(fields[b"json"]) for _, fields in client.xrange("out")]

    def test_many_and_what_the_source_reads(self, tmp_path):
        count = 20_000
        with redis_server(tmp_path, "--appendonly", "no") as server:
            where = f"//127.0.0.1:{server.port}/out"
            with redis_sink.open_sink(where) as sink:
                sink.write(COLUMNS, records(count))
                sink.flush()
            assert self.entries(server) == expected(count)
            with open_source(f"redis:{where}") as source:
                items = source.items()
                rows = take(items, count)
                items.close()
            assert rows[-1].columns == COLUMNS
            assert rows[-1].cells == (count - 1, f"k{(count - 1) % 3}", None, (count - 1) / 2)
            with redis_sink.open_sink(f"{where}?maxlen=1000") as sink:
                sink.write(COLUMNS, records(10))
                sink.flush()
            # Redis cuts whole nodes of some hundred entries.
            assert len(self.entries(server)) < 2000

    def test_a_server_that_is_killed_and_comes_back(self, tmp_path):
        told = []
        with (
            redis_server(tmp_path) as server,
            redis_sink.open_sink(f"//127.0.0.1:{server.port}/out") as sink,
        ):
            sink.note = told.append
            sink.write(COLUMNS, records(5))
            sink.flush()
            server.stop(gently=False)
            starter = threading.Timer(0.3, server.start)
            starter.start()
            sink.write(COLUMNS, records(5, 8))
            sink.flush()
            starter.join()
            assert self.entries(server) == expected(8)
        assert [text.split(" (")[0].split(" after")[0].split()[-1] for text in told] == [
            "lost",
            "back",
        ]

    def test_nobody_and_refusals(self, tmp_path):
        with redis_server(tmp_path) as server:
            where = f"//127.0.0.1:{server.port}/out"
            with redis.Redis(port=server.port) as client:
                client.set("out", "no stream")
            with redis_sink.open_sink(where) as sink:
                sink.write(COLUMNS, records(1))
                with pytest.raises(DataError, match="wrong kind"):
                    sink.flush()
        with redis_sink.open_sink(where) as sink:
            sink._url.options["wait"] = SHORT
            sink.write(COLUMNS, records(1))
            with pytest.raises(
                DataError, match=r"cannot be reached \(.+\)\. Is the server running"
            ):
                sink.flush()


class TestMqtt:
    class Listener:
        """Whoever gets the predictions."""

        def __init__(self, server):
            self.messages, self.is_there = [], threading.Event()
            self.client = paho.Client(
                paho.CallbackAPIVersion.VERSION2, "listener", clean_session=False
            )
            self.client.on_message = lambda _, __, message: self.messages.append(message.payload)
            self.client.on_subscribe = lambda *_: self.is_there.set()
            self.client.on_connect = lambda client, *_: client.subscribe("out", 1)
            self.client.reconnect_delay_set(1, 1)
            self.client.connect("127.0.0.1", server.port)
            self.client.loop_start()
            assert self.is_there.wait(DEADLINE)

        def found(self):
            return [json.loads(payload) for payload in self.messages]

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.client.disconnect()
            self.client.loop_stop()

    def test_many_in_order_with_a_small_memory(self, tmp_path, monkeypatch):
        monkeypatch.setattr(mqtt_sink, "MOST", 200)
        count = 5_000
        with mosquitto(tmp_path) as server, self.Listener(server) as listener:
            with mqtt_sink.open_sink(f"//127.0.0.1:{server.port}/out") as sink:
                for start in range(0, count, 500):
                    sink.write(COLUMNS, records(start, start + 500))
                    assert sink._unsafe() < 200
                sink.flush()
                assert sink._unsafe() == 0
            wait_for(lambda: len(listener.messages) >= count, "all messages")
            assert listener.found() == expected(count)

    def test_a_broker_that_is_stopped_and_comes_back(self, tmp_path):
        told = []
        with mosquitto(tmp_path) as server, self.Listener(server) as listener:
            with mqtt_sink.open_sink(f"//127.0.0.1:{server.port}/out") as sink:
                sink.note = told.append
                sink.write(COLUMNS, records(30))
                sink.flush()
                server.stop()
                starter = threading.Timer(0.3, server.start)
                starter.start()
                sink.write(COLUMNS, records(30, 60))
                sink.flush()
                starter.join()
            # What the listener had not acknowledged comes to it again, whatever we do.
            wait_for(lambda: {found["row"] for found in listener.found()} == set(range(60)))
        assert len(told) == 2
        assert " lost (" in told[0]
        assert " back after " in told[1]

    def test_messages_under_way_are_sent_again(self, tmp_path):
        with mosquitto(tmp_path) as server, self.Listener(server) as listener:
            with mqtt_sink.open_sink(f"//127.0.0.1:{server.port}/out") as sink:
                sink.write(COLUMNS, records(5))
                connection = sink._link.within(time.monotonic() + DEADLINE)
                sink._publish(connection)
                # The cable is cut before any acknowledgement.
                connection.client.socket().shutdown(socket.SHUT_RDWR)
                sink.flush()
            found = {
                message["row"]
                for message in wait_for(lambda: listener.found()[4:] and listener.found())
            }
            assert found == set(range(5))

    def test_nobody_and_filters(self):
        with mqtt_sink.open_sink(f"//127.0.0.1:{free_port()}/out") as sink:
            sink._url.options["wait"] = SHORT
            sink.write(COLUMNS, records(1))
            with pytest.raises(DataError, match="cannot be reached"):
                sink.flush()
        with (
            pytest.raises(click.UsageError, match="are for filters"),
            mqtt_sink.open_sink("//a/b/#"),
        ):
            pass

    def test_a_broker_that_does_not_allow_it(self, tmp_path):
        (tmp_path / "acl").write_text("topic read #\n")
        (tmp_path / "acl").chmod(0o700)
        lines = ["allow_anonymous true", f"acl_file {tmp_path / 'acl'}"]
        with (
            mosquitto(tmp_path, *lines) as server,
            mqtt_sink.open_sink(f"//127.0.0.1:{server.port}/out") as sink,
        ):
            sink.write(COLUMNS, records(1))
            with pytest.raises(DataError, match="refused: Not authorized"):
                sink.flush()


class Receiver(threading.Thread):
    """A server that reads lines, when it is allowed to."""

    def __init__(self, port):
        super().__init__()
        self.door = socket.create_server(("127.0.0.1", port))
        self.may_read = threading.Event()
        self.data = bytearray()
        self.start()

    def run(self):
        peer, _ = self.door.accept()
        self.may_read.wait(DEADLINE)
        while chunk := peer.recv(1 << 16):
            self.data += chunk
        peer.close()
        self.door.close()


class TestTcp:
    def test_a_slow_receiver_is_waited_for(self):
        port = free_port()
        receiver = Receiver(port)
        sent = threading.Event()

        def send():
            with tcp_sink.open_sink(f"//127.0.0.1:{port}") as sink:
                for start in range(0, 20_000, 5_000):
                    sink.write(COLUMNS, big(start, start + 5_000))
                sink.flush()
                sent.set()

        sender = threading.Thread(target=send)
        sender.start()
        # It is more than the system keeps for him.
        assert not sent.wait(0.5)
        receiver.may_read.set()
        sender.join(DEADLINE)
        receiver.join(DEADLINE)
        lines = receiver.data.splitlines()
        assert [json.loads(line)["row"] for line in lines] == list(range(20_000))

    def test_a_receiver_that_goes_and_another_that_comes(self):
        port, told = free_port(), []
        with tcp_sink.open_sink(f"//127.0.0.1:{port}") as sink:
            sink.note = told.append
            with socket.create_server(("127.0.0.1", port)) as door:
                sink.write(COLUMNS, records(1))
                peer, _ = door.accept()
                assert json.loads(peer.recv(1000)) == expected(1)[0]
                peer.close()
            receiver = Receiver(port)
            receiver.may_read.set()
            sink.write(COLUMNS, records(1, 4))
            sink.flush()
        receiver.join(DEADLINE)
        assert [json.loads(line) for line in receiver.data.splitlines()] == expected(1, 4)
        assert "lost (closed by the other side)" in told[0]
        assert "back after" in told[1]

    def test_a_receiver_that_reads_nothing(self):
        with (
            socket.create_server(("127.0.0.1", 0)) as door,
            tcp_sink.open_sink(f"//127.0.0.1:{door.getsockname()[1]}") as sink,
        ):
            sink._wait = SHORT
            with pytest.raises(
                DataError, match=r"takes nothing for 0\.2 s\. Is the receiver too slow"
            ):
                sink.write(COLUMNS, big(20_000))

    def test_nobody(self):
        with tcp_sink.open_sink(f"//127.0.0.1:{free_port()}") as sink:
            sink._wait = SHORT
            with pytest.raises(DataError, match=r"cannot be reached \(Connection refused\)"):
                sink.write(COLUMNS, records(1))
