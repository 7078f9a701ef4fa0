/* Asks once a second and shows what it is told. */
(() => {
  const EVERY = 1000;
  const history = new history_.History();
  const charts = plots.create(byId("plots"), history);
  let span = 300, paused = false, docs = [], latest = null, failures = 0, failedAt = 0, drawn = 0;

  const choose = (key, name) => {
    history.choose(history.filter === key ? null : key);
    byId("filter").hidden = history.filter === null;
    put(byId("filter-name"), "only " + name);
    draw(true);
  };
  const show = {
    slos: panels.slos(byId("slos")), routes: panels.routes(byId("routes"), choose), meters: panels.meters(byId("meters")),
    checks: panels.list(byId("checks")), phases: panels.list(byId("phases")), steps: panels.steps(byId("steps")),
    facts: panels.facts(byId("facts")), pills: panels.pills(byId("pills")),
    traces: panels.traces(byId("traces").tBodies[0]),
  };

  /* The state of the process, from the gauge that is 1 for one of them. */
  const stateOf = (doc) => {
    const found = fullness.reader(doc)("lifecycle_state").find(([, value]) => value === 1);
    return found ? found[0].state : null;
  };

  const CHECK = { pass: ["passes", "ok"], warn: ["degraded", "warn"], fail: ["fails", "bad"], stale: ["stale", "bad"], pending: ["pending", "warn"] };

  const health = (doc) => {
    const view = doc.health;
    const beats = fullness.reader(doc)("health_heartbeat_age_seconds");
    byId("health-section").hidden = !view;
    if (!view) return;
    const items = view.checks.map((check) => {
      const [state, level] = CHECK[check.state];
      const parts = [check.gate === "report" ? "reported only" : "gates " + check.gate.replace("_and_", " and ")];
      if (check.age !== null) parts.push(units.age(check.age) + " old");
      if (check.took !== null) parts.push("took " + units.seconds(check.took));
      if (check.contrary) parts.push(`${check.contrary} in a row say otherwise`);
      const reported = check.gate === "report" && level === "bad" ? "warn" : level;
      return { key: check.name, name: check.name, state, level: reported, note: parts.join(", "), said: check.message };
    });
    for (const name of view.latches) items.push({ key: "latch/" + name, name: "latch " + name, state: "held", level: "warn", note: "startup waits for it" });
    for (const [labels, age] of beats) items.push({ key: "heartbeat/" + labels.heartbeat, name: "heartbeat " + labels.heartbeat, state: view.live ? "beats" : "late", level: view.live ? "ok" : "bad", note: "last beat " + units.age(age) + " ago" });
    if (!items.length) items.push({ key: "none", name: "No check is defined.", state: view.ready ? "ready" : "not ready", level: view.ready ? "ok" : "warn" });
    show.checks(items);
    const well = view.checks.filter((check) => CHECK[check.state][1] === "ok").length;
    put(byId("health-note"), view.checks.length ? `${well} of ${view.checks.length} pass` : "");
  };

  const lifecycle = (doc, state) => {
    const metric = fullness.reader(doc);
    byId("life-section").hidden = state === null;
    show.steps(state);
    const took = metric("lifecycle_phase_duration_seconds");
    const bounds = new Map(metric("lifecycle_phase_bound_seconds").map(([labels, value]) => [labels.phase, value]));
    byId("phases").hidden = !took.length;
    show.phases(took.map(([labels, value], i) => ({
      key: labels.phase, name: labels.phase, state: i === took.length - 1 ? "now" : "over", level: i === took.length - 1 ? "warn" : "ok",
      note: units.seconds(value) + (bounds.has(labels.phase) ? " of " + units.seconds(bounds.get(labels.phase)) : ""),
    })));
  };

  const counts = (doc) => {
    const metric = fullness.reader(doc);
    const ended = doc.traffic.outcomes.map((name, i) => [name.replaceAll("_", " "), [...doc.traffic.rows, ...(doc.traffic.others ? [doc.traffic.others] : [])].reduce((sum, row) => sum + row.ended[i], 0)]);
    const items = ended.filter(([name, n]) => n || name === "ok").map(([name, n]) => ["Requests ended: " + name, units.count(n)]);
    items.push(["Requests in flight", units.count(doc.traffic.in_flight)]);
    const optional = [
      ["Connection errors", "sre_kit_http_server_connection_errors_total"], ["Requests refused", "sre_kit_http_server_shed_total"],
      ["Cut off by the shutdown", "lifecycle_cut_off_total"], ["Observations past a family's limit", "sre_kit_metrics_overflow_total"],
      ["Database logins", "sre_kit_db_logins_total"], ["Database waits that took too long", "db_client_connection_timeouts_total"], ["Token answers", "sre_kit_db_auth_refreshes_total"],
    ];
    for (const [name, family] of optional) { const n = fullness.some(metric(family)); if (n) items.push([name, units.count(n)]); }
    const telemetry = metric("sre_kit_telemetry_items_total");
    for (const result of [...new Set(telemetry.map(([labels]) => labels.result))]) items.push(["Telemetry " + result, units.count(fullness.sum(telemetry, (labels) => labels.result === result))]);
    byId("more-section").hidden = !items.length;
    show.facts(items);
  };

  /* One sentence about everything. It is read out, so it changes only with its meaning. */
  const verdict = (doc, state) => {
    const bad = [], warn = [];
    const slos = doc.slo ? doc.slo.slos : [];
    const names = (list) => list.join(list.length > 2 ? ", " : " and ");
    const firing = (severity) => slos.filter((slo) => slo.firing === severity).map((slo) => slo.name);
    const pages = firing("page"), tickets = firing("ticket");
    if (pages.length) bad.push(`${names(pages)} ${pages.length > 1 ? "burn their budgets" : "burns its budget"} fast enough to page.`);
    if (tickets.length) (pages.length ? bad : warn).push(`${names(tickets)} ${tickets.length > 1 ? "burn their budgets" : "burns its budget"}: a ticket.`);
    const failing = doc.health ? doc.health.checks.filter((check) => check.state === "fail" || check.state === "stale") : [];
    const gating = failing.filter((check) => check.gate !== "report").map((check) => check.name);
    const reported = failing.filter((check) => check.gate === "report").map((check) => check.name);
    if (gating.length) bad.push(`${names(gating)} ${gating.length > 1 ? "fail" : "fails"}.`);
    if (reported.length) warn.push(`${names(reported)} ${reported.length > 1 ? "fail and hold" : "fails and holds"} nothing back.`);
    if (doc.health && !doc.health.live) bad.push("A heartbeat is late: liveness fails.");
    if (state === "draining" || state === "stopping") warn.push("The process is " + (state === "draining" ? "draining: requests are finished, new ones should go elsewhere." : "stopping."));
    else if (doc.health && !doc.health.started) warn.push("The service is still starting.");
    else if (doc.health && !doc.health.ready && !gating.length) warn.push("The service is not ready.");
    if (bad.length) return ["bad", [...bad, ...warn].join(" ")];
    if (warn.length) return ["warn", warn.join(" ")];
    const rising = slos.filter((slo) => slo.tiers.some((tier) => tier.state === "rising")).map((slo) => slo.name);
    if (rising.length) return ["warn", `${names(rising)}: the short window burns, the long one not yet.`];
    return ["ok", slos.length ? (slos.length > 1 ? (slos.length === 2 ? "Both" : `All ${slos.length}`) + " objectives are within their budgets." : "The objective is within its budget.") : "The service answers."];
  };
  const say = ([level, text]) => { const line = byId("verdict"); classes(line, "verdict " + level); put(line, text); };

  const draw = (now) => {
    if (!latest || document.hidden || (paused && !now)) return;
    drawn++;
    const doc = latest;
    const points = history.points(span);
    const end = points.time.length ? points.time[points.time.length - 1] : doc.now;
    const recent = history.recent(span);
    const line = (name) => recent.map((sample) => (sample.full ? sample.full[name] : null));
    points.full = { requests: line("requests"), workers: line("workers"), cpu: line("cpu"), memory: line("memory") };
    const errorsDrawn = points.error;
    const both = points.error.map((n, i) => (n === null ? null : n + points.client[i]));
    const all = both.map((n, i) => (n === null ? null : n + points.ok[i]));
    /* A page that was just opened has no five minutes to show. */
    const from = end - Math.min(span, Math.max(60, end - history.samples[0].time));
    charts.rate.set(points, from, end, [points.time, all, both, errorsDrawn]);
    for (const chart of [charts.errors, charts.latency, charts.full]) chart.set(points, from, end);
    const last = (list) => (list.length ? list[list.length - 1] : null);
    const unit = (chart, text, small, level) => {
      const [number, ...rest] = text.split(/(?=\/s$)| /);
      chart.big.replaceChildren(number, dom("small", {}, rest.join(" ") + " " + small));
      classes(chart.big, "big " + (level || ""));
    };
    const ratio = last(points.ratio), rate = last(points.started), p99 = last(points.p99), p50 = last(points.p50);
    unit(charts.rate, units.rate(rate), `and ${units.count(doc.traffic.in_flight)} in flight`);
    unit(charts.errors, units.percent(ratio), "of requests", ratio > 0 ? "bad" : "");
    unit(charts.latency, units.seconds(p99), "at p99");
    /* Time that was lost is no room that is full, and who looks on is no load. */
    const meters = docs.full.meters.filter((item) => item.ratio !== null && !item.aside).sort((a, b) => b.ratio - a.ratio);
    unit(charts.full, meters.length ? units.percent(meters[0].ratio) : "–", meters.length ? "of " + meters[0].name.replace(/^[A-Z](?=[a-z])/, (c) => c.toLowerCase()) : "");
    const words = { 60: "minute", 300: "five minutes", 900: "quarter of an hour" }[span];
    if (drawn % 5 === 1 || now) {
      charts.rate.describe(`Traffic of the last ${words}: now ${units.rate(rate)}.`);
      charts.errors.describe(`Share of server errors in the last ${words}: now ${units.percent(ratio)}.`);
      charts.latency.describe(`Latency in the last ${words}: now p50 ${units.seconds(p50)}, p99 ${units.seconds(p99)}.`);
      charts.full.describe(`Saturation in the last ${words}` + (meters.length ? `: fullest is ${meters[0].name}, ${units.percent(meters[0].ratio)}.` : "."));
      for (const chart of charts.all) chart.table();
    }

    const state = stateOf(doc);
    byId("slo-section").hidden = !(doc.slo && doc.slo.slos.length);
    if (doc.slo) show.slos(doc.slo);
    const rows = history.routes(span);
    show.routes(rows, history.filter);
    byId("routes-empty").hidden = rows.length > 0;
    byId("routes").hidden = !rows.length;
    put(byId("routes-note"), rows.length ? `rate, errors and percentiles of the last ${words}; counts since start` : "");
    byId("traces-section").hidden = !doc.traces.length;
    show.traces(doc.traces, doc.now);
    show.meters(docs.full.meters);
    health(doc);
    lifecycle(doc, state);
    counts(doc);
    if (!failures) say(verdict(doc, state));
    const pills = [];
    if (state) pills.push({ key: "state", text: state, level: state === "running" ? "ok" : "warn" });
    if (doc.health) pills.push({ key: "ready", text: doc.health.ready ? "ready" : "not ready", level: doc.health.ready ? "ok" : "warn" });
    if (doc.health && !doc.health.live) pills.push({ key: "live", text: "not live", level: "bad" });
    show.pills(pills);
    put(byId("service"), doc.service || "Console");
    document.title = (failures ? "⚠ " : "") + (doc.service || "Console");
    put(byId("build"), [doc.version, doc.revision && doc.revision.slice(0, 12), "up " + units.age(doc.uptime)].filter(Boolean).join(" · "));
    put(byId("cost"), `asks once a second; the last answer took ${units.seconds(doc.took)} to gather and is ${units.bytes(docs.bytes)}`);
  };

  const took = (doc, bytes) => {
    if (latest && latest.instance !== doc.instance) docs = [];
    /* Rates of meters are of some five seconds, as the plots' are. */
    while (docs.length > 1 && doc.uptime - docs[1].uptime >= history_.SMOOTH) docs.shift();
    const full = fullness.read(doc, docs[0]);
    if (!history.push(doc, full.lines)) return;
    docs.push(doc);
    docs.full = full;
    docs.bytes = bytes;
    latest = doc;
  };

  const tick = async () => {
    const began = performance.now();
    try {
      const response = await fetch("console/data", { signal: AbortSignal.timeout(5000), cache: "no-store" });
      if (!response.ok) throw new Error("status " + response.status);
      const text = await response.text();
      took(JSON.parse(text), text.length);
      failures = 0;
      document.body.classList.remove("stale");
    } catch (error) {
      failedAt = failures++ ? failedAt : Date.now() / 1e3;
      document.body.classList.add("stale");
      say(["bad", `The process has not answered since ${units.clock(failedAt)}. Still asking.`]);
    }
    draw(false);
    /* A process that is gone is not asked every second for ever. */
    const pause = EVERY * Math.min(5, Math.max(1, failures));
    setTimeout(tick, Math.max(50, pause - (performance.now() - began)));
  };

  for (const input of document.querySelectorAll("[name=span]")) input.addEventListener("change", () => { span = Number(input.value); draw(true); });
  byId("filter-clear").addEventListener("click", () => { choose(history.filter, ""); byId("main").focus(); });
  byId("pause").addEventListener("click", (event) => {
    paused = !paused;
    byId("pause").setAttribute("aria-pressed", String(paused));
    put(byId("pause").querySelector("span"), paused ? "Go on" : "Pause");
    draw(true);
  });
  document.addEventListener("visibilitychange", () => draw(false));

  /* Light, dark, or as the system has it. Kept where the browser lets a page keep something. */
  const THEMES = ["system", "light", "dark"];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let theme = "system";
  try { theme = localStorage.getItem("sre-kit-theme") || theme; } catch { /* it is as the system has it */ }
  const dress = () => {
    document.documentElement.dataset.theme = theme === "system" ? (dark.matches ? "dark" : "light") : theme;
    put(byId("theme-name"), theme[0].toUpperCase() + theme.slice(1));
    plots.readTheme();
    for (const chart of charts.all) chart.plot.redraw(false, true);
  };
  byId("theme").addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    try { localStorage.setItem("sre-kit-theme", theme); } catch { /* until the page is closed */ }
    dress();
  });
  dark.addEventListener("change", dress);
  dress();
  tick();
})();
