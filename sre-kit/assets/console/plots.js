/* Four plots, drawn by uPlot: rate, errors, latency with its heat map, saturation. */
const plots = (() => {
  const themed = {};
  const readTheme = () => {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["muted", "grid", "panel", "heat", "plot-ok", "plot-client", "plot-error", "plot-a", "plot-b", "plot-c", "plot-d", "text"]) {
      themed[name] = style.getPropertyValue("--" + name).trim();
    }
  };
  /* uPlot scales whole pixels only. */
  const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

  /* The color with an opacity, as two hexadecimal digits. */
  const soft = (name, alpha) => () => themed[name] + alpha;

  class Plot {
    /* `lines`: label, color, value in `points`, format; `draw` paints under the lines. */
    constructor(root, { id, title, unit, lines, range, log, splits, bands, draw, format }) {
      Object.assign(this, { id, title, lines, format, range: null, data: [[], ...lines.map(() => [])], shown: null });
      this.scaleY = range;
      this.element = dom("article", { class: "panel", "aria-labelledby": id + "-title" },
        dom("h3", { id: id + "-title" }, title),
        this.big = dom("p", { class: "big", id: id + "-now" }, "–"),
        this.legend = dom("ul", { class: "legend" }),
        this.box = dom("div", { class: "plot", role: "img", tabindex: "0", "aria-label": title, "aria-describedby": "plot-help" }),
        this.details = dom("details", {}, dom("summary", {}, "Show as table", dom("span", { class: "sr" }, ": " + title)),
          dom("table", {}, dom("caption", { class: "sr" }, title + (unit ? ", in " + unit : "")),
            dom("thead", {}, dom("tr", {}, dom("th", { scope: "col", class: "text" }, "Time"), ...lines.map((line) => dom("th", { scope: "col" }, line.label)))),
            this.rows = dom("tbody", {}))));
      root.append(this.element);
      this.values = lines.map((line, i) => {
        const value = dom("b", {}, "–");
        const swatch = dom("span", { class: "key" + (line.fill ? "" : " line") });
        swatch.style.background = `var(--${line.color})`;
        this.legend.append(dom("li", {}, swatch, line.label, value));
        return value;
      });
      this.legend.append(this.at = dom("li", { class: "at" }));
      const axis = { stroke: () => themed.muted, font: FONT, grid: { stroke: () => themed.grid, width: 1 }, ticks: { show: false } };
      this.plot = new uPlot({
        width: 400, height: 172, padding: [8, 22, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: "console" }, drag: { x: false, y: false }, y: false, points: { show: false } },
        scales: { x: { time: true, range: () => this.range || [0, 1] }, y: log ? { distr: 3, log: 10, range: (u) => this.scaleY(u) } : { range: (u, min, max) => this.scaleY(u, min, max) } },
        axes: [
          { ...axis, size: 26, gap: 6, space: 86, values: (u, splits) => splits.map((t) => units.clock(t)) },
          { ...axis, size: 54, gap: 6, space: 30, values: (u, at) => at.map(format), ...(splits ? { splits, filter: (u, at) => at } : {}) },
        ],
        series: [{}, ...lines.map((line) => ({
          label: line.label, stroke: () => themed[line.color], width: line.fill ? 1.5 : 2, points: { show: false },
          ...(line.fill && !bands ? { fill: soft(line.color, line.fill) } : {}), ...(line.dash ? { dash: line.dash } : {}),
          ...(bands ? { fill: soft(line.color, line.fill) } : {}),
        }))],
        bands: bands || [],
        hooks: {
          ...(draw ? { drawAxes: [(u) => draw(u, this)] } : {}),
          setCursor: [(u) => { this.shown = u.cursor.idx === undefined ? null : u.cursor.idx; this.tell(); }],
        },
      }, [[], ...lines.map(() => [])], this.box);
      new ResizeObserver(() => this.fit()).observe(this.box);
      this.box.addEventListener("keydown", (event) => this.walk(event));
      this.box.addEventListener("blur", () => this.plot.setCursor({ left: -10, top: -10 }));
      this.details.addEventListener("toggle", () => this.table());
    }

    fit() {
      const { clientWidth: width, clientHeight: height } = this.box;
      if (width && height) this.plot.setSize({ width, height });
    }

    /* `shown` are the values as people read them, `drawn` as they lie on the plot. */
    set(points, from, to, drawn) {
      this.range = [from, to];
      this.points = points;
      this.data = [points.time, ...this.lines.map((line) => line.of(points))];
      this.plot.setData(drawn || this.data);
      this.tell();
    }

    /* Writes the values under the cursor, or the last ones, into the legend. */
    tell() {
      const times = this.data[0];
      const under = this.shown !== null && this.shown < times.length;
      const at = under ? this.shown : times.length - 1;
      put(this.at, under ? "at " + units.clock(times[at]) : "");
      this.lines.forEach((line, i) => {
        /* A resource without a bound has no share of it. */
        if (line.optional) this.values[i].parentElement.hidden = this.data[i + 1].every((value) => value === null);
        put(this.values[i], at < 0 ? "–" : line.format ? line.format(this.data[i + 1][at]) : this.format(this.data[i + 1][at]));
      });
    }

    /* Arrow keys move the cursor. */
    walk(event) {
      const end = this.data[0].length - 1;
      const at = this.shown === null ? end : this.shown;
      const to = { ArrowLeft: at - 1, ArrowRight: at + 1, PageUp: at - 10, PageDown: at + 10, Home: 0, End: end }[event.key];
      if (event.key === "Escape") this.plot.setCursor({ left: -10, top: -10 });
      if (to === undefined || end < 0) return;
      event.preventDefault();
      const idx = Math.max(0, Math.min(end, to));
      this.plot.setCursor({ left: this.plot.valToPos(this.data[0][idx], "x"), top: 10 });
    }

    /* The same for who does not see the plot. */
    describe(text) { if (this.box.getAttribute("aria-label") !== text) this.box.setAttribute("aria-label", text); }

    table() {
      if (!this.details.open) return;
      const times = this.data[0];
      const step = Math.max(1, Math.ceil(times.length / 12));
      const at = [];
      for (let i = times.length - 1; i >= 0; i -= step) at.push(i);
      this.rows.replaceChildren(...at.map((i) => dom("tr", {}, dom("th", { scope: "row" }, units.clock(times[i])),
        ...this.lines.map((line, n) => dom("td", {}, (line.format || this.format)(this.data[n + 1][i]))))));
    }
  }

  /* Columns of at least three pixels: how many requests fell into each bucket. */
  const heat = (history) => (u, plot) => {
    const { le } = history;
    if (!le.length || !plot.range) return;
    const [from, to] = plot.range;
    const step = Math.max(1, Math.ceil((to - from) * 3 * devicePixelRatio / u.bbox.width));
    const columns = new Map();
    let most = 0;
    for (const sample of history.recent(to - from)) {
      const column = Math.floor(sample.time / step);
      let counts = columns.get(column);
      if (!counts) columns.set(column, counts = new Float64Array(le.length + 1));
      for (let i = 0; i <= le.length; i++) most = Math.max(most, counts[i] += sample.sum[history_.BUCKETS + i]);
    }
    const { ctx } = u;
    const { min, max } = u.scales.y;
    const y = (value) => u.valToPos(Math.min(Math.max(value, min), max), "y", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    for (const [column, counts] of columns) {
      const x = u.valToPos(column * step, "x", true);
      const width = Math.max(1, u.valToPos((column + 1) * step, "x", true) - x - devicePixelRatio * 0.5);
      counts.forEach((n, i) => {
        if (!n) return;
        const low = y(i ? le[i - 1] : min), high = y(i < le.length ? le[i] : max);
        ctx.fillStyle = `rgba(${themed.heat},${(0.1 + 0.6 * Math.sqrt(n / most)).toFixed(3)})`;
        ctx.fillRect(x, high + 0.5, width, Math.max(1, low - high - 1));
      });
    }
    ctx.restore();
  };

  const create = (root, history) => {
    readTheme();
    root.append(dom("p", { id: "plot-help", hidden: "" }, "Left and right arrow keys read values along the plot. A table with the same values follows it."));
    const fromZero = (least) => (u, min, max) => [0, Math.max(least, (max || 0) * 1.15)];
    const rate = new Plot(root, {
      id: "rate", title: "Traffic", unit: "requests per second", format: (x) => units.rate(x),
      lines: [
        { label: "ok", color: "plot-ok", fill: "66", of: (p) => p.ok },
        { label: "client errors", color: "plot-client", fill: "99", of: (p) => p.client },
        { label: "server errors", color: "plot-error", fill: "cc", of: (p) => p.error },
      ],
      bands: [{ series: [1, 2] }, { series: [2, 3] }],
      range: fromZero(1),
    });
    const errors = new Plot(root, {
      id: "errors", title: "Errors", unit: "percent of requests", format: (x) => units.percent(x),
      lines: [{ label: "server errors", color: "plot-error", fill: "40", of: (p) => p.ratio }],
      range: (u, min, max) => [0, Math.min(1, Math.max(0.01, (max || 0) * 1.25))],
    });
    const latency = new Plot(root, {
      id: "latency", title: "Latency", unit: "seconds", format: (x) => units.seconds(x), log: true,
      lines: [
        { label: "p50", color: "plot-b", of: (p) => p.p50 },
        { label: "p95", color: "plot-c", of: (p) => p.p95 },
        { label: "p99", color: "plot-error", of: (p) => p.p99 },
      ],
      range: () => {
        const { le } = history;
        if (!le.length) return [0.001, 1];
        let top = Math.min(3, le.length - 1);
        for (const sample of history.recent(900)) {
          for (let i = le.length; i > top; i--) if (sample.sum[history_.BUCKETS + i]) { top = i; break; }
        }
        return [le[0] / 5, top + 1 < le.length ? le[top + 1] : le[le.length - 1] * 2];
      },
      splits: (u) => [0.0001, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10, 60, 600].filter((at) => at >= u.scales.y.min && at <= u.scales.y.max),
      draw: heat(history),
    });
    const full = new Plot(root, {
      id: "full", title: "Saturation", unit: "percent of what there is", format: (x) => units.percent(x),
      lines: [
        { label: "requests", optional: true, color: "plot-a", of: (p) => p.full.requests },
        { label: "workers", optional: true, color: "plot-b", of: (p) => p.full.workers },
        { label: "CPU", optional: true, color: "plot-c", of: (p) => p.full.cpu },
        { label: "memory", optional: true, color: "plot-d", of: (p) => p.full.memory },
      ],
      range: (u, min, max) => [0, Math.max(0.1, Math.min(1.05, (max || 0) * 1.25))],
    });
    return { rate, errors, latency, full, all: [rate, errors, latency, full] };
  };

  return { create, readTheme };
})();
