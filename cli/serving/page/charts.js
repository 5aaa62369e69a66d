// Small charts as SVG. Each is drawn anew as a whole: some hundred points, once a second.

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 58, RIGHT = 8, TOP = 8, BOTTOM = 20;

export function element(parent, name, attributes = {}, text = null) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== null) made.textContent = text;
  parent.appendChild(made);
  return made;
}

export function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(1).replace("e+", "e");
  return value.toLocaleString("en", { maximumSignificantDigits: 4 });
}

// An empty chart, with words in the middle.
export function words(svg, text) {
  const { width, height } = cleared(svg);
  svg.setAttribute("aria-label", text);
  const line = element(svg, "text", { class: "words", "text-anchor": "middle", y: height / 2 });
  const room = Math.max(20, Math.floor(width / 7));
  wrapped(text, room).forEach((part, i) => {
    element(line, "tspan", { x: width / 2, dy: i ? "1.3em" : 0 }, part);
  });
}

function wrapped(text, room) {
  const lines = [""];
  for (const word of text.split(" ")) {
    if ((lines.at(-1) + word).length > room) lines.push("");
    lines[lines.length - 1] += word + " ";
  }
  return lines;
}

// Lines over rows. lines: {class, values}; null is a gap. marks: rows with a line of their own.
export function lines(svg, rows, curves, { marks = [], from = null, label }) {
  const known = curves.flatMap((curve) => curve.values).filter(Number.isFinite);
  if (!known.length) return words(svg, "Nothing to show so far.");
  let low = Math.min(...known), high = Math.max(...known);
  if (from !== null) low = Math.min(low, from);
  if (low === high) {
    // What cannot be less than nothing is not drawn there.
    if (from === null) low -= Math.abs(low) / 2 || 0.5;
    high += Math.abs(high) / 2 || 0.5;
  }
  const place = frame(svg, rows, low, high, label);
  for (const row of marks) {
    if (row >= rows[0] && row <= rows.at(-1)) {
      const x = place.x(row);
      element(svg, "line", { class: "mark", x1: x, x2: x, y1: TOP, y2: place.bottom });
    }
  }
  for (const curve of curves) {
    element(svg, "path", { class: curve.class, d: path(rows, curve.values, place) });
  }
}

function path(rows, values, place) {
  let d = "", pen = "M";
  rows.forEach((row, i) => {
    if (!Number.isFinite(values[i])) { pen = "M"; return; }
    d += `${pen}${place.x(row).toFixed(1)} ${place.y(values[i]).toFixed(1)}`;
    // A point with gaps on both sides is a dot.
    if (pen === "M" && !Number.isFinite(values[i + 1])) d += "h1.5";
    pen = "L";
  });
  return d;
}

// A line under the pointer, or moved by the arrow keys, with the values of its row.
export function readout(svg, output, rows, texts) {
  const again = svg.readout;
  svg.readout = { output, rows, texts };
  if (again) return void svg.show(svg.at); // drawn anew: the line is gone, the values have changed
  svg.tabIndex = 0;
  svg.at = null;
  const show = svg.show = (place) => {
    const { output, rows, texts } = svg.readout;
    const at = svg.at = place === null ? null : Math.min(Math.max(place, 0), rows.length - 1);
    svg.querySelector(".pointer")?.remove();
    output.textContent = at === null ? "" : texts(at);
    if (at === null) return;
    const width = svg.viewBox.baseVal.width, bottom = svg.viewBox.baseVal.height - BOTTOM;
    const x = scale(rows[0], rows.at(-1), LEFT, width - RIGHT)(rows[at]);
    element(svg, "line", { class: "pointer", x1: x, x2: x, y1: TOP, y2: bottom });
  };
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect(), rows = svg.readout.rows;
    const share = (event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT);
    const row = rows[0] + share * (rows.at(-1) - rows[0]);
    const after = rows.findIndex((each) => each >= row);
    const place = after < 0 ? rows.length - 1 : after;
    show(place > 0 && row - rows[place - 1] < rows[place] - row ? place - 1 : place);
  });
  svg.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -1e9, End: 1e9 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    show((svg.at ?? svg.readout.rows.length) + step);
  });
  for (const end of ["pointerleave", "blur"]) svg.addEventListener(end, () => show(null));
}

