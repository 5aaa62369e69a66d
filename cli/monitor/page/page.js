(() => {
  "use strict";
  const root = document.documentElement;
  const button = document.getElementById("mode");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const models = () => (window.Bokeh ? Bokeh.documents.flatMap((d) => [...d._all_models.values()]) : []);
  const isKind = (model, kind) => model.type === kind;
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  // Charts are canvases, which know nothing of the page's style.
  const paint = (model) => {
    const [paper, soft, rule, line] = ["--paper", "--soft", "--rule", "--line"].map(colour);
    if (/Axis$/.test(model.type)) {
      model.setv({
        axis_label_text_color: soft, major_label_text_color: soft, axis_line_color: rule,
        major_tick_line_color: rule, minor_tick_line_color: null, axis_label_text_font_style: "normal",
      });
    } else if (isKind(model, "Grid")) {
      if (model.grid_line_color !== null) model.setv({ grid_line_color: rule });
    } else if (isKind(model, "ColorBar")) {
      model.setv({ major_label_text_color: soft, title_text_color: soft, background_fill_color: paper });
    } else if (model.tags && model.tags.includes("ink")) {
      model.setv({ line_color: line });
    }
  };

  const setMode = (dark) => {
    root.dataset.mode = dark ? "dark" : "light";
    root.style.colorScheme = dark ? "dark" : "light";
    button.textContent = dark ? "Light" : "Dark";
    models().forEach(paint);
  };

  // Where a finger scrolls the page, dragging must not zoom; pinching does.
  const settleTouch = () => {
    if (!matchMedia("(pointer: coarse)").matches) return;
    for (const figure of models().filter((m) => isKind(m, "Figure") && m.name !== "overview")) {
      const { toolbar } = figure;
      // The tool for the wheel is the one for pinching, too.
      const pinch = toolbar.tools.find((tool) => isKind(tool, "WheelZoomTool"));
      toolbar.setv({ active_drag: null, active_scroll: pinch });
    }
  };

  // A narrow screen has no room for the same number of ticks.
  const settleWidth = () => {
    const narrow = innerWidth < 640;
    for (const axis of models().filter((m) => /Axis$/.test(m.type) && m.ticker && "desired_num_ticks" in m.ticker)) {
      axis.ticker.setv({ desired_num_ticks: narrow ? 4 : 6 });
    }
  };

  const move = (figure, part, zoom) => {
    const range = figure.x_range;
    const full = figure.whole ?? (figure.whole = { start: range.start, end: range.end });
    const width = range.end - range.start;
    const [low, high] = range.bounds ?? [full.start, full.end];
    if (zoom === 0) {
      range.setv(full);
      return;
    }
    const wanted = Math.min(Math.max(width * zoom, range.min_interval ?? 0), high - low);
    const middle = (range.start + range.end) / 2 + part * width;
    const start = Math.min(Math.max(middle - wanted / 2, low), high - wanted);
    range.setv({ start, end: start + wanted });
  };

  const DASHES = { solid: "", dashed: "6", dotted: "2 4", dotdash: "2 4 6 4", dashdot: "6 4 2 4" };

  const swatch = (glyph) => {
    const ink = glyph.tags.includes("ink");
    const stroke = ink ? "var(--line)" : glyph.line_color.value;
    const given = glyph.line_dash.value;
    const dash = Array.isArray(given) ? given.join(" ") : (DASHES[given] ?? given);
    const marker = glyph.marker ? { square: "▢", circle: "●", x: "✕" }[glyph.marker.value] : null;
    const sign = document.createElement("span");
    sign.setAttribute("aria-hidden", "true");
    if (marker) {
      sign.textContent = marker;
      sign.style.color = stroke;
    } else {
      sign.innerHTML = '<svg width="26" height="8"><line x1="0" x2="26" y1="4" y2="4" stroke-width="2.5"/></svg>';
      const line = sign.querySelector("line");
      line.style.stroke = stroke;
      line.style.strokeDasharray = dash;
    }
    return sign;
  };

  // Not Bokeh's own legend: it is part of the canvas, so it neither wraps nor hears keys.
  const addLegend = (chart) => {
    const figure = models().find((m) => isKind(m, "Figure") && m.name === chart.dataset.chart);
    const items = models().filter((m) => isKind(m, "Legend") && figure.references().has(m)).flatMap((m) => m.items);
    if (items.length < 2) return;
    const list = document.createElement("div");
    list.className = "legend";
    for (const item of items) {
      const entry = document.createElement("button");
      entry.type = "button";
      entry.setAttribute("aria-pressed", "true");
      entry.append(swatch(item.renderers[0].glyph), item.label.value);
      entry.addEventListener("click", () => {
        const shown = entry.getAttribute("aria-pressed") !== "true";
        entry.setAttribute("aria-pressed", String(shown));
        item.renderers.forEach((renderer) => renderer.setv({ visible: shown }));
      });
      list.append(entry);
    }
    chart.after(list);
  };

  const KEYS = {
    ArrowLeft: [-0.2, 1], ArrowRight: [0.2, 1], "+": [0, 0.6], "=": [0, 0.6], "-": [0, 1 / 0.6], 0: [0, 0],
  };
  const onKey = (event) => {
    const step = KEYS[event.key];
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    const name = event.currentTarget.dataset.chart;
    const figure = models().find((m) => isKind(m, "Figure") && m.name === name);
    if (!figure || name === "overview") return;
    move(figure, ...step);
    event.preventDefault();
  };

  const begin = () => {
    setMode(prefersDark.matches);
    settleTouch();
    settleWidth();
    document.querySelectorAll(".chart").forEach((chart) => {
      chart.addEventListener("keydown", onKey);
      addLegend(chart);
    });
    button.addEventListener("click", () => setMode(root.dataset.mode !== "dark"));
    prefersDark.addEventListener("change", (event) => setMode(event.matches));
    addEventListener("resize", settleWidth);
  };

  // The charts are made when the page is there; theirs is the listener before this one.
  const whenReady = (tries) => {
    const wanted = document.querySelectorAll(".chart").length;
    const there = models().filter((m) => isKind(m, "Figure")).length;
    if (there >= wanted || !tries) begin();
    else setTimeout(() => whenReady(tries - 1), 20);
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => whenReady(250));
  else whenReady(250);
})();
