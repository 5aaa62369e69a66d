"""The page of the server in a real browser: it draws, it follows, its form works."""

import threading

import pytest
from browser_helpers import Browser
from serving_helpers import SMALL, ask, learn, serving
from streamrnn_cli.monitor import Monitor
from streamrnn_cli.serving.served import Served

from streamrnn import RNNClassifier, RNNRegressor

TOKEN = "a-token-of-some-length"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture(autouse=True)
def _nothing_to_complain_of(browser):
    browser.complaints.clear()
    yield
    assert browser.complaints == []


def drawn(browser, chart, parts="path"):
    """How long the curves of a chart are, or how many marks it has."""
    if parts == "path":
        return browser.wait(
            f"[...document.querySelectorAll('#{chart} path')]"
            ".reduce((sum, path) => sum + path.getTotalLength(), 0)"
        )
    return browser.wait(f"document.querySelectorAll('#{chart} {parts}').length")


def samples(start, end):
    return [{"x": {"a": i % 7}, "y": (i % 9) - 4} for i in range(start, end)]


def test_charts_are_drawn_and_follow(browser):
    with serving(RNNRegressor(**SMALL)) as url:
        browser.open(url)
        browser.wait("document.getElementById('series').textContent.includes('No rows so far')")
        for start in (0, 300):
            learn(url, samples(start, start + 300))
        browser.wait("document.body.dataset.rows === '600'")
        for chart in ("series", "error", "clipped", "speed"):
            assert drawn(browser, chart) > 200, chart
        before = browser.value("document.querySelector('#series path').getAttribute('d')")
        learn(url, samples(600, 700))
        browser.wait("document.body.dataset.rows === '700'")
        assert browser.value("document.querySelector('#series path').getAttribute('d')") != before
        assert "700" in browser.value("document.getElementById('figures').textContent")
        assert "700" in browser.value("document.getElementById('counters').textContent")
        assert browser.value("document.getElementById('state').textContent") == "live"


def test_a_phone_shows_all_of_it(browser):
    with serving(RNNRegressor(**SMALL)) as url:
        learn(url, samples(0, 100))
        browser.resize(360, 740)
        browser.open(url)
        browser.wait("document.body.dataset.rows === '100'")
        assert drawn(browser, "series") > 100
        assert browser.value("document.documentElement.scrollWidth") <= 360
        browser.resize(1200, 900)


def test_labels_are_dots(browser):
    with serving(RNNClassifier(**SMALL)) as url:
        learn(url, [{"x": {"a": i % 3}, "y": ["<b>low</b>", "high"][i % 3 > 1]} for i in range(60)])
        browser.open(url)
        assert drawn(browser, "series", "circle") >= 60
        assert drawn(browser, "series", "circle.right") > 10
        # A label is text, whatever it looks like.
        assert browser.value("document.querySelectorAll('b').length") == 0
        assert "<b>low" in browser.value("document.getElementById('series').textContent")


def filled(field, text):
    return f"document.getElementById('{field}').value = {text!r}"


def pressed(act):
    return f"document.querySelector('#send button[value={act}]').click()"


ANSWER = "document.getElementById('answer').textContent"


def test_the_form_predicts_and_teaches(browser):
    with serving(RNNRegressor(**SMALL)) as url:
        browser.open(url)
        browser.wait("!document.getElementById('run').hidden")
        browser.value(filled("x", '{"a": 2}'))
        browser.value(pressed("predict"))
        assert browser.wait(ANSWER) == "prediction: 0"
        browser.value(filled("y", "5"))
        browser.value(pressed("learn"))
        assert browser.wait(f"{ANSWER}.includes('learnt') && {ANSWER}") == "prediction: 0; learnt"
        browser.wait("document.body.dataset.rows === '1'")
        assert ask(url, "/status")[1]["recent"]["target"] == [5.0]
        browser.value(filled("x", "{oh"))
        browser.value(pressed("learn"))
        assert "not JSON" in browser.wait(f"{ANSWER}.includes('JSON') && {ANSWER}")
        assert ask(url, "/status")[1]["rows"] == 1
        # The browser itself tells of answers that are no success.
        assert all("400" in complaint for complaint in browser.complaints)
        browser.complaints.clear()


