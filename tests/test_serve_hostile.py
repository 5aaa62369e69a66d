"""What clients must not do: reach the model unasked, break it, or keep it from others."""

import contextlib
import json
import threading
import time

import pytest
from serving_helpers import SMALL, ask, learn, opened, received, send, serving
from streamrnn_cli.serving.access import Access, check_token, is_loopback
from streamrnn_cli.serving.request_error import RequestError
from streamrnn_cli.serving.samples import parsed
from streamrnn_cli.serving.served import Served

from streamrnn import KeyedModel, RNNRegressor

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def url():
    with serving(RNNRegressor(**SMALL), max_body=5000, max_samples=10) as url:
        yield url


def refused(url, status, content=b"", path="/learn", **options):
    """Send what is refused; return the one line that says why. The model is as it was."""
    before = ask(url, "/model")[1]
    got, answer = ask(url, path, content, **options)
    assert got == status, answer
    assert "\n" not in answer["error"]
    assert "Traceback" not in answer["error"]
    assert ask(url, "/model")[1] == before
    return answer["error"]


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "not JSON"),
        (b'{"x": {"a": 1}, "y": 1', "not JSON (Expecting ',' delimiter at character 22)"),
        (b'{"x": {"a": NaN}, "y": 1}', "there is no NaN in it: a missing value is null"),
        (b'{"x": {"a": 1e5}, "y": -Infinity}', "no -Infinity"),
        (b'{"x": {"a": 1, "a": 2}, "y": 1}', "the key 'a' occurs more than once"),
        (b'{"x": {"a": "\xff"}, "y": 1}', "not UTF-8"),
        (b"[" * 4000, "nested too deeply"),
        (b'{"x": {"a": ' + b"9" * 4900 + b'}, "y": 1}', "not JSON"),
    ],
)
def test_no_json(url, body, part):
    assert part in refused(url, 400, body)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (7, "not an object but 7"),
        ([], "the list is empty"),
        ([{"x": {}, "y": 1}, 5], "sample 2: not an object"),
        ({"y": 1}, "there is no x"),
        ({"x": {"a": 1}}, "there is no y"),
        ({"x": {"a": 1}, "Y": 1}, "Did you mean 'y'?"),
        ({"x": {"a": 1}, "y": 1, "target": 1}, "knows no 'target'"),
        ({"x": [1], "y": 1}, "x is [1]: it must be an object"),
        ({"x": {"a": [1]}, "y": 1}, "x, 'a' is [1]"),
        ({"x": {"a": {"b": 1}}, "y": 1}, "x, 'a' is"),
        ({"x": {"a": 1}, "y": [1]}, "y is [1]"),
        ({"x": {"a": 1}, "y": {"b": {}}}, "y, 'b' is"),
        ({"x": {"a": 1}, "y": {"b": 1}}, "the target is {'b': 1}"),
        ({"x": {"a": 1}, "y": "high"}, "'high'"),
        ({"x": {"a": "q"}, "y": 1}, "feature 'a'"),
        ({"x": {"a": 1}, "y": 1, "w": -1}, "w"),
        ({"x": {"a": 1}, "y": 1, "w": "much"}, "w"),
        ({"x": {"a": 1}, "y": 1, "t": [1]}, "t is [1]"),
        ({"x": {"n" * 300: 1}, "y": 1}, "300 characters: 200 at most"),
        ({"x": {"\ud800": 1}, "y": 1}, "whole characters"),
    ],
)
def test_no_samples(url, content, part):
    assert part in refused(url, 422, content)


@pytest.mark.parametrize("value", ["%s", "-%s", '{"b": %s}'])
def test_numbers_have_no_more_digits_than_names_have_letters(url, value):
    number = b"1" + b"0" * 200
    for part in (b'"y": 1, "t": ' + number, b'"y": ' + value.encode() % number):
        refused(url, 422, b'{"x": {"a": 1}, ' + part + b"}")
    assert "200 digits" in refused(url, 422, b'{"x": {"a": ' + number + b'}, "y": 1}')


def test_what_is_twice_among_many_keys_is_found_in_one_go():
    """Anyone may send a body to /login: it must not take the server away from all others."""
    keys = ",".join(f'"{i}":0' for i in range(50_000))
    started = time.perf_counter()
    with pytest.raises(RequestError, match="'49999' occurs more than once"):
        parsed(f'{{{keys},"49999":0}}'.encode())
    # Counting each key among all took 20 s.
    assert time.perf_counter() - started < 3


