"""Encrypted connections to brokers, with certificates that are trusted and others."""

import gc
import shutil
import subprocess

import pytest
from live_helpers import column, free_port, mosquitto, running, take, wait_for
from streamrnn_cli import retrying
from streamrnn_cli.errors import DataError
from streamrnn_cli.sinks import mqtt as mqtt_sink
from streamrnn_cli.sinks import redis as redis_sink
from streamrnn_cli.sources import open_source

pytest.importorskip("paho.mqtt.client")
pytest.importorskip("redis")


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(retrying, "FIRST_PAUSE", 0.02)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """The files of a key and a certificate for this machine."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    key, made = folder / "key.pem", folder / "cert.pem"
    what = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    who = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [program, "req", "-x509", *what, *who, "-keyout", key, "-out", made]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return key, made


def through(source_url, open_sink, ready):
    """Send one prediction through a broker, and read it."""
    rest = source_url.partition(":")[2]
    with open_source(source_url) as source:
        items = source.items()
        if not ready:
            wait_for(lambda: next(items) is None and source._link.made, "the connection")
        with open_sink(rest) as sink:
            sink.write(("row", "prediction"), [(7, 0.5)])
            sink.flush()
        assert column(take(items, 1), "row") == [7]
        items.close()


def refused(url):
    """Return what a source says that trusts the system's certificates only."""
    with open_source(url) as source:
        with pytest.raises(DataError) as caught:
            take(source.items(), 1)
        said = caught.value.format_message()
        del caught
    gc.collect()
    return said


# The library leaves the socket of a failed handshake to the collector.
@pytest.mark.filterwarnings("ignore:Exception ignored in. <ssl.SSLSocket")
def test_mqtt(tmp_path, certificate):
    key, made = certificate
    lines = ["allow_anonymous true", f"keyfile {key}", f"certfile {made}"]
    with mosquitto(tmp_path, *lines) as server:
        where = f"mqtt://127.0.0.1:{server.port}/t?tls=1"
        through(f"{where}&ca={made}", mqtt_sink.open_sink, ready=False)
        assert "its certificate is not trusted (self" in refused(where)


def test_redis(tmp_path, certificate):
    key, made = certificate
    port = free_port()
    args = ["--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", ""]
    args += ["--tls-key-file", str(key), "--tls-cert-file", str(made), "--tls-auth-clients", "no"]
    args += ["--tls-ca-cert-file", str(made), "--dir", str(tmp_path)]
    with running("redis-server", port, args, tmp_path):
        where = f"redis://127.0.0.1:{port}/s?tls=1"
        through(f"{where}&ca={made}", redis_sink.open_sink, ready=True)
        assert "its certificate is not trusted (self" in refused(where)
