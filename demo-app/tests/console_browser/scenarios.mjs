// The scenarios of the console tests. They wait until elements appear, with generous time limits,
// and measure no time.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";

const { APP, ADMIN, PACKAGES, SCREENSHOTS, DEMO_PID } = process.env;
const CHROMIUM = process.env.PATH.split(path.delimiter).map((folder) => path.join(folder, "chromium")).find(existsSync);
const packages = createRequire(path.join(PACKAGES, "package.json"));
const { chromium } = packages("playwright-core");

const BOUND = 30_000;
const send = async (target, times = 1) => {
  for (let i = 0; i < times; i++) await (await fetch(APP + target)).text();
};

/** Returns the samples of /metrics: name, labels, value. */
const scrape = async () => {
  const text = await (await fetch(ADMIN + "/metrics", { headers: { accept: "text/plain" } })).text();
  return text.split("\n").filter((line) => line && !line.startsWith("#")).map((line) => {
    const [, name, labels, value] = /^([^ {]+)(?:\{(.*)\})? (\S+)$/.exec(line);
    const pairs = [...(labels || "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, text]) => [key, text]);
    return { name, labels: Object.fromEntries(pairs), value: Number(value) };
  });
};
const sum = (samples, name, labels = {}) =>
  samples.filter((s) => s.name === name && Object.entries(labels).every(([key, value]) => s.labels[key] === value)).reduce((all, s) => all + s.value, 0);

const number = (text) => Number(text.replaceAll(",", ""));
const textOf = (page, selector) => page.locator(selector).innerText();
/** Waits until an element has the expected text. */
const shows = (page, selector, wanted) =>
  page.waitForFunction(([selector, wanted]) => document.querySelector(selector)?.textContent.includes(wanted), [selector, wanted], { timeout: BOUND });
const cell = (route, name) => `#routes tr[data-route="${route}"] [data-cell="${name}"]`;
const card = (name) => `#slos [data-slo="${name}"]`;
const count = (page, name) => page.evaluate((name) => {
  const term = [...document.querySelectorAll("#facts dt")].find((dt) => dt.textContent === name);
  return term ? term.nextElementSibling.textContent : null;
}, name);
/** Waits until the page has received some more responses. */
const answers = async (page, n) => { for (let i = 0; i < n; i++) await page.waitForResponse((r) => r.url().endsWith("/console/data"), { timeout: BOUND }); };
const shot = (page, name) => page.screenshot({ path: path.join(SCREENSHOTS, name + ".png"), fullPage: true });

const open = async (browser, options = {}) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(BOUND);
  page.problems = [];
  page.on("pageerror", (error) => page.problems.push(String(error.stack)));
  page.on("console", (message) => { if (message.type() === "error") page.problems.push(message.text()); });
  await page.goto(ADMIN + "/");
  await shows(page, "#service", "demo-app");
  return page;
};

const scenarios = {
  async numbers(browser) {
    await send("/", 30);
    await send("/error?status=503", 7);
    await send("/nowhere", 3);
    await send("/slow?ms=1", 5);
    await send("/stream?chunks=2&ms=0", 4);
    const page = await open(browser);
    await shows(page, cell("/", "started"), "30");
    // No more requests arrive, so both sides show the same ones.
    const samples = await scrape();
    const routes = [["/", "/"], ["/error", "/error"], ["", undefined], ["/slow", "/slow"], ["/stream", "/stream"]];
    for (const [shown, label] of routes) {
      const of = (name, labels = {}) => samples.filter((s) => s.name === name && s.labels.http_route === label && Object.entries(labels).every(([k, v]) => s.labels[k] === v)).reduce((all, s) => all + s.value, 0);
      const started = of("sre_kit_http_server_requests_started_total");
      assert.ok(started > 0, `${label} was asked for`);
      assert.equal(number(await textOf(page, cell(shown, "started"))), started, `started, ${label}`);
      assert.equal(number(await textOf(page, cell(shown, "failed"))), of("sre_kit_http_server_requests_total", { outcome: "error" }), `failed, ${label}`);
    }
    for (const [name, outcome] of [["ok", "ok"], ["client error", "client_error"], ["error", "error"]]) {
      assert.equal(number(await count(page, "Requests ended: " + name)), sum(samples, "sre_kit_http_server_requests_total", { outcome }), outcome);
    }
    assert.equal(number(await count(page, "Requests in flight")), sum(samples, "http_server_active_requests"));
    for (const slo of ["availability", "visits-latency"]) {
      const events = (outcome) => sum(samples, "slo_events_total", { slo, outcome });
      const counts = await textOf(page, card(slo) + " .counts");
      const [good, bad] = /^([\d,]+) good, ([\d,]+) bad/.exec(counts).slice(1).map(number);
      assert.deepEqual([good, bad], [events("good"), events("bad")], slo);
      // Both sides show the last tick, and no event was counted since.
      const long = card(slo) + " .tiers tbody tr:first-child td:nth-child(3) .burn > span:last-child";
      if (events("bad")) await page.waitForFunction((long) => document.querySelector(long).textContent !== "0×", long, { timeout: BOUND });
      const burn = sum(await scrape(), "slo_instance_burn_rate", { slo, window: "1h" });
      const shown = Number((await textOf(page, long)).replace("×", ""));
      assert.ok(Math.abs(shown - burn) <= 0.5 * 10 ** -(burn >= 100 ? 0 : burn >= 10 ? 1 : 2), `burn rate of ${slo}: ${shown} and ${burn}`);
    }
    // Computes percentiles from the scraped histogram; all requests are within the shown time.
    await send("/slow?ms=60", 10);
    await shows(page, cell("/slow", "started"), "15");
    await answers(page, 2);
    const p99 = await textOf(page, cell("/slow", "p99"));
    const after = await scrape();
    const slow = after.filter((s) => s.name === "http_server_request_duration_seconds_bucket" && s.labels.http_route === "/slow");
    const gained = slow.map((s) => [Number(s.labels.le.replace("+Inf", "Infinity")), s.value - samples.filter((o) => o.name === s.name && JSON.stringify(o.labels) === JSON.stringify(s.labels)).reduce((all, o) => all + o.value, 0)]);
    const total = gained[gained.length - 1][1];
    const at = gained.findIndex(([, n]) => n >= 0.99 * total);
    const [low, before] = at ? gained[at - 1] : [0, 0];
    const wanted = low + (gained[at][0] - low) * (0.99 * total - before) / (gained[at][1] - before);
    assert.equal(p99, `${new Intl.NumberFormat("en", { maximumFractionDigits: wanted >= 0.1 ? 0 : 1 }).format(wanted * 1e3)} ms`);
    return page;
  },

  async fault(browser) {
    // Sends no visits: on a busy machine they are slow and would burn the latency budget too.
    await send("/slow?ms=1", 20);
    const page = await open(browser);
    await shows(page, card("availability") + " .pill", "quiet");
    await shows(page, "#verdict", "within their budgets");
    const color = (selector) => page.locator(selector).evaluate((element) => getComputedStyle(element).borderLeftColor);
    const [good, was] = [await color(card("visits-latency")), await color(card("availability"))];
    assert.equal(was, good, "both are as they should be");
    await shot(page, "well-light");
    await send("/error?status=500", 40);
    await shows(page, card("availability") + " .pill", "page fires");
    await shows(page, "#verdict", "availability burns its budget fast enough to page.");
    const red = await page.evaluate(() => { const probe = document.createElement("i"); probe.style.color = "var(--bad)"; document.body.append(probe); return getComputedStyle(probe).color; });
    assert.equal(await color(card("availability")), red, "the budget is red");
    assert.equal(await color(card("visits-latency")), good, "the other is not");
    assert.match(await textOf(page, card("availability") + " .tiers"), /fast[\s\S]*page fires/);
    assert.equal(await page.locator("#verdict").getAttribute("aria-live"), "polite", "it is read out");
    // Numbers that change every second must not be live regions: screen readers would never stop.
    assert.equal(await page.locator("[aria-live], [role=status], [role=alert]").count(), 1);
    await shot(page, "burning-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await answers(page, 2);
    await shot(page, "burning-dark");
    return page;
  },

  async alone(browser) {
    const page = await browser.newPage();
    page.problems = [];
    const asked = [];
    page.on("request", (request) => asked.push(request.url()));
    const response = await page.goto(ADMIN + "/");
    await shows(page, "#service", "demo-app");
    await page.locator("#theme").click();
    await page.locator("[name=span][value='900']").check();
    await answers(page, 3);
    const allowed = [ADMIN + "/", ADMIN + "/console/data"];
    for (const url of asked) assert.ok(allowed.includes(url) || url.startsWith("data:"), `asked ${url}`);
    const policy = response.headers()["content-security-policy"];
    for (const rule of ["default-src 'none'", "connect-src 'self'", "frame-ancestors 'none'", "form-action 'none'"]) assert.ok(policy.includes(rule), rule);
    assert.ok(!policy.includes("unsafe"), policy);
    // The content security policy holds: no requests to other origins, no injected scripts.
    const tried = await page.evaluate(async (elsewhere) => {
      const violations = [];
      document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
      const fetched = await fetch(elsewhere).then(() => true, () => false);
      const script = document.createElement("script");
      script.append("window.ran = true");
      let refused = false;
      try { document.body.append(script); } catch { refused = true; }
      const image = new Image();
      image.src = elsewhere;
      await new Promise((done) => { image.onerror = image.onload = done; });
      await new Promise((done) => setTimeout(done, 0));
      return { fetched, ran: Boolean(window.ran), violations };
    }, APP + "/");
    assert.equal(tried.fetched, false, "it asked another place");
    assert.equal(tried.ran, false, "a foreign script ran");
    for (const directive of ["connect-src", "img-src"]) assert.ok(tried.violations.includes(directive), `${directive} in ${tried.violations}`);
    const before = await scrape();
    assert.equal(sum(before, "sre_kit_http_server_requests_started_total"), 0, "nothing reached the service");
    for (const method of ["POST", "PUT", "DELETE", "PATCH"]) {
      for (const target of ["/", "/console", "/console/data"]) assert.equal((await fetch(ADMIN + target, { method })).status, 405, `${method} ${target}`);
    }
    return page;
  },

  async keyboard(browser) {
    await send("/", 12);
    await send("/slow?ms=1", 3);
    const page = await open(browser);
    await shows(page, cell("/", "started"), "12");
    const active = () => page.evaluate(() => { const e = document.activeElement; return { id: e.id, text: e.textContent.trim(), name: e.name, value: e.value }; });
    await page.keyboard.press("Tab");
    assert.equal((await active()).text, "Skip to the numbers");
    await page.keyboard.press("Enter");
    assert.equal((await active()).id, "main");
    // Tab reaches every control and plot in the order of the page, with a visible focus.
    await page.reload();
    await shows(page, cell("/", "started"), "12");
    const seen = [];
    for (let i = 0; i < 60; i++) {
      await page.keyboard.press("Tab");
      const at = await page.evaluate(() => {
        const e = document.activeElement;
        const box = e.matches("[name=span]") ? e.nextElementSibling : e;
        const style = getComputedStyle(box);
        return e === document.body ? null : { id: e.id || e.dataset.sort || e.name || e.getAttribute("aria-label") || e.textContent.trim().slice(0, 30), outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 };
      });
      if (!at) break;
      seen.push(at.id);
      assert.ok(at.outlined, `${at.id} shows that it has the focus`);
    }
    for (const control of ["span", "pause", "theme", "route", "p99"]) assert.ok(seen.includes(control), `${control} in ${seen}`);
    assert.equal(seen.filter((id) => /^(Traffic|Share|Latency|Saturation) /.test(id)).length, 4, `four plots in ${seen}`);
    // Arrow keys change the time range.
    await page.locator("[name=span]:checked").focus();
    await page.keyboard.press("ArrowLeft");
    assert.deepEqual([(await active()).name, (await active()).value], ["span", "60"]);
    // Arrow keys show values along a plot, and Escape returns to the latest ones.
    await answers(page, 4);
    const plot = page.locator(".plot").first();
    await plot.focus();
    await page.keyboard.press("ArrowLeft");
    await page.waitForFunction(() => document.querySelector(".legend .at").textContent.startsWith("at "), null, { timeout: BOUND });
    const first = await page.locator(".legend .at").first().innerText();
    await page.keyboard.press("Home");
    await page.waitForFunction((first) => document.querySelector(".legend .at").textContent !== first, first, { timeout: BOUND });
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => document.querySelector(".legend .at").textContent === "", null, { timeout: BOUND });
    // Each plot has a table with the same values.
    const details = page.locator(".panel details").first();
    await details.locator("summary").focus();
    await page.keyboard.press("Enter");
    await details.locator("tbody tr").first().waitFor();
    // The focus survives an update that sorts the table again.
    const route = page.locator(`#routes tr[data-route="/slow"] button`);
    await route.focus();
    await send("/slow?ms=1", 40);
    await shows(page, cell("/slow", "started"), "43");
    await answers(page, 2);
    assert.equal(await route.evaluate((button) => button === document.activeElement), true, "the focus has moved");
    await page.keyboard.press("Enter");
    await shows(page, "#filter", "only GET /slow");
    // A click on a heading sorts the table.
    await page.locator("[data-sort=started]").focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("th[aria-sort]").getAttribute("aria-sort"), "descending");
    assert.match(await textOf(page, "#routes tbody tr:first-child"), /\/slow/);
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("th[aria-sort]").getAttribute("aria-sort"), "ascending");
    assert.match(await textOf(page, "#routes tbody tr:first-child"), /GET\s*\/\s/);
    // Pause freezes the numbers and shows it; the page remembers the chosen theme.
    await page.locator("#pause").focus();
    await page.keyboard.press("Space");
    assert.equal(await page.locator("#pause").getAttribute("aria-pressed"), "true");
    const held = await textOf(page, cell("/", "started"));
    await send("/", 5);
    await answers(page, 3);
    assert.equal(await textOf(page, cell("/", "started")), held, "paused");
    await page.keyboard.press("Space");
    await shows(page, cell("/", "started"), "17");
    await page.locator("#theme").focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    await page.reload();
    await shows(page, "#theme-name", "Dark");
    return page;
  },

  async accessible(browser) {
    await send("/", 20);
    await send("/error?status=500", 30);
    const axe = readFileSync(packages.resolve("axe-core/axe.min.js"), "utf8");
    for (const [name, options] of [
      ["light", {}],
      ["dark", { colorScheme: "dark" }],
      ["phone", { viewport: { width: 390, height: 844 } }],
      ["forced-colors", { forcedColors: "active" }],
    ]) {
      const page = await open(browser, options);
      await shows(page, "#verdict", "burns its budget");
      await answers(page, 2);
      await page.locator(".panel summary").first().click();
      await page.evaluate(axe);
      const { violations, passes } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
      assert.ok(passes.length > 20, "axe has looked");
      const told = violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((node) => node.target + " " + node.failureSummary).join(" | ")}`);
      assert.deepEqual(told, [], name);
      assert.deepEqual(page.problems, [], name);
    }
    return null;
  },

  async phone(browser) {
    await send("/", 20);
    await send("/error?status=500", 2);
    const page = await open(browser, { viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true });
    await shows(page, cell("/", "started"), "20");
    await answers(page, 3);
    const { inner, scroll, wide } = await page.evaluate(() => ({
      inner: innerWidth, scroll: document.documentElement.scrollWidth,
      wide: [...document.querySelectorAll("body *")].filter((e) => e.checkVisibility() && !e.closest(".scroll, .sr, .skip, .u-wrap") && e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + "." + e.className),
    }));
    assert.deepEqual([scroll <= inner, wide], [true, []], `${scroll} in ${inner}`);
    for (const selector of [...["rate", "errors", "latency", "full"].map((id) => `#${id}-now`), card("availability"), "#meters li", "#checks li", "#steps"]) assert.ok(await page.locator(selector).first().isVisible(), selector);
    // Touch targets have at least 24 by 24 pixels (WCAG 2.2, 2.5.8).
    const small = await page.evaluate(() => [...document.querySelectorAll("header button, .spans label, .title button, summary")].filter((e) => e.offsetParent).map((e) => e.getBoundingClientRect()).filter((box) => box.width < 24 || box.height < 24).length);
    assert.equal(small, 0);
    await shot(page, "phone-light");
    await page.emulateMedia({ colorScheme: "dark" });
    await answers(page, 2);
    await shot(page, "phone-dark");
    return page;
  },

  async end(browser) {
    const page = await open(browser);
    await shows(page, "#pills", "running");
    // An open request keeps the process in its drain phase until the scenario closes it.
    const leave = new AbortController();
    const held = fetch(APP + "/slow?ms=60000", { signal: leave.signal }).catch(() => null);
    await page.waitForFunction(() => document.querySelector("#rate-now").textContent.includes("1 in flight"), null, { timeout: BOUND });
    process.kill(Number(DEMO_PID), "SIGTERM");
    await shows(page, "#pills", "draining");
    await shows(page, "#verdict", "draining: requests are finished");
    await shows(page, "#steps [aria-current]", "draining");
    await shows(page, "#phases", "drain");
    leave.abort();
    await held;
    await shows(page, "#verdict", "The process has not answered since");
    assert.ok(await page.evaluate(() => document.body.classList.contains("stale")), "old numbers look old");
    page.problems = page.problems.filter((text) => !text.includes("ERR_CONNECTION_REFUSED") && !text.includes("ERR_EMPTY_RESPONSE") && !text.includes("ERR_CONNECTION_RESET"));
    return page;
  },

  /* Shows modules that this demo does not use, from responses in the kit's format. */
  async database(browser) {
    const page = await open(browser);
    const meters = await page.evaluate(() => {
      const pool = { db_client_connection_pool_name: "main" };
      const series = (...all) => ({ series: all });
      const doc = (uptime, waits) => ({
        uptime, traffic: { in_flight: 0 },
        metrics: {
          db_client_connections: series([{ ...pool, db_client_connection_state: "idle" }, 1], [{ ...pool, db_client_connection_state: "used" }, 9]),
          db_client_connection_max: series([pool, 10]),
          db_client_connection_pending_requests: series([pool, 3]),
          db_client_connection_wait_time_seconds: { le: [0.001, 0.01, 0.1], ...series([pool, { counts: waits, sum: 1 }]) },
          sre_kit_db_auth_token_age_seconds: series([pool, 1500]),
          process_cpu_seconds_total: series([{}, uptime / 2]),
          cgroup_cpu_quota_cores: series([{}, 2]),
          cgroup_memory_usage_bytes: series([{}, 96 * 1048576]),
          cgroup_memory_max_bytes: series([{}, 128 * 1048576]),
          cgroup_cpu_periods_total: series([{}, uptime * 10]),
          cgroup_cpu_throttled_periods_total: series([{}, uptime]),
        },
      });
      return fullness.read(doc(20, [10, 110, 0, 0]), doc(10, [10, 10, 0, 0])).meters;
    });
    const shown = Object.fromEntries(meters.map((meter) => [meter.key, [meter.ratio, meter.value]]));
    assert.deepEqual(shown["db-main"], [0.9, "9 of 10, 3 wait"]);
    assert.deepEqual(shown["db-wait"], [null, "≤ 10 ms"]);
    assert.deepEqual(shown["db-token-main"], [null, "25 min"]);
    assert.deepEqual(shown.cpu, [0.25, "0.5 of 2 cores"]);
    assert.deepEqual(shown.memory, [0.75, "96 MiB of 128 MiB"]);
    assert.deepEqual(shown.throttled, [0.1, "10 %"]);
    return page;
  },

  async route(browser) {
    const page = await open(browser);
    await send("/", 30);
    await send("/error?status=500", 10);
    await shows(page, cell("/error", "started"), "10");
    const legend = (panel) => page.locator(`[aria-labelledby=${panel}-title] .legend b`).allInnerTexts();
    await page.locator(`#routes tr[data-route="/"] button`).click();
    await shows(page, "#filter", "only GET /");
    assert.equal(await page.locator(`#routes tr[data-route="/"] button`).getAttribute("aria-pressed"), "true");
    // The error plot of a route without errors is empty.
    await page.locator(".panel summary").nth(1).click();
    await page.locator("[aria-labelledby=errors-title] details td").first().waitFor();
    const ratios = await page.locator("[aria-labelledby=errors-title] details td").allInnerTexts();
    assert.ok(ratios.length > 0 && ratios.every((text) => ["0 %", "–"].includes(text)), String(ratios));
    await page.locator("#filter-clear").click();
    assert.equal(await page.locator("#filter").isVisible(), false);
    await answers(page, 6);
    const all = await page.locator("[aria-labelledby=errors-title] details td").allInnerTexts();
    assert.ok(all.some((text) => !["0 %", "–"].includes(text)), String(all));
    assert.equal((await legend("rate")).length, 3);
    return page;
  },
};

const name = process.argv[2];
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  // Chromium cannot use its sandbox as root. No DNS is needed, since everything is on loopback.
  args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"],
});
try {
  const page = await scenarios[name](browser);
  if (page) assert.deepEqual(page.problems, [], "errors in the browser's console");
} catch (error) {
  const open = browser.contexts().flatMap((context) => context.pages());
  for (const [i, page] of open.entries()) await shot(page, `failed-${name}-${i}`).catch(() => {});
  throw error;
} finally {
  await browser.close();
}
