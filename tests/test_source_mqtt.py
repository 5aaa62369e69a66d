"""MQTT against a real broker: acknowledgement by checkpoints, outages, kinds of messages."""

import json
import threading

import pytest
from live_helpers import DEADLINE, column, idle, mosquitto, take, use, wait_for
from streamrnn_cli import retrying
from streamrnn_cli.errors import DataError, RowError
from streamrnn_cli.sources import mqtt as source_module
from streamrnn_cli.sources import open_source

paho = pytest.importorskip("paho.mqtt.client")


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.02)


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    with mosquitto(tmp_path_factory.mktemp("mqtt")) as made:
        yield made


@pytest.fixture
def topic(request):
    """A topic of the test's own."""
    return f"tests/{request.node.name}"


def send(broker, topic, messages, **more):
    """Publish and wait until the broker has all."""
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    sent = [client.publish(topic, message, **({"qos": 1} | more)) for message in messages]
    for one in sent:
        one.wait_for_publish(DEADLINE)
        assert one.is_published()
    client.disconnect()
    client.loop_stop()


def numbers(*limits):
    return [json.dumps({"a": i}) for i in range(*limits)]


def url(broker, topic, rest=""):
    return f"mqtt://127.0.0.1:{broker.port}/{topic}{rest}"


def joined(source):
    """The items of a source that has subscribed."""
    items = source.items()
    wait_for(lambda: next(items) is None and source._link.made, "the connection")
    return items


def test_many_messages_in_order_with_checkpoints_now_and_then(broker, topic, monkeypatch):
    count, found, waiting = 6_000, [], []
    monkeypatch.setattr(source_module, "WINDOW", 2_000)
    with open_source(url(broker, topic, "?client=many")) as source:
        assert source.is_live
        items = joined(source)
        sender = threading.Thread(target=send, args=(broker, topic, numbers(count)))
        sender.start()
        while len(found) < count:
            found += column(use(source, take(items, 500)), "a")
            waiting.append(len(source._open) + len(source._ready))
            if len(found) % 1500 == 0:
                source.commit()
        sender.join()
        source.commit()
        idle(items)
        items.close()
        assert source.position() == {"messages": count}
    assert found == list(range(count))
    assert 1_000 < max(waiting) <= 2_000


def test_what_no_checkpoint_has_comes_again(broker, topic):
    address = url(broker, topic, "?client=again")
    with open_source(address) as source:
        items = joined(source)
        send(broker, topic, numbers(6))
        use(source, take(items, 2))
        source.commit()
        use(source, take(items, 2))
        position = source.position()
        items.close()
    send(broker, topic, numbers(6, 8))
    with open_source(address) as source:
        told = []
        source.note = told.append
        source.seek(position)
        items = source.items()
        assert column(use(source, take(items, 6)), "a") == [2, 3, 4, 5, 6, 7]
        idle(items)
        source.commit()
        assert source.position() == {"messages": 10}
        items.close()
    assert len(told) == 1
    assert "cannot be read again; it goes on with what the broker has kept" in told[0]
    with open_source(address) as source:
        idle(joined(source))


def test_without_a_name_nothing_is_kept(broker, topic):
    with open_source(url(broker, topic)) as source:
        items = joined(source)
        send(broker, topic, numbers(2))
        take(items, 2)
        items.close()
    with open_source(url(broker, topic)) as source:
        items = joined(source)
        idle(items)
        send(broker, topic, numbers(2, 3))
        assert column(take(items, 1), "a") == [2]
        items.close()


def test_a_broker_that_is_stopped_and_comes_back(tmp_path):
    told = []
    with mosquitto(tmp_path) as server, open_source(url(server, "t", "?client=me")) as source:
        source.note = told.append
        items = joined(source)
        send(server, "t", numbers(5))
        rows = take(items, 5)
        use(source, rows[:2])
        source.commit()
        # When it has this one, it has read the acknowledgements, too.
        send(server, "t", numbers(5, 6))
        rows += take(items, 1)
        use(source, rows[2:4])
        server.stop()
        wait_for(lambda: next(items) or told, "a remark")
        # What is safe while the broker is away is acknowledged when it sends it again.
        source.commit()
        server.start()
        send(server, "t", numbers(6, 9))
        assert column(use(source, take(items, 3)), "a") == [6, 7, 8]
        use(source, rows[4:])
        source.commit()
        assert source._open == {}
        assert source.reconnects == 1
        items.close()
    name = f"mqtt://127.0.0.1:{server.port}/t"
    assert told[0].startswith(f"connection to {name} lost (")
    assert told[1].startswith(f"connection to {name} back after")
    assert len(told) == 2


def test_a_broker_that_has_forgotten_us(tmp_path):
    told = []
    with mosquitto(tmp_path) as server, open_source(url(server, "t", "?client=me")) as source:
        source.note = told.append
        items = joined(source)
        send(server, "t", numbers(3))
        take(items, 3)
        server.stop(gently=False)
        (tmp_path / "mosquitto.db").unlink(missing_ok=True)
        server.start()
        wait_for(lambda: next(items) or source.reconnects, "the connection")
        send(server, "t", numbers(3, 4))
        assert column(use(source, take(items, 1)), "a") == [3]
        items.close()
    assert "the broker has forgotten us; what it was sent meanwhile is lost" in told[1]


