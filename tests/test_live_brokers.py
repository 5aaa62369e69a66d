"""``streamrnn live`` from one broker to another: what it learns, writes, says and goes on with."""

import pytest
from cli_helpers import invoke, use_spy
from live_helpers import kafka_cluster, redis_server, take
from streamrnn_cli.sources import open_source

pytest.importorskip("confluent_kafka")
redis = pytest.importorskip("redis")
pytest.importorskip("paho.mqtt.client")


def live(*args):
    """Run ``streamrnn live`` in this process."""
    return invoke("live", *args)


def test_from_redis_to_kafka(tmp_path, monkeypatch):
    built = use_spy(monkeypatch)
    with redis_server(tmp_path) as server, kafka_cluster() as cluster:
        source = f"redis://:none@127.0.0.1:{server.port}/in?group=ours"
        with redis.Redis(port=server.port) as client:
            client.config_set("requirepass", "none")
        with redis.Redis(port=server.port, password="none") as client:
            for number in range(20):
                client.xadd("in", {"y": number, "x": 2 * number})
            args = ("--target", "y", "--limit", 12, "--predictions", f"kafka://{cluster}/out")
            done = live(source, *args)
            assert done.exit_code == 0, done.output
            (group,) = client.xinfo_groups("in")
            assert group["name"] == b"ours"
            place = client.xrange("in")[11][0]
            assert group["last-delivered-id"] == place
        assert [event[2] for event in built[0].events if event[0] == "learn"] == list(range(12))
        with open_source(f"kafka://{cluster}/out") as written:
            items = written.items()
            found = [dict(zip(row.columns, row.cells, strict=True)) for row in take(items, 12)]
            items.close()
    by_row = {record["row"]: (record["target"], record["prediction"]) for record in found}
    assert by_row == {i + 1: (float(i), float(max(0, i - 1))) for i in range(12)}
    assert "none@" not in done.output


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["redsi://me:secret@here/s"], "there is no scheme 'redsi' here. Did you mean 'redis'?"),
        (["redis://me:secret@here"], "redis: the stream is missing"),
        (["amqp://me:secret@here/s"], "There are 'kafka', 'mqtt', 'redis', "),
        (["redis://me:secret@no.invalid/s"], "redis://no.invalid:6379/s: the host is not known"),
        (["tail:nothing", "--predictions", "http://me:secret@here/"], "no scheme 'http' here"),
        (["redis://a:secret@h/s", "--predictions", "redis://a:secret@h/s"], "is the source"),
    ],
)
def test_mistakes_are_one_line_without_passwords(args, words):
    done = live(*args, "--target", "y")
    assert done.exit_code in (2, 3)
    assert words in done.output
    assert "secret" not in done.output


def test_what_never_ends_is_not_for_replay():
    done = invoke("replay", "redis://me:secret@here/s", "--target", "y")
    assert done.exit_code == 2
    assert "'redis://here/s' never ends: streamrnn live is for it" in done.output