def test_a_page_asks_for_the_token(browser):
    with serving(RNNRegressor(**SMALL), token=TOKEN) as url:
        learn(url, {"x": {"a": 1}, "y": 1}, headers={"Authorization": f"Bearer {TOKEN}"})
        browser.open(url)
        browser.wait("!document.getElementById('login').hidden")
        assert browser.value("document.getElementById('run').hidden")
        for token, seen in (("wrong", "not the token"), (TOKEN, "")):
            browser.value(filled("token", token))
            browser.value("document.querySelector('#login button').click()")
            browser.wait(f"document.getElementById('login-answer').textContent.includes({seen!r})")
        browser.wait("document.body.dataset.rows === '1'")
        assert browser.value("document.getElementById('login').hidden")
        assert all("401" in complaint for complaint in browser.complaints)
        browser.complaints.clear()


class Telling:
    """What diagnostics a model gives, with known numbers."""

    def __init__(self, snapshot):
        self._snapshot = snapshot

    def snapshot(self):
        gradient = [[row, [10.0 ** -(lag + row / 100) for lag in range(8)]] for row in range(150)]
        mark = {"kind": "drift", "row": 30, "text": "<i>"}
        return {**self._snapshot, "gradient": gradient, "marks": [mark]}


def test_the_gradient_is_a_map_and_drifts_are_marked(browser):
    monitor = Monitor("regression", ["lstm"])
    for i in range(0, 60, 5):
        rows = list(range(i + 1, i + 6))
        monitor.played(rows, None, [r % 4 for r in rows], [[r % 3 for r in rows]], 1e-4)
    with serving(Served(threading.Lock(), Telling(monitor.snapshot()))) as url:
        browser.open(url)
        assert drawn(browser, "gradient", "rect") == 8 * 120
        label = browser.value("document.getElementById('gradient').getAttribute('aria-label')")
        assert label == "gradient 8 steps back, rows 30 to 149"
        cells = "[...document.querySelectorAll('#gradient rect')]"
        assert browser.value(f"new Set({cells}.map((r) => r.getAttribute('fill'))).size") > 100
        assert drawn(browser, "series", "line.mark") == 1
        assert (
            browser.value("document.getElementById('marks').textContent") == "drift at row 30: <i>"
        )


def test_a_server_that_ends_is_told(browser):
    with serving(RNNRegressor(**SMALL)) as url:
        browser.open(url)
        browser.wait("document.getElementById('state').textContent === 'live'")
    browser.wait("document.getElementById('state').textContent === 'the server does not answer'")
    browser.complaints.clear()
    browser.open("about:blank")


def test_the_values_of_a_row_are_read_with_the_keyboard(browser):
    with serving(RNNRegressor(**SMALL)) as url:
        learn(url, samples(0, 100))
        browser.open(url)
        browser.wait("document.body.dataset.rows === '100'")
        key = "document.getElementById('series').dispatchEvent(new KeyboardEvent('keydown', {key}))"
        browser.value(f"(() => {{ const key = 'End'; {key}; }})()")
        read = browser.wait("document.getElementById('series-values').textContent")
        assert read.startswith("row 100: target -4, prediction ")
        browser.value(f"(() => {{ const key = 'ArrowLeft'; {key}; }})()")
        assert browser.wait("document.getElementById('series-values').textContent").startswith(
            "row 99: target 4, "
        )
        learn(url, samples(100, 101))  # the line stays where it is when the rest moves on
        browser.wait("document.body.dataset.rows === '101'")
        assert browser.value("document.querySelectorAll('#series .pointer').length") == 1
