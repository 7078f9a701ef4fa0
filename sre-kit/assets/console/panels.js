/* The parts that are lists and tables. Elements stay where they are and only change
   their text: whoever has the focus, or reads, keeps their place. */
const panels = (() => {
  /* Keeps one element per key under `root`, in the order of `items`. */
  const keyed = (root, make) => {
    const known = new Map();
    return (items, update) => {
      const keys = new Set(items.map((item) => item.key));
      for (const [key, entry] of known) if (!keys.has(key)) { entry.root.remove(); known.delete(key); }
      items.forEach((item, i) => {
        let entry = known.get(item.key);
        if (!entry) known.set(item.key, entry = make(item));
        if (root.children[i] !== entry.root) {
          /* An element that is moved loses the focus: what is before it goes behind it. */
          if (entry.root.contains(document.activeElement)) while (root.children[i] !== entry.root) root.append(root.children[i]);
          else root.insertBefore(entry.root, root.children[i] || null);
        }
        update(entry, item);
      });
    };
  };
  const bar = (kind) => { const fill = dom("i", {}); return { root: dom("span", { class: "bar " + (kind || ""), "aria-hidden": "true" }, fill), fill }; };
  const fill = (it, ratio, kind) => {
    const scale = "scaleX(" + Math.max(0, Math.min(1, ratio || 0)).toFixed(4) + ")";
    if (it.fill.style.transform !== scale) it.fill.style.transform = scale;
    classes(it.root, "bar " + (kind || "ok"));
  };
  const LEVEL = { quiet: "ok", cooling: "warn", rising: "warn", firing: "bad" };

  /* Budgets. */
  const slos = (root) => {
    const show = keyed(root, () => {
      const e = { bar: bar() };
      e.root = dom("article", { class: "card" },
        dom("header", {}, dom("div", {}, e.name = dom("h3", {}), e.promise = dom("p", {})), e.chip = dom("span", { class: "pill ok" })),
        dom("div", { class: "budget" }, e.left = dom("b", {}), e.note = dom("span", {})), e.bar.root, e.counts = dom("p", { class: "counts" }),
        dom("div", { class: "scroll", role: "region", tabindex: "0" },
          dom("table", { class: "tiers" }, e.caption = dom("caption", { class: "sr" }),
            dom("thead", {}, dom("tr", {}, ...["Tier", "State", "Long window", "Short window", "Above"].map((t, i) => dom("th", { scope: "col", class: i > 1 ? "" : "text" }, t)))),
            e.tiers = dom("tbody", {}))));
      e.showTiers = keyed(e.tiers, () => {
        const t = { long: { bar: bar() }, short: { bar: bar() } };
        for (const side of [t.long, t.short]) side.root = dom("span", { class: "burn" }, side.window = dom("small", {}), side.bar.root, side.value = dom("span", {}));
        t.root = dom("tr", {}, t.name = dom("th", { scope: "row" }), dom("td", { class: "text" }, t.state = dom("span", { class: "state ok" })), dom("td", {}, t.long.root), dom("td", {}, t.short.root), t.factor = dom("td", {}));
        return t;
      });
      return e;
    });
    return (report) => show(report.slos.map((slo) => ({ key: slo.name, slo })), (e, { slo }) => {
      const worst = slo.firing ? "bad" : slo.tiers.some((tier) => tier.state === "rising" || tier.state === "cooling") ? "warn" : "ok";
      const windows = new Map(slo.windows.map((w) => [w.window, w]));
      const period = windows.get(slo.period);
      const level = slo.firing || slo.budget_remaining <= 0 ? "bad" : slo.budget_remaining < 0.25 || worst === "warn" ? "warn" : "ok";
      classes(e.root, "card " + level);
      e.root.dataset.slo = slo.name;
      put(e.name, slo.name);
      put(e.promise, `${slo.objective_percent} % over ${slo.period}, ${slo.kind}${slo.owner ? ", " + slo.owner : ""}`);
      put(e.chip, slo.firing ? slo.firing + " fires" : worst === "warn" ? "burning" : "quiet");
      classes(e.chip, "pill " + (worst === "warn" ? "warn" : worst));
      put(e.left, units.percent(slo.budget_remaining));
      put(e.note, slo.budget_remaining < 0 ? "of the budget: overspent" : "of the budget left");
      fill(e.bar, slo.budget_remaining < 0 ? 1 : slo.budget_remaining, level);
      put(e.counts, `${units.count(slo.good)} good, ${units.count(slo.bad)} bad since start` + (period ? `; ${units.percent(period.coverage)} of ${slo.period} observed` : ""));
      put(e.caption, "Burn rates of " + slo.name);
      e.root.querySelector(".scroll").setAttribute("aria-label", "Burn rates of " + slo.name);
      e.showTiers(slo.tiers.map((tier) => ({ key: tier.name, tier })), (t, { tier }) => {
        put(t.name, tier.name);
        for (const [side, window] of [[t.long, tier.long], [t.short, tier.short]]) {
          const burn = (windows.get(window) || {}).burn_rate || 0;
          put(side.window, window);
          put(side.value, units.factor(burn));
          fill(side.bar, burn / Number(tier.factor), burn > Number(tier.factor) ? "bad" : burn > 1 ? "warn" : "ok");
        }
        put(t.factor, tier.factor + "×");
        put(t.state, tier.state === "firing" ? tier.severity + " fires" : tier.state);
        classes(t.state, "state " + LEVEL[tier.state]);
      });
    });
  };

  /* Routes. A click on one shows it alone; a click on a heading sorts. */
  const routes = (table, choose) => {
    let sort = "rate", down = true;
    const body = table.tBodies[0];
    const show = keyed(body, (item) => {
      const e = { cells: {} };
      e.button = dom("button", { type: "button", "aria-pressed": "false" }, e.method = dom("span", { class: "method" }), e.path = dom("span", { class: "path" }));
      e.button.addEventListener("click", () => choose(item.key, `${item.method} ${item.route || "without a route"}`.trim()));
      e.root = dom("tr", {}, dom("th", { scope: "row" }, e.button), ...["rate", "errors", "p50", "p95", "p99", "active", "started", "failed"].map((name) => (e.cells[name] = dom("td", { "data-cell": name }))));
      return e;
    });
    let latest = null;
    const draw = () => {
      if (!latest) return;
      const { rows, picked } = latest;
      const value = (row) => (sort === "route" ? row.route + row.method : row[sort] === null ? -1 : row[sort]);
      const ordered = [...rows].sort((a, b) => {
        const [x, y] = [value(a), value(b)];
        if (x !== y) return (x < y ? -1 : 1) * (down ? -1 : 1);
        return b.started - a.started || (a.key < b.key ? -1 : 1);
      });
      show(ordered, (e, row) => {
        e.root.dataset.route = row.route;
        put(e.method, row.method);
        put(e.path, row.route || "(no route)");
        const is = picked === row.key;
        classes(e.root, is ? "picked" : "");
        e.button.setAttribute("aria-pressed", String(is));
        const cells = { rate: units.rate(row.rate), errors: units.percent(row.errors), p50: units.seconds(row.p50), p95: units.seconds(row.p95), p99: units.seconds(row.p99), active: units.count(row.active), started: units.count(row.started), failed: units.count(row.failed) };
        for (const [name, text] of Object.entries(cells)) put(e.cells[name], text);
        classes(e.cells.errors, row.errors > 0 ? "bad" : "");
        classes(e.cells.failed, row.failed > 0 ? "" : "zero");
      });
      for (const button of table.querySelectorAll("thead button")) {
        const head = button.parentElement;
        if (button.dataset.sort === sort) head.setAttribute("aria-sort", down ? "descending" : "ascending"); else head.removeAttribute("aria-sort");
      }
    };
    table.tHead.addEventListener("click", (event) => {
      const name = event.target.dataset && event.target.dataset.sort;
      if (!name) return;
      down = name === sort ? !down : name !== "route";
      sort = name;
      draw();
    });
    return (rows, picked) => { latest = { rows, picked }; draw(); };
  };

  /* Rows of a name, a bar and a value. */
  const meters = (root) => {
    const show = keyed(root, () => {
      const e = { bar: bar("plain") };
      e.root = dom("li", {}, e.name = dom("span", {}), e.bar.root, e.value = dom("span", { class: "value" }));
      return e;
    });
    return (items) => show(items, (e, item) => {
      e.root.dataset.meter = item.key;
      put(e.name, item.name);
      put(e.value, item.value);
      e.bar.root.style.visibility = item.ratio === null ? "hidden" : "";
      fill(e.bar, item.ratio, item.ratio >= 0.9 ? "bad" : item.ratio >= 0.75 ? "warn" : "plain");
    });
  };

  /* Lines of a state, a name and words. */
  const list = (root) => {
    const show = keyed(root, () => {
      const e = {};
      e.root = dom("li", {}, e.pill = dom("span", { class: "pill" }), e.name = dom("span", { class: "grow" }), e.note = dom("small", {}), e.said = dom("p", { class: "said" }));
      return e;
    });
    return (items) => show(items, (e, item) => {
      put(e.pill, item.state);
      classes(e.pill, "pill " + item.level);
      put(e.name, item.name);
      put(e.note, item.note || "");
      put(e.said, item.said || "");
      e.said.hidden = !item.said;
      e.root.dataset.item = item.key;
    });
  };

  const STEPS = ["starting", "running", "draining", "stopping", "stopped"];
  const steps = (root) => {
    const items = STEPS.map((name) => dom("li", {}, name));
    root.append(...items);
    return (state) => items.forEach((item, i) => {
      const is = STEPS[i] === state;
      if (is) item.setAttribute("aria-current", "step"); else item.removeAttribute("aria-current");
      classes(item, is && state !== "running" ? "warn" : "");
    });
  };

  const facts = (root) => {
    const show = keyed(root, (item) => {
      const value = dom("dd", {});
      return { value, root: dom("div", {}, dom("dt", {}, item.key), value) };
    });
    return (items) => show(items.map(([key, value]) => ({ key, value })), (e, item) => put(e.value, item.value));
  };

  /* Exemplars of the latencies: where a number can be looked at as a trace. */
  const traces = (body) => {
    const show = keyed(body, () => {
      const e = {};
      e.root = dom("tr", {}, dom("th", { scope: "row" }, e.id = dom("code", {})), dom("td", { class: "text" }, e.method = dom("span", { class: "method" }), " ", e.path = dom("span", { class: "path" })), e.status = dom("td", {}), e.took = dom("td", {}), e.age = dom("td", {}));
      return e;
    });
    return (items, now) => show(items.map((trace) => ({ key: trace.id + trace.at, trace })), (e, { trace }) => {
      put(e.id, trace.id);
      put(e.method, trace.method);
      put(e.path, trace.route || "(no route)");
      put(e.status, trace.status || "–");
      classes(e.status, Number(trace.status) >= 500 ? "bad" : "");
      put(e.took, units.seconds(trace.seconds));
      put(e.age, units.age(Math.max(0, now - trace.at)) + " ago");
    });
  };

  const pills = (root) => {
    const show = keyed(root, () => ({ root: dom("li", { class: "pill" }) }));
    return (items) => show(items, (e, item) => { put(e.root, item.text); classes(e.root, "pill " + item.level); });
  };

  return { slos, routes, meters, list, steps, facts, traces, pills };
})();
