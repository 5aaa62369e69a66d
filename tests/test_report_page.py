"""The report: opened in a browser, every chart is drawn, and whatever a run lacks is said."""

import builtins
import gzip
import importlib
import re
import sys

import click
import pytest
from page_helpers import Talkative, opened, watched
from streamrnn_cli.monitor import Monitor
from streamrnn_cli.monitor.options import report_option
from streamrnn_cli.monitor.page import check_available, write_report
from streamrnn_cli.monitor.page.tables import number

ABOUT = {
    "title": "Water & <flow>",
    "source": "flow.csv",
    "target": "flow",
    "version": "9.9",
    "parameters": {"cell": "lstm", "lr": None, "clip_norm": 1.0},
    "metrics": {"net": {"RMSE": 0.123}, "last value": {"RMSE": 0.5}},
}
OF_A_RUN = ["series", "overview", "recent", "errors", "gradient", "gradient_lines"]
OF_A_RUN += ["update_size", "saturation", "updates", "throughput"]


def one_row(task):
    monitor = Monitor(task, ["net"])
    value = [1.0] if task == "regression" else ["a"]
    monitor.played([7], None, value, [value], 1e-5)
    return monitor


def nothing_known(task):
    monitor = Monitor(task, ["net"], Talkative())
    unknown = [float("nan")] * 400 if task == "regression" else [None] * 400
    monitor.played(range(400), None, unknown, [unknown], 1e-5)
    return monitor


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a browser found on the pages of several runs."""
    folder = tmp_path_factory.mktemp("pages")
    with pytest.MonkeyPatch.context() as patch:
        runs = {
            "run": watched(patch, model=Talkative(), about=ABOUT),
            "phone": watched(patch, "classification", model=Talkative(), about=ABOUT),
            "nothing": Monitor("regression", ["net"]),
            "one number": one_row("regression"),
            "one label": one_row("classification"),
            "no number": nothing_known("regression"),
            "no label": nothing_known("classification"),
        }
    pages = {}
    for name, monitor in runs.items():
        path = folder / f"{name}.html"
        write_report(monitor.snapshot(), str(path))
        pages[name] = (path, 390 if name == "phone" else 1100)
    return opened(pages, folder)


def drawn(seen):
    """The charts with more on them than a background: their names."""
    return [name for name, colours in seen["charts"].items() if colours > 20]


def test_no_page_complains_or_loads_anything(found):
    for name, seen in found.items():
        assert seen["complaints"] == [], name
        assert seen["loads"] == [], name


def test_all_charts_of_a_run_are_drawn(found):
    seen = found["run"]
    assert drawn(seen) == list(seen["charts"]) == OF_A_RUN
    for words in ("Water & <flow>", "6,000", "0.123", "clip norm", "checkpoint", "drift", "KiB"):
        assert words in seen["text"]
    assert {"target", "prediction", "net", "last value", "drift", "forget"} <= set(seen["legends"])


def test_keys_and_buttons_work(found):
    seen = found["run"]
    whole, nearer, of_errors, again = seen["ranges"]
    assert whole == again == [1, 6000]
    assert nearer == of_errors
    assert 0 < nearer[1] - nearer[0] < 4000
    assert {seen["mode"], seen["other"]} == {"light", "dark"}
    assert seen["pressed"] == "false"


def test_a_narrow_page_does_not_scroll_sideways(found):
    seen = found["phone"]
    assert seen["width"] <= 390
    assert drawn(seen) == [name for name in OF_A_RUN if name != "overview"]
    assert {"target", "right", "wrong"} <= set(seen["legends"])


def test_what_there_is_not_is_said(found):
    seen = found["nothing"]
    assert seen["charts"] == {}
    assert seen["text"].count("No rows were played yet.") == 3
    assert seen["text"].count("no network that could be asked") == 3
    assert "Nothing out of the ordinary" in seen["text"]


@pytest.mark.parametrize("name", ["one number", "one label", "no number", "no label"])
def test_odd_runs_are_drawn_as_far_as_can_be(found, name):
    assert "could be scored" in found[name]["text"]
    assert "throughput" in drawn(found[name])
    if name.startswith("one"):
        assert "series" in drawn(found[name])
    else:
        assert "neither a target nor a prediction" in found[name]["text"]


def test_a_keyed_model_has_no_gradient_and_the_page_says_why(tmp_path):
    from streamrnn import KeyedModel, RNNRegressor

    monitor = Monitor("regression", ["net"], KeyedModel(RNNRegressor(), key="k"))
    monitor.played(range(9), None, [1.0] * 9, [[1.0] * 9], 1e-5)
    write_report(monitor.snapshot(), str(tmp_path / "run.html"))
    assert (tmp_path / "run.html").read_text().count("A KeyedModel is many networks") == 3


def test_many_labels_are_counted_not_drawn(tmp_path):
    names = [f"label {i}" for i in range(60)]
    monitor = Monitor("classification", ["net"])
    monitor.played(range(60), None, names, [names], 1e-5)
    write_report(monitor.snapshot(), str(tmp_path / "run.html"))
    assert "There are 60 labels" in (tmp_path / "run.html").read_text()


def test_what_users_name_is_no_html(monkeypatch, tmp_path):
    trap = "</script><script>alert(1)</script>"
    monitor = Monitor("regression", [trap], about={"title": trap, "target": trap, "source": trap})
    monitor.mark(trap, 1, trap)
    monitor.played(range(9), [trap] * 9, [1.0] * 9, [[1.0] * 9], 1e-5)
    write_report(monitor.snapshot(), str(tmp_path / "run.html.gz"))
    assert trap not in gzip.decompress((tmp_path / "run.html.gz").read_bytes()).decode()


def test_the_page_names_no_other_place(monkeypatch, tmp_path):
    write_report(watched(monkeypatch, model=Talkative()).snapshot(), str(tmp_path / "run.html"))
    text = (tmp_path / "run.html").read_text("utf-8")
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=[\"']?(http|//)", text)
    assert len(text.encode()) < 2_000_000


def test_without_bokeh_one_line_says_what_to_install(monkeypatch):
    def no_bokeh(name, *args):
        if name.split(".")[0] == "bokeh":
            raise ModuleNotFoundError("No module named 'bokeh'", name="bokeh")
        return importlib.__import__(name, *args)

    for name in [name for name in sys.modules if name.split(".")[0] == "bokeh"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(importlib, "import_module", no_bokeh)
    monkeypatch.setattr(builtins, "__import__", no_bokeh)
    with pytest.raises(click.UsageError, match=r"pip install 'streamrnn\[report\]'"):
        check_available()


def test_the_option_refuses_what_is_no_page():
    from click.testing import CliRunner

    @click.command()
    @report_option
    def command(report):
        click.echo(report)

    assert CliRunner().invoke(command, ["--report", "a.html.gz"]).output == "a.html.gz\n"
    refused = CliRunner().invoke(command, ["--report", "a.pdf"])
    assert refused.exit_code == 2
    assert "must end in .html" in refused.output


def test_a_file_that_cannot_be_written_is_a_wrong_use(tmp_path):
    snapshot = Monitor("regression", ["net"]).snapshot()
    with pytest.raises(click.UsageError, match="cannot write"):
        write_report(snapshot, str(tmp_path / "absent" / "run.html"))


def test_figures_are_readable():
    assert [number(v) for v in (0.0, 1e-9, 123456.7, -2.5)] == ["0", "1e-09", "123,457", "-2.5"]
