"""Addresses of servers: their parts, their mistakes, and no password in any message."""

import click
import pytest
from streamrnn_cli.errors import DataError
from streamrnn_cli.urls import (
    PASSWORD_VARIABLE,
    Form,
    Option,
    check_hosts,
    flag,
    one_of,
    parsed,
    readable_file,
    text,
    whole,
)

OPTIONS = {
    "group": Option(text),
    "db": Option(whole(0, 15), 3),
    "tls": Option(flag, False),
    "ca": Option(readable_file),
    "from": Option(one_of("earliest", "latest"), "earliest"),
}
FORM = Form("redis://HOST:PORT/STREAM", OPTIONS, port=6379, path="stream", users=True)
BARE = Form("tcp://HOST:PORT", {})


def test_all_parts():
    url = parsed("//me:p%40ss%2F:word@one:1,two/a%20b/c?group=g%26h&db=0&tls=1", FORM)
    assert url.hosts == (("one", 1), ("two", 6379))
    assert (url.user, url.password, url.path) == ("me", "p@ss/:word", "a b/c")
    assert url.options == {"group": "g&h", "db": 0, "tls": True, "ca": None, "from": "earliest"}
    assert url.name == "redis://one:1,two:6379/a b/c"
    assert "word" not in repr(url)


def test_defaults_and_what_is_not_there():
    url = parsed("//here/load", FORM)
    assert (url.user, url.password) == (None, None)
    assert url.options == {"group": None, "db": 3, "tls": False, "ca": None, "from": "earliest"}


def test_an_address_of_version_6():
    url = parsed("//[::1]:99", BARE)
    assert url.hosts == (("::1", 99),)
    assert url.name == "tcp://[::1]:99"


def test_filters_with_number_signs_and_leading_slashes():
    assert parsed("//here//house/+/#?db=1", FORM).path == "/house/+/#"


def test_a_password_from_the_environment(monkeypatch):
    monkeypatch.setenv(PASSWORD_VARIABLE, "hidden")
    assert parsed("//me@here/s", FORM).password == "hidden"
    assert parsed("//me:own@here/s", FORM).password == "own"
    assert parsed("//here/s", FORM).password is None


@pytest.mark.parametrize(
    ("rest", "words"),
    [
        ("here/s", "has no host"),
        ("///s", "has no host"),
        ("//:5/s", "has no host"),
        ("//here", "the stream is missing. The form is redis://HOST:PORT/STREAM"),
        ("//here:0/s", "needs a port, a number from 1 to 65535"),
        ("//here:99999/s", "needs a port"),
        ("//here/s?grup=1", "no option 'grup'. Did you mean 'group'?"),
        ("//here/s?xyz=1", "no option 'xyz'. There are 'group', 'db', 'tls', 'ca', 'from'."),
        ("//here/s?group", "the option 'group' has no value"),
        ("//here/s?group=", "the option 'group' must not be empty"),
        ("//here/s?db=1&db=2", "the option 'db' occurs twice"),
        ("//here/s?db=16", "the option 'db' must be a whole number from 0 to 15, not '16'"),
        ("//here/s?db=-1", "whole number"),
        ("//here/s?tls=yes", "the option 'tls' must be one of '0', '1', not 'yes'"),
        ("//here/s?ca=none.pem", "the option 'ca' must be a file that can be read"),
        ("//here/s?from=now", "must be one of 'earliest', 'latest'"),
    ],
)
def test_mistakes(rest, words):
    with pytest.raises(click.UsageError) as caught:
        parsed(rest, FORM)
    assert words in caught.value.format_message()
    assert "\n" not in caught.value.format_message()


@pytest.mark.parametrize(
    "rest",
    [
        "//me:se/cret@here/s",
        "//me:1/secret@here/s",
        "//me:1?secret@here/s",
        "//me:secret@here",
        "//me:secret@here:port/s",
        "//me:secret/s",
        "me:secret@here/s",
        "//me:secret@here/s?db=x",
        "//me:secret@/s",
    ],
)
def test_no_message_repeats_what_may_be_a_password(rest):
    with pytest.raises(click.UsageError) as caught:
        parsed(rest, FORM)
    assert "ecret" not in caught.value.format_message()


def test_schemes_without_users_and_paths():
    for rest in ("//me:secret@here:1", "//here:1/path", "//here"):
        with pytest.raises(click.UsageError) as caught:
            parsed(rest, BARE)
        assert "ecret" not in caught.value.format_message()


def test_unknown_hosts():
    check_hosts(parsed("//no.such.host.invalid,127.0.0.1/s", FORM))
    with pytest.raises(
        DataError, match=r"^redis://no\.such\.host\.invalid:6379/s: the host is not"
    ):
        check_hosts(parsed("//me:secret@no.such.host.invalid/s", FORM))
