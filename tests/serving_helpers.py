"""What the tests of the server share: small models, a server of them, and a client."""

import http.client
import json
import socket
from contextlib import contextmanager
from urllib.parse import urlsplit

from streamrnn_cli.serving.kinds import kind_of
from streamrnn_cli.serving.limits import Limits
from streamrnn_cli.serving.running import watched
from streamrnn_cli.serving.server import start_in_thread

JSON = {"Content-Type": "application/json"}
SMALL = {"hidden_size": 4, "truncation": 4, "seed": 1}


@contextmanager
def serving(model_or_served, token=None, **limits):
    """Serve a model, or what is served already, on a free port; yield the address."""
    served = model_or_served
    if hasattr(served, "learn_one"):
        served = watched(served, kind_of(served, "the model"), "small", SMALL)
    handle = start_in_thread(served, "127.0.0.1", 0, token, Limits(**limits))
    try:
        yield handle.url
    finally:
        handle.close()


def ask(url, path, content=None, headers=None, method=None):
    """Send one request; return the status and the answer, decoded if it is JSON."""
    body = content if content is None or isinstance(content, bytes) else json.dumps(content)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    try:
        method = method or ("GET" if body is None else "POST")
        connection.request(method, path, body, JSON | (headers or {}))
        answer = connection.getresponse()
        data = answer.read()
    finally:
        connection.close()
    is_json = answer.headers.get_content_type() == "application/json"
    return answer.status, json.loads(data) if is_json else data


def learn(url, content, **options):
    """Teach; return the answer of a request that succeeds."""
    status, answer = ask(url, "/learn", content, **options)
    assert status == 200, answer
    return answer


def opened(url):
    """Return a connection of bytes, for what no client of HTTP would do."""
    place = urlsplit(url)
    return socket.create_connection((place.hostname, place.port), timeout=20)


def send(connection, line, headers=(), end=b"\r\n"):
    """Send the beginning of a request."""
    headers = {"Host": "127.0.0.1", **JSON, **dict(headers)}
    lines = [f"{line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    connection.sendall("".join(f"{line}\r\n" for line in lines).encode() + end)


def received(connection):
    """Return what comes until the server closes, without its headers, decoded; None if nothing."""
    data = b""
    while part := connection.recv(1 << 16):
        data += part
    return json.loads(data.partition(b"\r\n\r\n")[2]) if data else None
