// The page asks for the data once a second and draws it; a form sends samples.

import { element, heatmap, labels, lines, readout, short, words } from "./charts.js";

const by = (id) => document.getElementById(id);
const PAUSE = 1000;
let shown = null; // the data drawn last, to draw it again when the window changes

async function ask(path, options = {}) {
  const answer = await fetch(path, { cache: "no-store", ...options });
  const content = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(content.error), { status: answer.status });
  return content;
}

const post = (path, content) => ask(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: content,
});

async function refresh() {
  try {
    shown = await ask("status?series=0");
    document.body.dataset.rows = shown.rows;
    draw(shown);
    tell("live", false);
    logged(true);
  } catch (error) {
    if (error.status === 401) { logged(false); return; }
    tell(error.status ? error.message : "the server does not answer", true);
  }
  setTimeout(refresh, PAUSE);
}

function tell(text, bad) {
  if (by("state").textContent !== text) by("state").textContent = text;
  by("state").classList.toggle("bad", bad);
}

function logged(inside) {
  by("login").hidden = inside;
  by("run").hidden = !inside && shown === null;
  if (!inside) { tell("", false); by("token").focus(); }
}

function draw(data) {
  by("run").hidden = false; // before drawing: what is hidden has no width
  by("title").textContent = data.about.title ?? data.names[0];
  document.title = `${data.about.title ?? data.names[0]} – streamrnn`;
  drawFigures(data);
  drawSeries(data);
  drawErrors(data);
  drawGradient(data);
  const rates = data.rates;
  const marks = data.marks.filter((mark) => mark.kind === "drift").map((mark) => mark.row);
  curve("clipped", rates.row, rates.clipped, marks, "share of updates clipped");
  curve("speed", rates.row, rates.rows_per_second, marks, "rows a second that the network could take");
  drawTables(data);
}

function curve(id, rows, values, marks, label) {
  if (!rows.length) return words(by(id), "No rows so far.");
  lines(by(id), rows, [{ class: "model", values }], { marks, from: 0, label });
}

function drawFigures(data) {
  const overall = Object.entries(data.errors.overall);
  const figures = [
    ["rows", data.rows.toLocaleString("en")],
    ["rows a second it could take", short(data.rows_per_second)],
    ["µs a row, p50", short(data.latency.p50)],
    ["p99", short(data.latency.p99)],
    ["memory", data.memory_bytes === null ? "–" : `${short(data.memory_bytes / 1024)} KiB`],
    ...overall.map(([name, value]) => [`${data.errors.measure}, ${name}`, short(value)]),
  ];
  by("figures").replaceChildren(...figures.map(([name, value]) => {
    const box = document.createElement("div");
    box.append(html("dt", name), html("dd", value));
    return box;
  }));
}

