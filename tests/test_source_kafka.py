"""Kafka topics against the cluster that the library simulates: positions, partitions, messages."""

import json
import re
import time
from contextlib import ExitStack

import pytest
from live_helpers import DEADLINE, column, free_port, idle, kafka_cluster, take, use, wait_for
from streamrnn_cli.errors import DataError, RowError
from streamrnn_cli.sources import kafka as source_module
from streamrnn_cli.sources import open_source

kafka = pytest.importorskip("confluent_kafka")

QUIET = {"log_level": 0}


@pytest.fixture(scope="module")
def cluster():
    with kafka_cluster() as made:
        yield made


@pytest.fixture
def topic(request):
    """A topic of the test's own."""
    return re.sub(r"\W", "-", request.node.name)


def send(cluster, topic, messages, **more):
    producer = kafka.Producer({"bootstrap.servers": cluster} | QUIET)
    for message in messages:
        while True:
            try:
                producer.produce(topic, message, **more)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(DEADLINE) == 0


def numbers(*limits):
    return [json.dumps({"a": i}) for i in range(*limits)]


def url(cluster, topic, rest=""):
    return f"kafka://{cluster}/{topic}{rest}"


def test_many_messages_and_those_that_come_later(cluster, topic):
    send(cluster, topic, numbers(20_000))
    with open_source(url(cluster, topic)) as source:
        assert source.is_live
        items = source.items()
        rows = use(source, take(items, 20_000))
        assert sorted(column(rows, "a")) == list(range(20_000))
        assert sum(source.position().values()) == 20_000
        idle(items)
        send(cluster, topic, numbers(1))
        assert column(take(items, 1), "a") == [0]
        items.close()


def test_those_of_a_partition_come_in_order(cluster, topic):
    send(cluster, topic, numbers(100), partition=1)
    with open_source(url(cluster, topic)) as source:
        items = source.items()
        assert column(take(items, 100), "a") == list(range(100))
        items.close()


def test_keys_times_and_messages_that_are_broken(cluster, topic):
    texts = ['{"größe": "ß"}', "[1]", "", b"\xff", json.dumps({"a": "x" * 900_000}), '{"k": 1}']
    send(cluster, topic, texts, partition=0, key="schlüssel", timestamp=1_700_000_000_123)
    send(cluster, topic, [None], partition=0)
    with open_source(url(cluster, topic, "?key=k&timestamp=when")) as source:
        items = source.items()
        rows = take(items, 7)
        use(source, rows)
        assert source.position()["0"] == 7
        items.close()
    assert rows[0].columns == ("größe", "k", "when")
    assert rows[0].cells == ("ß", "schlüssel", "2023-11-14T22:13:20.123+00:00")
    wrong = {1: "not an object", 2: "not JSON", 3: "not UTF-8", 5: "a field 'k' already"}
    for offset, words in wrong.items():
        assert isinstance(rows[offset], RowError)
        assert f", message 0:{offset}: " in rows[offset].format_message()
        assert words in rows[offset].format_message()
    assert len(rows[4].cells[0]) == 900_000
    assert isinstance(rows[6], RowError)


def test_going_on_behind_what_was_passed(cluster, topic):
    send(cluster, topic, numbers(40))
    with open_source(url(cluster, topic)) as source:
        items = source.items()
        rows = take(items, 40)
        before = column(use(source, rows[:15]), "a")
        position = json.loads(json.dumps(source.position()))
        items.close()
    with open_source(url(cluster, topic)) as source:
        source.seek(position)
        assert source.position() == position
        items = source.items()
        after = column(use(source, take(items, 25)), "a")
        idle(items, 2)
        items.close()
    assert sorted(before + after) == list(range(40))


def test_only_what_comes_from_now_on(cluster, topic):
    send(cluster, topic, numbers(20))
    with open_source(url(cluster, topic, "?from=latest")) as source:
        items = source.items()
        wait_for(lambda: next(items) is None and len(source.position()) == 4)
        position = source.position()
        items.close()
    send(cluster, topic, numbers(20, 25))
    # Nothing of it was passed: the position says all the same where that run began.
    with open_source(url(cluster, topic, "?from=latest")) as source:
        source.seek(position)
        items = source.items()
        assert sorted(column(take(items, 5), "a")) == [20, 21, 22, 23, 24]
        items.close()


def test_positions_that_do_not_fit(cluster, topic):
    send(cluster, topic, numbers(5), partition=0)
    for position, words in (({"0": 6}, "partition 0 ends at 5, but 6"), ({"9": 1}, "partition 9")):
        with open_source(url(cluster, topic)) as source:
            source.seek(position)
            with pytest.raises(DataError, match=words) as caught:
                take(source.items(), 1)
            assert "Start afresh without --resume" in caught.value.format_message()


