"""What the tests of pages share: snapshots to draw, and a browser that says what it drew."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from streamrnn_cli.monitor import Monitor, diagnosis

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
#: Looks at the page when it has been drawn, and leaves what it found in it.
INSPECT = """
<script>
window.complaints = [];
addEventListener("error", (event) => complaints.push(String(event.message)));
addEventListener("unhandledrejection", (event) => complaints.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => complaints.push(event.blockedURI));
for (const kind of ["error", "warn"]) {
  console[kind] = (...words) => complaints.push(words.join(" "));
}
const canvases = (node) => [
  ...node.querySelectorAll("canvas"),
  ...[...node.querySelectorAll("*")].flatMap((n) => (n.shadowRoot ? canvases(n.shadowRoot) : [])),
];
const colours = (canvas) => {
  if (!canvas.width || !canvas.height) return 0;
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer).filter((_, place) => place % 5 === 0)).size;
};
const look = () => {
  const charts = {};
  for (const chart of document.querySelectorAll(".chart")) {
    charts[chart.dataset.chart] = Math.max(0, ...canvases(chart).map(colours));
  }
  return charts;
};
const press = (name, key) => {
  const chart = document.querySelector(`[data-chart=${name}]`);
  chart.focus();
  chart.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
};
const range = (name) => {
  const models = [...Bokeh.documents[0]._all_models.values()];
  const { start, end } = models.find((m) => m.type === "Figure" && m.name === name).x_range;
  return [start, end];
};
const use = (found) => {
  found.ranges = [range("series")];
  press("series", "+");
  found.ranges.push(range("series"), range("errors"));
  press("series", "ArrowRight");
  press("series", "0");
  found.ranges.push(range("series"));
  document.getElementById("mode").click();
  found.other = document.documentElement.dataset.mode;
  const legend = document.querySelector(".legend button");
  legend.click();
  found.pressed = legend.getAttribute("aria-pressed");
};
const report = () => {
  const found = { charts: look(), mode: document.documentElement.dataset.mode };
  found.width = document.documentElement.scrollWidth;
  found.loads = performance.getEntriesByType("resource").map((entry) => entry.name);
  const buttons = [...document.querySelectorAll(".legend button")];
  found.legends = buttons.map((button) => button.lastChild.textContent);
  found.text = document.body.innerText;
  found.complaints = complaints;
  try {
    if (found.charts.errors) use(found);
  } catch (error) {
    complaints.push(error.stack);
  }
  parent.postMessage({ name, found }, "*");
};
const isDrawn = () => !window.Bokeh || (
  Bokeh.documents.length > 0 && Bokeh.documents.every((document) => document.is_idle)
);
const whenDrawn = (tries) => {
  if (isDrawn() || !tries) setTimeout(report, 300);
  else setTimeout(() => whenDrawn(tries - 1), 100);
};
addEventListener("load", () => whenDrawn(80));
</script>
"""
#: Holds the pages beside each other, as wide as they are to be, and collects what they found.
FRAMES = """<!DOCTYPE html><meta charset="utf-8">
<style>iframe {{ position: fixed; inset: 0 auto auto 0; height: 900px; border: 0 }}</style>
{frames}<pre id="found"></pre><script>
const all = {{}};
addEventListener("message", (event) => {{
  all[event.data.name] = event.data.found;
  document.getElementById("found").textContent = JSON.stringify(all);
}});
</script>"""


def opened(pages, folder):
    """Open pages in a browser without a network; return by name what it found there.

    All in one browser, since starting one takes seconds; `pages` are paths and widths by name.
    """
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: pages cannot be opened")
    frames = ""
    for name, (path, width) in pages.items():
        probe = folder / f"{name}.probe.html"
        inspect = INSPECT.replace("const use", f"const name = {json.dumps(name)};\nconst use", 1)
        text = path.read_text("utf-8").replace("<head>", "<head>" + inspect, 1)
        probe.write_text(text, "utf-8")
        frames += f'<iframe src="{probe.as_uri()}" style="width: {width}px"></iframe>'
    (folder / "frames.html").write_text(FRAMES.format(frames=frames), "utf-8")
    command = [
        CHROMIUM,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND",
        f"--user-data-dir={folder / 'profile'}",
        "--window-size=1200,1000",
        "--virtual-time-budget=15000",
        "--dump-dom",
        (folder / "frames.html").as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    match = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.S)
    assert match, done.stderr[-2000:]
    found = json.loads(html.unescape(match.group(1)) or "{}")
    assert set(found) == set(pages), done.stderr[-2000:]
    return found


class Talkative:
    """A network whose diagnostics are made up, and look like those of one that learns."""

    drift_detector = object()
    _raw_memory_usage = 200_000

    def __init__(self):
        self.rng = np.random.default_rng(5)
        self.weights = self.rng.normal(size=100)
        self.counters = {"updates": 0, "clipped": 0, "skipped": 0, "drifts": 0}

    def flat_weights(self):
        self.weights = self.weights + 0.01 * self.rng.normal(size=100)
        return self.weights

    def gradient_profile(self):
        return np.exp(-np.arange(24) / 4 + self.rng.normal(size=24) / 5)[None]

    def gate_saturation(self):
        return {"input": 0.1 * self.rng.random(), "forget": 0.3}


def watched(monkeypatch, task="regression", n=6000, model=None, about=None):
    """Return a monitor of a run with gaps, a drift and a checkpoint."""
    monkeypatch.setattr(diagnosis, "PAUSE", 0)
    rng = np.random.default_rng(3)
    monitor = Monitor(task, ["net", "last value", "mean"], model, about)
    targets = np.sin(np.arange(n) / 50)
    columns = [targets + rng.normal(size=n) * size for size in (0.1, 0.3, 2.0)]
    targets[::97] = np.nan
    for begin in range(0, n, 300):
        part = slice(begin, min(n, begin + 300))
        block = [targets[part], [column[part] for column in columns]]
        if task == "classification":
            block = [labels(block[0]), [labels(column) for column in block[1]]]
        if model is not None:
            model.counters["updates"] += 300
            model.counters["clipped"] += 60 if begin < 3000 else 6
            model.counters["drifts"] += begin == 3000
        rows = range(part.start + 1, part.stop + 1)
        times = [f"2024-03-{1 + row % 28:02d}" for row in rows]
        monitor.played(rows, times, *block, 0.003)
    monitor.mark("checkpoint", n // 2, "kept")
    return monitor


def labels(values):
    """Return numbers as a few labels, one of which is a trap for pages; NaN is none."""
    names = ["low", "</script><b>mid", "high"]
    return [None if v != v else names[int(np.clip(v + 1.5, 0, 2))] for v in values]