function html(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function drawSeries(data) {
  const recent = data.recent, svg = by("series"), rows = recent.row;
  by("series-note").textContent = rows.length ? `last ${rows.length} rows` : "";
  if (!rows.length) {
    legend("series-legend", []);
    return words(svg, "No rows so far: send samples to /learn, or with the form below.");
  }
  if (data.task === "classification") {
    legend("series-legend", [["target", "came", true], ["right", "predicted, right", true],
      ["wrong", "predicted, wrong", true]]);
    return labels(svg, rows.slice(-120), recent.target.slice(-120), recent.prediction.slice(-120));
  }
  legend("series-legend", [["target", "target"], ["model", `prediction, ${data.names[0]}`]]);
  const marks = data.marks.map((mark) => mark.row);
  lines(svg, rows, [{ class: "target", values: recent.target },
    { class: "model", values: recent.prediction }], { marks, label: "target and prediction" });
  readout(svg, by("series-values"), rows, (i) => (
    `row ${rows[i].toLocaleString("en")}: target ${short(recent.target[i])}, prediction ${short(recent.prediction[i])}`
  ));
}

function drawErrors(data) {
  const errors = fewer(data.errors, 80);
  by("error-note").textContent = `${errors.measure}, means of ${errors.width.toLocaleString("en")} rows`;
  if (!errors.row.length) return words(by("error"), "No rows so far.");
  const kind = (i) => (i ? `other other-${i}` : "model");
  legend("error-legend", data.names.map((name, i) => [kind(i), name]));
  const curves = data.names.map((name, i) => ({ class: kind(i), values: errors.values[name] }));
  const marks = data.marks.filter((mark) => mark.kind === "drift").map((mark) => mark.row);
  lines(by("error"), errors.row, curves.reverse(), { marks, from: 0, label: errors.measure });
  readout(by("error"), by("error-values"), errors.row, (i) => (
    `to row ${errors.row[i].toLocaleString("en")}: `
      + data.names.map((name) => `${name} ${short(errors.values[name][i])}`).join(", ")
  ));
}

// The same with fewer stretches, each of several: else noise hides the course.
function fewer(errors, most) {
  const many = Math.ceil(errors.row.length / most);
  if (many <= 1) return errors;
  const starts = errors.row.map((_, i) => i).filter((i) => i % many === 0);
  const last = (i) => Math.min(i + many, errors.row.length);
  const mean = (values) => starts.map((i) => {
    let sum = 0, count = 0;
    for (let k = i; k < last(i); k++) {
      if (Number.isFinite(values[k])) { sum += values[k] * errors.rows[k]; count += errors.rows[k]; }
    }
    return count ? sum / count : null;
  });
  return {
    measure: errors.measure,
    width: errors.width * many,
    row: starts.map((i) => errors.row[last(i) - 1]),
    values: Object.fromEntries(Object.entries(errors.values).map(([name, v]) => [name, mean(v)])),
  };
}

function drawGradient(data) {
  const columns = data.gradient.filter((column) => column[1] && column[1].length);
  legend("gradient-legend", []);
  if (!columns.length) return words(by("gradient"), data.no_diagnostics ?? "No gradient so far.");
  const range = heatmap(by("gradient"), columns);
  if (range) by("gradient-legend").append(html("li", `dark ${short(range.low)}, bright ${short(range.high)}`));
}

function legend(id, entries) {
  by(id).replaceChildren(...entries.map(([kind, name, round]) => {
    const item = document.createElement("li");
    const svg = element(item, "svg", { viewBox: "0 0 26 10", "aria-hidden": "true" });
    if (round) element(svg, "circle", { class: kind, cx: 13, cy: 5, r: 4 });
    else element(svg, "path", { class: kind, d: "M0 5h26" });
    item.append(name);
    return item;
  }));
}

function drawTables(data) {
  by("counters").tBodies[0].replaceChildren(...Object.entries(data.counters).map(([name, count]) => {
    const row = document.createElement("tr");
    row.append(html("td", name.replaceAll("_", " ")), html("td", count.toLocaleString("en")));
    return row;
  }));
  by("no-marks").hidden = data.marks.length > 0;
  by("marks").replaceChildren(...data.marks.slice(-50).reverse().map((mark) => (
    html("li", `${mark.kind.replaceAll("_", " ")} at row ${mark.row.toLocaleString("en")}${mark.text ? `: ${mark.text}` : ""}`)
  )));
}

by("send").addEventListener("submit", async (event) => {
  event.preventDefault();
  const act = event.submitter?.value ?? "predict", answer = by("answer");
  // Written together as text, not parsed here: the server says what is wrong with it.
  const y = by("y").value.trim() || "null";
  const sample = act === "learn" ? `{"x": ${by("x").value}, "y": ${y}}` : `{"x": ${by("x").value}}`;
  try {
    const { prediction } = await post(act, sample);
    const done = act === "learn" ? "; learnt" : "";
    answer.textContent = `prediction: ${JSON.stringify(prediction)}${done}`;
    answer.classList.remove("bad");
  } catch (error) {
    answer.textContent = error.message;
    answer.classList.add("bad");
  }
});

by("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("login", JSON.stringify({ token: by("token").value }));
    by("token").value = "";
    by("login-answer").textContent = "";
    refresh();
  } catch (error) {
    by("login-answer").textContent = error.message;
  }
});

window.addEventListener("resize", () => { if (shown) draw(shown); });
refresh();
