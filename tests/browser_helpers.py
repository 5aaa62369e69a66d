"""A real browser without a window, driven over a pipe by the DevTools protocol.

https://chromedevtools.github.io/devtools-protocol/, with ``--remote-debugging-pipe``.
"""

import fcntl
import json
import os
import select
import shutil
import signal
import time

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
]
SECONDS = 30


def found():
    """Return the program; skip the test if there is none."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    return program


class Browser:
    """One page in a browser.

    Attributes
    ----------
    complaints : list of str
        What the page wrote to its console as an error or a warning, and what it failed to load.
    """

    def __init__(self, folder, size=(1200, 900)):
        program = found()
        read, self._write = _high(os.pipe())
        self._read, write = _high(os.pipe())
        flags = [*FLAGS, f"--user-data-dir={folder}", f"--window-size={size[0]},{size[1]}"]
        self._pid = os.posix_spawn(
            program,
            [program, *flags, "about:blank"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, read, 3),
                (os.POSIX_SPAWN_DUP2, write, 4),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        os.close(read)
        os.close(write)
        self._data, self._count, self._session = b"", 0, None
        self.complaints = []
        pages = self.call("Target.getTargets")["targetInfos"]
        page = next(page["targetId"] for page in pages if page["type"] == "page")
        attached = self.call("Target.attachToTarget", targetId=page, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self._session = None
            self.call("Browser.close")
        finally:
            os.close(self._write)
            os.close(self._read)
            if not _ended(self._pid, 10):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)

    def call(self, method, **parameters):
        """Call a method of the protocol; return its result."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + SECONDS
        while True:
            answer = self._next(deadline)
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]

    def open(self, url):
        """Go to a page, and wait until its scripts have begun."""
        assert "errorText" not in self.call("Page.navigate", url=url)
        self.wait(f"location.href.startsWith({url!r}) && document.readyState === 'complete'")

    def value(self, expression):
        """Return the value of an expression of JavaScript in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def wait(self, expression):
        """Wait until an expression is true, and return its value."""
        deadline = time.monotonic() + SECONDS
        while not (value := self.value(expression)):
            assert time.monotonic() < deadline, f"{expression} stays {value!r}; {self.complaints}"
            time.sleep(0.05)
        return value

    def resize(self, width, height):
        """Give the window another size, as of a phone."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def _next(self, deadline):
        while b"\0" not in self._data:
            ready = select.select([self._read], [], [], max(0, deadline - time.monotonic()))[0]
            assert ready, "the browser does not answer"
            part = os.read(self._read, 1 << 20)
            assert part, "the browser has ended"
            self._data += part
        raw, self._data = self._data.split(b"\0", 1)
        message = json.loads(raw)
        self._listen(message.get("method"), message.get("params", {}))
        return message

    def _listen(self, method, event):
        if method == "Runtime.consoleAPICalled" and event["type"] in ("error", "warning", "assert"):
            self.complaints.append(str([arg.get("value") for arg in event["args"]]))
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(event["exceptionDetails"])[:500])
        elif method == "Log.entryAdded" and event["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{event['entry']['text']} {event['entry'].get('url', '')}")


def _high(pair):
    """Return the same two ends of a pipe under numbers that are not in the way of 3 and 4."""
    ends = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in pair)
    for end in pair:
        os.close(end)
    return ends


def _ended(pid, seconds):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.02)
    return False
