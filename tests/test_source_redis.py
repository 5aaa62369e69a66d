"""Redis streams against a real server: positions, outages, and what a message can be."""

import json

import pytest
from live_helpers import column, idle, redis_server, take, use, wait_for
from streamrnn_cli import retrying
from streamrnn_cli.errors import DataError, RowError
from streamrnn_cli.sources import open_source

redis = pytest.importorskip("redis")


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.02)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with redis_server(tmp_path_factory.mktemp("redis")) as made:
        yield made


@pytest.fixture
def client(server):
    with redis.Redis(port=server.port) as made:
        made.flushall()
        yield made


def url(server, rest="s"):
    return f"redis://127.0.0.1:{server.port}/{rest}"


def fill(client, numbers, stream="s"):
    with client.pipeline(transaction=False) as pipeline:
        for number in numbers:
            pipeline.xadd(stream, {"a": number})
        pipeline.execute()


def test_many_entries_in_order_and_those_that_come_later(server, client):
    fill(client, range(20_000))
    with open_source(url(server)) as source:
        assert source.is_live
        items = source.items()
        rows = use(source, take(items, 20_000))
        assert column(rows, "a") == [str(i) for i in range(20_000)]
        idle(items)
        fill(client, [7])
        assert column(take(items, 1), "a") == ["7"]
        items.close()


def test_fields_and_objects(server, client):
    client.xadd("s", {"größe": "1.5", "b": b"\xff"})
    client.xadd("s", {"json": json.dumps({"größe": 2, "b": None})})
    client.xadd("s", {"json": "[1]"})
    client.xadd("s", {"json": ""})
    client.xadd("s", {"json": b"\xff"})
    client.xadd("s", {"json": json.dumps({"a": "x" * 5_000_000})})
    client.xadd("s", {"json": '{"a": 1}', "b": "2"})
    with open_source(url(server)) as source:
        items = source.items()
        rows = take(items, 7)
        items.close()
    assert (rows[0].columns, rows[0].cells) == (("größe", "b"), ["1.5", "\\xff"])
    assert (rows[1].columns, rows[1].cells) == (("größe", "b"), (2, None))
    for row, words in zip(rows[2:5], ("not an object", "not JSON", "not UTF-8"), strict=True):
        assert isinstance(row, RowError)
        assert f"entry {row.offset}: " in row.format_message()
        assert words in row.format_message()
    assert len(rows[5].cells[0]) == 5_000_000
    assert rows[6].columns == ("json", "b")


def test_going_on_behind_what_was_passed(server, client):
    fill(client, range(10))
    with open_source(url(server)) as source:
        items = source.items()
        use(source, take(items, 4))
        take(items, 2)
        position = source.position()
        items.close()
    assert json.loads(json.dumps(position)) == position
    with open_source(url(server)) as source:
        told = []
        source.note = told.append
        source.seek(position)
        assert source.position() == position
        items = source.items()
        assert column(take(items, 6), "a") == list("456789")
        items.close()
    assert told == []


def test_only_what_comes_from_now_on(server, client):
    fill(client, range(3))
    with open_source(url(server, "s?from=latest")) as source:
        items = source.items()
        idle(items, 1)
        position = source.position()
        fill(client, [8])
        assert column(take(items, 1), "a") == ["8"]
        items.close()
    with open_source(url(server, "s?from=latest")) as source:
        source.seek(position)
        items = source.items()
        assert column(take(items, 1), "a") == ["8"]
        items.close()


def test_deleted_entries_and_another_stream(server, client):
    fill(client, range(5))
    with open_source(url(server)) as source:
        items = source.items()
        use(source, take(items, 2))
        position = source.position()
        items.close()
    client.xtrim("s", maxlen=2, approximate=False)
    told = []
    with open_source(url(server)) as source:
        source.note = told.append
        source.seek(position)
        items = source.items()
        assert column(take(items, 2), "a") == ["3", "4"]
        items.close()
    assert len(told) == 1
    assert "no longer there; some behind it may have been deleted unread" in told[0]
    client.delete("s")
    with open_source(url(server)) as source:
        source.seek(position)
        with pytest.raises(DataError, match="Start afresh without --resume"):
            take(source.items(), 1)


def test_the_group_shows_how_far_we_are(server, client):
    fill(client, range(5))
    with open_source(url(server, "s?group=ours")) as source:
        items = source.items()
        for _ in range(2):
            use(source, take(items, 2))
            source.commit()
            (group,) = client.xinfo_groups("s")
            assert group["name"] == b"ours"
            assert group["last-delivered-id"].decode() == source.position()["id"]
        items.close()


def test_a_server_that_is_killed_and_comes_back(tmp_path):
    told = []
    with (
        redis_server(tmp_path) as server,
        open_source(url(server)) as source,
        redis.Redis(port=server.port) as client,
    ):
        source.note = told.append
        fill(client, range(5))
        items = source.items()
        use(source, take(items, 5))
        server.stop(gently=False)
        wait_for(lambda: next(items) or told, "a remark")
        source.commit()
        server.start()
        fill(client, range(5, 10))
        assert column(take(items, 5), "a") == list("56789")
        assert source.reconnects == 1
        items.close()
    name = f"redis://127.0.0.1:{server.port}/s"
    assert told[0].startswith(f"connection to {name} lost (")
    assert told[1].startswith(f"connection to {name} back after")
    assert len(told) == 2


def test_a_server_that_is_not_there_yet_and_passwords(tmp_path):
    told = []
    with redis_server(tmp_path, "--requirepass", "secret") as server:
        where = f"127.0.0.1:{server.port}/s"
        server.stop()
        with open_source(f"redis://:secret@{where}") as source:
            source.note = told.append
            items = source.items()
            wait_for(lambda: next(items) or told, "a remark")
            server.start()
            with redis.Redis(port=server.port, password="secret") as client:
                fill(client, [1])
            assert column(take(items, 1), "a") == ["1"]
            items.close()
        for login in ("", ":secret2@", "me:secret2@"):
            with open_source(f"redis://{login}{where}") as source:
                source.note = told.append
                with pytest.raises(DataError) as caught:
                    take(source.items(), 1)
            assert caught.value.format_message().startswith(f"redis://{where}: ")
            told.append(caught.value.format_message())
    assert told[0].startswith(f"no connection to redis://{where} (")
    assert "Is user:password@ before the host right?" in told[-1]
    assert "secret" not in "".join(told)


def test_what_the_server_refuses(server, client):
    client.set("s", "no stream")
    with open_source(url(server)) as source, pytest.raises(DataError, match="wrong kind"):
        take(source.items(), 1)
    with open_source(url(server, "s?db=999")) as source, pytest.raises(DataError, match="DB index"):
        take(source.items(), 1)