def test_a_window_that_nobody_empties(broker, topic, monkeypatch):
    monkeypatch.setattr(source_module, "WINDOW", 50)
    monkeypatch.setattr(source_module, "PATIENCE", 0.1)
    told = []
    with open_source(url(broker, topic, "?client=window")) as source:
        source.note = told.append
        items = joined(source)
        send(broker, topic, numbers(120))
        rows = take(items, 50)
        # They are not used yet: patience or not, the broker keeps them.
        idle(items, 4)
        use(source, rows)
        found = []
        while len(found) < 70:
            found += column(use(source, take(items, 1)), "a")
        items.close()
    assert found == list(range(50, 120))
    assert len(told) == 1
    assert "50 messages wait for a checkpoint" in told[0]


def test_topics_values_and_messages_that_are_broken(broker, topic):
    texts = ['{"größe": "ß"}', " 21.5", "[1]", "", b"\xff", json.dumps({"a": "x" * 3_000_000})]
    with open_source(url(broker, f"{topic}/+/x#".replace("x#", "#"), "?topic=t")) as source:
        items = joined(source)
        send(broker, f"{topic}/kitchen/ü", texts)
        send(broker, f"{topic}/kitchen", ['{"t": 1}'])
        rows = take(items, 7)
        items.close()
    assert rows[0].columns == ("größe", "t")
    assert rows[0].cells == ("ß", f"{topic}/kitchen/ü")
    wrong = {
        1: "not an object",
        2: "not an object",
        3: "not JSON",
        4: "not UTF-8",
        6: "a field 't'",
    }
    for at, words in wrong.items():
        assert isinstance(rows[at], RowError)
        assert f", message {at + 1}: " in rows[at].format_message()
        assert words in rows[at].format_message()
    assert len(rows[5].cells[0]) == 3_000_000


def test_bare_values(broker, topic):
    with open_source(url(broker, topic, "?value=v&qos=0")) as source:
        items = joined(source)
        send(broker, topic, ["21.5", "", "on", '{"v": 1}'], qos=0)
        rows = take(items, 4)
        assert [row.cells for row in rows] == [("21.5",), ("",), ("on",), (1,)]
        use(source, rows)
        source.commit()
        assert source.position() == {"messages": 4}
        items.close()


def test_retained_messages_come_once(tmp_path):
    with mosquitto(tmp_path) as server:
        send(server, "t", numbers(1), retain=True)
        with open_source(url(server, "t", "?client=me")) as source:
            items = source.items()
            use(source, take(items, 1))
            source.commit()
            idle(items)
            server.stop()
            server.start()
            wait_for(lambda: next(items) is None and source.reconnects, "the connection")
            idle(items)
            items.close()


def test_passwords_and_refusals(tmp_path):
    (tmp_path / "users").write_text("me:secret\n")
    (tmp_path / "users").chmod(0o600)
    import shutil
    import subprocess

    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto_passwd is not installed")
    subprocess.run(["mosquitto_passwd", "-U", tmp_path / "users"], check=True)
    lines = ["allow_anonymous false", f"password_file {tmp_path / 'users'}"]
    with mosquitto(tmp_path, *lines) as server:
        where = f"127.0.0.1:{server.port}/t"
        with open_source(f"mqtt://me:secret@{where}") as source:
            joined(source).close()
        for login in ("", "me:secret2@"):
            with open_source(f"mqtt://{login}{where}") as source:
                with pytest.raises(DataError, match="refused: Not authorized") as caught:
                    take(source.items(), 1)
                assert "secret" not in caught.value.format_message()


def test_two_clients_of_one_name(broker, topic):
    """Newer brokers than that of the tests say why they hang up."""
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.reasoncodes import ReasonCode

    with open_source(url(broker, topic, "?client=twins")) as source:
        items = joined(source)
        client = source._link.made.client
        flags = paho.DisconnectFlags(is_disconnect_packet_from_server=True)
        reason = ReasonCode(PacketTypes.DISCONNECT, "Session taken over")
        client.on_disconnect(client, None, flags, reason, None)
        with pytest.raises(DataError, match="Does another process use the same"):
            take(items, 1)


def test_a_hung_connection_is_closed_in_time(broker, topic, monkeypatch):
    """The broker's acknowledgement of the subscription does not come: another attempt is made."""
    monkeypatch.setattr("streamrnn_cli.mqtt_client.CONNECT_TIMEOUT", 0.3)
    monkeypatch.setattr(paho.Client, "subscribe", lambda *args, **options: None)
    told = []
    with open_source(url(broker, topic)) as source:
        source.note = told.append
        items = source.items()
        wait_for(lambda: next(items) or told, "a remark")
        items.close()
    assert "(no answer)" in told[0]
