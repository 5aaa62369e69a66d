"""Clients of an MQTT broker: what the source and the sink share.

They have no thread: what comes is read when it is wanted, so that whoever sends too fast waits.
"""

import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from socket import SHUT_WR
from typing import Any

from .errors import DataError
from .extras import needed
from .retrying import CONNECT_TIMEOUT, TURN, Lost
from .sockets import check_trust, keep_alive
from .urls import Option, Url, flag, readable_file, text

OPTIONS = {
    "client": Option(text),
    "tls": Option(flag, False),
    "ca": Option(readable_file),
}

#: Seconds for which the broker keeps what it knows of a client that is away: of one that was
#: named by the user, and of one that never comes again under its name.
KEPT, KEPT_NAMELESS = 7 * 24 * 3600, 600

#: Seconds of silence after which the client asks whether the broker is there.
ASK_AFTER = 300

#: Turns after which a broker that does not close its side is left all the same.
LEAVING = 10

#: The packets DISCONNECT, without and with a Session Expiry Interval of 0 (MQTT 5.0, 3.14).
LEAVE = bytes([0xE0, 0])
FORGET = bytes([0xE0, 7, 0, 5, 0x11, 0, 0, 0, 0])

#: Reasons of a broker that no new attempt can change.
FATAL = frozenset(
    {
        "Bad user name or password",
        "Banned",
        "Client identifier not valid",
        "Malformed packet",
        "Not authorized",
        "Session taken over",
        "Topic filter invalid",
        "Topic name invalid",
        "Unsupported protocol version",
    }
)


@dataclass
class Wishes:
    """What somebody wants of a connection.

    Parameters
    ----------
    message
        Gets the client and each message.
    published
        Gets the number of each own message that has arrived, and the broker's word on it.
    window
        How many messages may be under way without an acknowledgement.
    """

    message: Callable[[Any, Any], None] | None = None
    published: Callable[[int, Any], None] | None = None
    window: int = 1000


@dataclass
class Connection:
    """One connection to the broker.

    Attributes
    ----------
    client
        That of the library.
    remembered
        Whether the broker knew the client already.
    window
        How many own messages the broker takes without having acknowledged them.
    """

    client: Any
    url: Url
    remembered: bool = False
    window: int = 65_535
    #: The last word of the broker: on connecting, on ending, on a subscription.
    word: Any = None
    answers: list[Any] = field(default_factory=list)

    def turn(self, seconds: float = TURN) -> None:
        """Send and receive, waiting at most so long.

        Raises
        ------
        Lost
            If the connection has ended.
        DataError
            If the broker has ended it for a reason that stays.
        """
        code = self.client.loop(seconds)
        self.check()
        if code:
            raise Lost(paho().error_string(code).rstrip("."))

    def check(self) -> None:
        """Raise what the broker said, if it was a refusal."""
        if self.word is None or not self.word.is_failure:
            return
        reason = str(self.word)
        if reason not in FATAL:
            raise Lost(reason)
        remedy = "Is user:password@ before the host right?" if "uth" in reason else None
        if reason == "Session taken over":
            remedy = "Does another process use the same ?client=?"
        raise DataError(f"refused: {reason}", source=self.url.name, remedy=remedy)

    def close(self, forget: bool) -> None:
        """Take leave; the broker may then forget the client."""
        socket = self.client.socket()
        if socket is None:
            return
        if self.client.want_write():
            # Acknowledgements, perhaps; if they cannot be sent, the broker sends again.
            self.client.loop_write()
        _hang_up(socket, FORGET if forget else LEAVE)


def _hang_up(socket: Any, word: bytes) -> None:
    """Take leave and close the connection when the other side has read all.

    The library would close it at once. If anything is left to read here, that is a reset, and with
    it goes what is under way: acknowledgements, and the leave itself.
    """
    deadline = time.monotonic() + LEAVING * TURN
    with suppress(OSError):
        socket.settimeout(TURN)
        socket.sendall(word)
        socket.shutdown(SHUT_WR)
        while time.monotonic() < deadline and socket.recv(1 << 16):
            pass
    socket.close()


def paho() -> Any:
    """Import the library."""
    return needed("paho.mqtt.client", "paho-mqtt", "mqtt")


def client_name(url: Url) -> str:
    """Return the name by which the broker knows this client: the user's, or one of its own."""
    return url.options["client"] or f"streamrnn-{secrets.token_hex(6)}"


def connected(url: Url, name: str, wishes: Wishes) -> Connection:
    """Connect and wait for the broker's answer.

    Raises
    ------
    Lost, OSError
        If another attempt may help.
    DataError
        If the broker refuses.
    """
    library = paho()
    client = library.Client(
        library.CallbackAPIVersion.VERSION2,
        name,
        protocol=library.MQTTv5,
        manual_ack=True,
        reconnect_on_failure=False,
    )
    made = Connection(client, url)
    _listen(made, wishes)
    if url.user is not None:
        client.username_pw_set(url.user, url.password)
    if url.options["tls"]:
        client.tls_set(url.options["ca"])
    client.connect_timeout = CONNECT_TIMEOUT
    client.max_inflight_messages_set(wishes.window)
    host, port = url.hosts[0]
    try:
        client.connect(host, port, ASK_AFTER, clean_start=False, properties=_session(url, wishes))
        keep_alive(client.socket())
        until(made, lambda: made.word is not None)
    except BaseException as error:
        made.close(forget=False)
        check_trust(error, url.name)
        raise
    made.word = None
    return made


def until(made: Connection, happened: Callable[[], bool]) -> None:
    """Wait for something that the broker has to send."""
    deadline = time.monotonic() + CONNECT_TIMEOUT
    while not happened():
        if time.monotonic() > deadline:
            raise Lost("no answer")
        made.turn()
    made.check()


def _listen(made: Connection, wishes: Wishes) -> None:
    client = made.client

    def on_connect(_: Any, __: Any, flags: Any, reason: Any, properties: Any) -> None:
        made.word, made.remembered = reason, flags.session_present
        made.window = getattr(properties, "ReceiveMaximum", made.window)

    def on_disconnect(_: Any, __: Any, flags: Any, reason: Any, ___: Any) -> None:
        # Without a word of the broker it is the library's, on a connection that broke.
        if flags.is_disconnect_packet_from_server:
            made.word = reason

    def on_subscribe(_: Any, __: Any, ___: int, reasons: Any, ____: Any) -> None:
        made.answers = reasons

    client.on_connect, client.on_disconnect = on_connect, on_disconnect
    client.on_subscribe = on_subscribe
    if wishes.message is not None:
        client.on_message = lambda _, __, message: wishes.message(made, message)
    if wishes.published is not None:
        client.on_publish = lambda _, __, mid, reason, ___: wishes.published(mid, reason)


def _session(url: Url, wishes: Wishes) -> Any:
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    made = Properties(PacketTypes.CONNECT)
    made.SessionExpiryInterval = KEPT if url.options["client"] else KEPT_NAMELESS
    made.ReceiveMaximum = wishes.window
    return made