// Labels over rows: what came as a pale dot, what was predicted on it: full if right.
export function labels(svg, rows, targets, predictions) {
  const counts = new Map();
  for (const name of [...targets, ...predictions]) {
    if (name !== null) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  if (!counts.size) return words(svg, "Nothing to show so far.");
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, 8).map((pair) => pair[0]).sort();
  const { width, height } = cleared(svg);
  svg.setAttribute("aria-label", `labels of rows ${rows[0]} to ${rows.at(-1)}`);
  const step = (height - TOP - BOTTOM) / most.length;
  const y = (name) => TOP + step * (most.indexOf(name) + 0.5);
  const x = scale(rows[0], rows.at(-1), LEFT + 6, width - RIGHT - 6);
  for (const name of most) {
    element(svg, "line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(name), y2: y(name) });
    const text = name.length > 8 ? name.slice(0, 7) + "…" : name;
    element(svg, "text", { x: LEFT - 6, y: y(name) + 4, "text-anchor": "end" }, text);
  }
  rowAxis(svg, rows, x, height);
  rows.forEach((row, i) => {
    const [target, guess] = [targets[i], predictions[i]];
    if (most.includes(target)) dot(svg, "target", x(row), y(target), 4);
    if (!most.includes(guess)) return;
    dot(svg, target === null || target === guess ? "right" : "wrong", x(row), y(guess), 2.5);
  });
}

function dot(svg, kind, cx, cy, r) {
  element(svg, "circle", { class: kind, cx: cx.toFixed(1), cy: cy.toFixed(1), r });
}

// Columns [row, values]: one cell each, coloured by the logarithm of its value.
export function heatmap(svg, columns) {
  const lags = Math.max(...columns.map((column) => column[1].length));
  const logs = columns.map((c) => c[1].map((v) => (v > 0 ? Math.log10(v) : NaN)));
  const known = logs.flat().filter(Number.isFinite);
  if (!known.length) { words(svg, "The gradient is zero everywhere."); return null; }
  const high = Math.max(...known), low = Math.max(Math.min(...known), high - 8);
  const shown = columns.slice(-120), ends = [shown[0][0], shown.at(-1)[0]];
  const { width, height } = cleared(svg);
  svg.setAttribute("aria-label", `gradient ${lags} steps back, rows ${ends[0]} to ${ends[1]}`);
  const cell = (width - LEFT - RIGHT) / shown.length;
  const tall = (height - TOP - BOTTOM) / lags;
  logs.slice(-120).forEach((values, i) => values.forEach((value, lag) => {
    if (!Number.isFinite(value)) return;
    element(svg, "rect", {
      x: (LEFT + i * cell).toFixed(1), y: (TOP + lag * tall).toFixed(1),
      width: (cell + 0.3).toFixed(1), height: (tall + 0.3).toFixed(1),
      fill: colour((Math.max(value, low) - low) / (high - low || 1)),
    });
  }));
  for (const lag of new Set([0, Math.floor((lags - 1) / 2), lags - 1])) {
    const y = TOP + (lag + 0.5) * tall + 4;
    element(svg, "text", { x: LEFT - 6, y, "text-anchor": "end" }, `${lag} back`);
  }
  rowAxis(svg, ends, scale(ends[0], ends[1], LEFT, width - RIGHT), height);
  return { low: 10 ** low, high: 10 ** high };
}

// From dark blue over green to yellow, as viridis: also grey and colour-blind it gets brighter.
const STOPS = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

export function colour(share) {
  const place = Math.min(Math.max(share, 0), 1) * (STOPS.length - 1);
  const i = Math.min(Math.floor(place), STOPS.length - 2), t = place - i;
  return `rgb(${STOPS[i].map((c, k) => Math.round(c + t * (STOPS[i + 1][k] - c))).join(",")})`;
}

function cleared(svg) {
  svg.replaceChildren();
  const width = svg.clientWidth || 600, height = svg.clientHeight || 200;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  return { width, height };
}

function scale(from, to, start, end) {
  return (value) => (to === from ? (start + end) / 2 : start + (end - start) * (value - from) / (to - from));
}

function frame(svg, rows, low, high, label) {
  const { width, height } = cleared(svg);
  svg.setAttribute("aria-label", `${label}, rows ${rows[0]} to ${rows.at(-1)}, ${short(low)} to ${short(high)}`);
  const bottom = height - BOTTOM;
  const x = scale(rows[0], rows.at(-1), LEFT, width - RIGHT);
  const y = scale(low, high, bottom, TOP);
  for (const value of ticks(low, high)) {
    element(svg, "line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) });
    element(svg, "text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, short(value));
  }
  rowAxis(svg, rows, x, height);
  return { x, y, bottom };
}

function rowAxis(svg, rows, x, height) {
  const [first, last] = [rows[0], rows.at(-1)];
  const y = height - 5;
  element(svg, "text", { x: LEFT, y }, `row ${first.toLocaleString("en")}`);
  if (last > first) element(svg, "text", { x: x(last), y, "text-anchor": "end" }, last.toLocaleString("en"));
}

// About four round numbers between two.
function ticks(low, high) {
  const rough = (high - low) / 4, unit = 10 ** Math.floor(Math.log10(rough));
  const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= rough);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high && found.length < 12; i++) {
    found.push(Number((i * step).toPrecision(12)));
  }
  return found;
}