def test_messages_deleted_before_they_were_read(cluster, topic, monkeypatch):
    send(cluster, topic, numbers(5), partition=0)
    told = []
    with open_source(url(cluster, topic)) as source:
        source.note = told.append
        source.seek({"0": 1})
        monkeypatch.setattr(source, "_bounds", lambda partition: _returning((3, 5)))
        source._consumer.list_topics(topic, timeout=DEADLINE)
        monkeypatch.setattr(source, "_partitions", lambda: _returning([0]))
        items = source.items()
        assert column(take(items, 2), "a") == [3, 4]
        items.close()
    assert len(told) == 1
    assert "the messages 1 to 2 of partition 0 have been deleted before they were read" in told[0]


def _returning(value):
    yield from ()
    return value


def test_an_offset_that_is_out_of_range_while_running(cluster, topic):
    send(cluster, topic, numbers(5), partition=0)
    with open_source(url(cluster, topic)) as source:
        items = source.items()
        use(source, take(items, 5))
        # What happens when messages are deleted that were about to be fetched.
        source._consumer.seek(source._place(0, 1000))
        idle(items, 2)
        send(cluster, topic, numbers(5, 8), partition=0)
        assert column(take(items, 3), "a") == [5, 6, 7]
        items.close()


def test_new_partitions_are_read_from_their_beginning(cluster, topic, monkeypatch):
    monkeypatch.setattr(source_module, "LOOK", 0.0)
    for partition in range(4):
        send(cluster, topic, numbers(3), partition=partition)
    with open_source(url(cluster, topic, "?from=latest")) as source:
        real = source._partitions
        known = 2

        def some():
            return (yield from real())[:known]

        monkeypatch.setattr(source, "_partitions", some)
        items = source.items()
        wait_for(lambda: next(items) is None and set(source.position()) == {"0", "1"})
        idle(items, 1)
        known = 4
        rows = use(source, take(items, 6))
        assert sorted(row.offset[0] for row in rows) == [2, 2, 2, 3, 3, 3]
        idle(items, 2)
        items.close()


def test_a_topic_that_does_not_exist_yet(cluster, topic):
    told = []
    with open_source(url(cluster, topic)) as source:
        source.note = told.append
        items = source.items()
        idle(items, 2)
        send(cluster, topic, numbers(1))
        assert column(take(items, 1), "a") == [0]
        items.close()
    assert told == [f"kafka://{cluster}/{topic}: the topic does not exist yet; waiting for it"]


def test_the_group_shows_how_far_we_are(cluster, topic):
    send(cluster, topic, numbers(5), partition=0)
    with open_source(url(cluster, topic, "?group=ours")) as source:
        items = source.items()
        use(source, take(items, 3))
        source.commit()
        items.close()
    settings = {"bootstrap.servers": cluster, "group.id": "ours"} | QUIET
    reader = kafka.Consumer(settings)
    (place,) = reader.committed([kafka.TopicPartition(topic, 0)], timeout=DEADLINE)
    reader.close()
    assert place.offset == 3


def test_nobody_is_there(monkeypatch, capfd):
    monkeypatch.setattr(source_module, "CONNECT_TIMEOUT", 0.5)
    told, where = [], f"127.0.0.1:{free_port()}"
    with open_source(f"kafka://me:secret@{where}/t") as source:
        source.note = told.append
        items = source.items()
        before = time.monotonic()
        assert next(items) is None
        assert time.monotonic() - before < 2
        wait_for(lambda: next(items) or told, "a remark")
        items.close()
    assert told[0].startswith(f"no connection to kafka://{where}/t (")
    assert "secret" not in told[0]
    assert capfd.readouterr() == ("", "")


def test_an_outage_ends_with_a_message_or_an_answer(cluster, topic):
    send(cluster, topic, numbers(2), partition=0)
    told = []
    with open_source(url(cluster, topic)) as source:
        source.note = told.append
        items = source.items()
        take(items, 2)
        outage = source._troubles.outage
        outage.lost("cable")
        wait_for(lambda: next(items) or len(told) == 2, "a remark")
        outage.lost("cable")
        send(cluster, topic, numbers(1), partition=0)
        take(items, 1)
        assert source.reconnects == 2
        items.close()
    assert [text.split()[-3] for text in (told[1], told[3])] == ["after", "after"]


def test_brokers_that_vanish():
    told = []
    with ExitStack() as stack:
        cluster = kafka_cluster()
        where = cluster.__enter__()
        send(where, "t", numbers(5))
        source = stack.enter_context(open_source(f"kafka://{where}/t"))
        source.note = told.append
        items = source.items()
        use(source, take(items, 5))
        cluster.__exit__(None, None, None)
        del cluster
        wait_for(lambda: next(items) or told, "a remark")
        items.close()
    assert told[0].startswith(f"connection to kafka://{where}/t lost (")


def test_an_unknown_host():
    with (
        pytest.raises(DataError, match="the host is not known"),
        open_source("kafka://no.invalid/t"),
    ):
        pass