def test_no_content_type_that_is_known(url):
    for kind in ("", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        error = refused(url, 415, {"x": {}, "y": 1}, headers={"Content-Type": kind})
        assert "send application/json" in error
    assert ask(url, "/login", {}, headers={"Content-Type": "text/plain"})[0] == 415


def test_a_key_is_needed_and_events_are_not_known():
    with serving(KeyedModel(RNNRegressor(**SMALL), key="sensor")) as url:
        assert "sensor" in refused(url, 422, {"x": {"a": 1}, "y": 1})
        sample = {"x": {"a": 1, "sensor": "s"}, "y": 1, "t": "e"}
        assert "takes no ids of events" in refused(url, 422, sample)


def test_too_much(url):
    assert "more than 10 samples" in refused(url, 413, [{"x": {}, "y": 1}] * 11)
    lines = b'{"x": {}, "y": 1}\n' * 11
    kind = {"Content-Type": "application/x-ndjson"}
    assert "more than 10 samples" in refused(url, 413, lines, headers=kind)
    assert "more than 5,000 bytes" in refused(url, 413, b" " * 5001)
    with opened(url) as connection:  # without saying how much there will be
        send(connection, "POST /learn", {"Transfer-Encoding": "chunked"})
        connection.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
        for _ in range(4):
            connection.sendall(b"400\r\n" + b" " * 1024 + b"\r\n")
        connection.sendall(b"0\r\n\r\n")
        assert "5,000 bytes" in received(connection)["error"]
    with opened(url) as connection:  # saying it, and waiting to be asked
        send(connection, "POST /learn", {"Content-Length": 10**12, "Expect": "100-continue"})
        assert connection.recv(1000).startswith(b"HTTP/1.1 100")
        connection.sendall(b" " * 50_000)  # of which some is read, so that the answer arrives
        assert "5,000 bytes" in received(connection)["error"]


def test_paths_and_methods_that_are_not_there(url):
    for path in ("/nothing", "/../page.html", "/page/page.html", "/%2e%2e/app.py", "//etc/passwd"):
        status, answer = ask(url, path)
        assert (status, "error" in answer) == (404, True), path
    for method in ("GET", "PUT", "DELETE"):
        assert ask(url, "/learn", method=method)[0] == 405
    assert ask(url, "/learn", b"", method="OPTIONS")[0] == 405


def test_what_is_no_http(url):
    for junk in (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET /\r\n\r\n", b"\0" * 70_000):
        with opened(url) as connection:
            connection.sendall(junk)
            assert received(connection) == {"error": "Invalid HTTP request received."}
    with opened(url) as connection:
        send(connection, "GET /status", {"A": "b" * 70_000}, end=b"")
        assert received(connection) == {"error": "Invalid HTTP request received."}


# --- who may ask


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "["])
def test_a_name_that_was_bound_anew_is_refused(url, host):
    assert "Host header" in refused(url, 400, {"x": {}, "y": 1}, headers={"Host": host})
    assert ask(url, "/status", headers={"Host": host})[0] == 400


def test_other_pages_may_not_post(url):
    sample = {"x": {}, "y": 1}
    for origin in ("https://evil.example", "null", "http://127.0.0.1:1", "file://"):
        assert "Origin" in refused(url, 403, sample, headers={"Origin": origin})
    assert ask(url, "/predict", {"x": {}}, headers={"Origin": url})[0] == 200
    with opened(url) as connection:
        send(connection, "GET /status", {"Origin": "https://evil.example", "Connection": "close"})
        assert b"access-control" not in connection.recv(3000).lower()


def test_a_token_is_asked_for():
    with serving(RNNRegressor(**SMALL), token=TOKEN) as url:
        for path in ("/status", "/model", "/metrics", "/nothing"):
            assert ask(url, path)[0] == 401
        assert ask(url, "/learn", {"x": {}, "y": 1})[0] == 401
        for value in (TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", "Bearer \u00e9"):
            headers = {"Authorization": value.encode("latin-1")}
            assert ask(url, "/status", headers=headers)[0] == 401
        assert ask(url, "/status", headers={"Authorization": f"Bearer {TOKEN}"})[0] == 200
        assert ask(url, "/healthz")[0] == ask(url, "/")[0] == 200  # tell nothing of the model


def test_a_browser_logs_in_with_the_token(monkeypatch):
    monkeypatch.setattr("streamrnn_cli.serving.app.WRONG_TOKEN_SECONDS", 0.01)
    with serving(RNNRegressor(**SMALL), token=TOKEN) as url:
        for wrong in ({"token": "no"}, {"token": 7}, {}, []):
            assert ask(url, "/login", wrong)[0] == 401
        with opened(url) as connection:
            body = json.dumps({"token": TOKEN}).encode()
            send(connection, "POST /login", {"Content-Length": len(body), "Connection": "close"})
            connection.sendall(body)
            head = b""
            while part := connection.recv(3000):
                head += part
        cookie = next(
            line.split(": ")[1]
            for line in head.decode().splitlines()
            if line.lower().startswith("set-cookie")
        )
        value, *rules = cookie.split("; ")
        assert set(rules) == {"HttpOnly", "SameSite=Strict", "Path=/"}
        assert TOKEN not in cookie
        assert ask(url, "/status", headers={"Cookie": f"a=b; {value}"})[0] == 200
        assert ask(url, "/status", headers={"Cookie": f"{value}x"})[0] == 401


def test_who_tries_to_log_in_takes_no_room_from_others():
    known = {"Authorization": f"Bearer {TOKEN}"}
    with serving(RNNRegressor(**SMALL), token=TOKEN, waiting=12, stop_seconds=1) as url:
        assert ask(url, "/login", {"token": "x" * 5000})[0] == 413
        with contextlib.ExitStack() as stack:
            for _ in range(10):
                connection = stack.enter_context(opened(url))
                send(connection, "POST /login", {"Content-Length": 100})
            deadline = time.monotonic() + 10
            while ask(url, "/login", {"token": TOKEN})[0] != 503:
                assert time.monotonic() < deadline
            assert ask(url, "/status", headers=known)[0] == 200
        while ask(url, "/login", {"token": TOKEN})[0] != 200:
            assert time.monotonic() < deadline


def test_beyond_loopback_a_token_is_needed():
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "localhost", "::1", "[::1]"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "10.0.0.1", "localhost.evil.example", ""]))
    for host, token in (
        ("0.0.0.0", None),
        ("127.0.0.1", "short"),
        ("::", "with a space in the middle"),
    ):
        with pytest.raises(Exception, match="token"):
            check_token(token, host)
    check_token(None, "127.0.0.1")
    check_token(TOKEN, "0.0.0.0")
    # There the token keeps other pages out, and the host may have any name.
    Access("0.0.0.0", 1, TOKEN).check(
        "GET", "/status", {"host": "meter.example", "authorization": f"Bearer {TOKEN}"}
    )


# --- who takes too long


def left(connection):
    """Return what the server sends until it closes the connection."""
    data = b""
    try:
        while part := connection.recv(1 << 16):
            data += part
    except ConnectionError:
        pass
    return data


def until(connection, words):
    """Read until these words have come."""
    data = b""
    while words not in data:
        part = connection.recv(3000)
        assert part, data
        data += part


def test_slow_clients_are_left():
    limits = {"header_seconds": 0.5, "body_seconds": 0.5, "idle_seconds": 1}
    with serving(RNNRegressor(**SMALL), **limits) as url:
        with opened(url) as connection:  # says nothing
            assert left(connection) == b""
        with opened(url) as connection:  # begins only
            send(connection, "GET /status", end=b"X-Slow: ")
            assert left(connection) == b""
        with opened(url) as connection:  # announces a body
            send(connection, "POST /learn", {"Content-Length": 10})
            connection.sendall(b"{")
            answer = left(connection)
            assert answer.startswith(b"HTTP/1.1 408")
            assert b"within 0.5 seconds" in answer
        with opened(url) as connection:  # begins a second request
            send(connection, "GET /healthz")
            until(connection, b'"ok"')
            send(connection, "GET /healthz", end=b"X-Slow: ")
            assert left(connection) == b""
        assert ask(url, "/healthz")[0] == 200


class Long:
    """A monitor with much to tell."""

    def snapshot(self):
        return {"series": "x" * 30_000_000}


def test_clients_that_do_not_read_are_left():
    with serving(Served(threading.Lock(), Long()), answer_seconds=0.3) as url:
        with opened(url) as connection:
            send(connection, "GET /status")
            time.sleep(0.8)  # far longer than it may take; the rest was never sent
            assert len(left(connection)) < 30_000_000
        assert ask(url, "/healthz")[0] == 200


def test_too_many_connections_are_closed_and_others_served_after():
    with serving(RNNRegressor(**SMALL), connections=3) as url:
        held = [opened(url) for _ in range(3)]
        for connection in held:  # so that all are there
            send(connection, "GET /healthz")
            until(connection, b'"ok"')
        with opened(url) as fourth:
            assert left(fourth) == b""
        for connection in held:
            connection.close()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                assert ask(url, "/healthz")[0] == 200
                break
            except ConnectionError:
                time.sleep(0.01)
        else:
            raise AssertionError("still closed")


def test_too_many_requests_are_told_to_come_again():
    lock = threading.Lock()
    model = RNNRegressor(**SMALL)
    with lock, serving(Served(lock, None, model), waiting=2) as url:
        held = [opened(url) for _ in range(2)]
        for connection in held:
            send(connection, "GET /model", {"Connection": "close"})
        deadline = time.monotonic() + 10
        while ask(url, "/healthz")[0] != 503 and time.monotonic() < deadline:
            time.sleep(0.01)
        status, answer = ask(url, "/healthz")
        assert (status, answer["error"]) == (503, "too many requests at a time: come again.")
        lock.release()
        try:
            for connection in held:
                with connection:
                    assert connection.recv(20).startswith(b"HTTP/1.1 200")
        finally:
            lock.acquire()


class Broken(RNNRegressor):
    """A model with a mistake in it."""

    def predict_one(self, x, t=None):
        raise LookupError("a secret of the server")


def test_a_mistake_of_ours_is_no_answer_but_a_message(caplog):
    with serving(Broken(**SMALL)) as url:
        status, answer = ask(url, "/predict", {"x": {}})
    assert (status, answer) == (
        500,
        {"error": "LookupError in the server: its messages tell more."},
    )
    assert "a secret of the server" in caplog.text


def test_after_all_that_it_learns(url):
    learn(url, {"x": {"a": 1}, "y": 1})
