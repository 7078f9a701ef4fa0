/* How full everything is, from the families of the kit. What is not there is not shown. */
const fullness = (() => {
  const reader = (doc) => (name) => (doc && doc.metrics[name] ? doc.metrics[name].series : []);
  const sum = (series, holds) => series.filter(([labels]) => !holds || holds(labels)).reduce((all, [, value]) => all + value, 0);
  const some = (series, holds) => (series.length ? sum(series, holds) : null);
  const ratio = (part, whole) => (part === null || !whole ? null : part / whole);
  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  /* The 99th percentile of what a histogram gained, over all its series. */
  const gained = (doc, before, name) => {
    const family = doc.metrics[name];
    if (!family || !family.le) return null;
    const counts = new Array(family.le.length + 1).fill(0);
    for (const [labels, value] of family.series) {
      const old = before && before.metrics[name] && before.metrics[name].series.find(([other]) => same(other, labels));
      value.counts.forEach((n, i) => { counts[i] += n - (old ? old[1].counts[i] : 0); });
    }
    const total = counts.reduce((all, n) => all + n, 0);
    if (total <= 0) return null;
    let seen = 0;
    const at = counts.findIndex((n) => (seen += n) >= 0.99 * total);
    return { bound: at < family.le.length ? family.le[at] : Infinity, total };
  };

  /* `doc` and one of some seconds before: the list of meters, and the lines of the plot. */
  const read = (doc, before) => {
    const now = reader(doc), then = reader(before);
    const time = before ? doc.uptime - before.uptime : 0;
    const gain = (name, holds) => {
      const [a, b] = [some(now(name), holds), some(then(name), holds)];
      return a === null || b === null || a < b ? null : a - b;
    };
    const per = (x) => (x === null || !time ? null : x / time);
    const out = [];
    const meter = (key, name, share, value, kind) => out.push({ key, name, ratio: share, value, aside: kind === "aside" });
    const bounded = ({ bound }) => (bound === Infinity ? "past the last bound" : "≤ " + units.seconds(bound));
    const of = (a, b) => `${units.count(a)} of ${units.count(b)}`;

    const limit = some(now("sre_kit_http_server_concurrency_limit"));
    const held = some(now("sre_kit_http_server_concurrency_in_flight"));
    const requests = ratio(held, limit);
    if (limit !== null) meter("requests", "Requests admitted", requests, of(held, limit));
    else meter("requests", "Requests in flight", null, units.count(doc.traffic.in_flight));
    const queue = some(now("sre_kit_http_server_queue_depth"));
    if (queue) meter("queue", "Requests queued", null, units.count(queue));
    const shed = per(gain("sre_kit_http_server_shed_total"));
    if (shed) meter("shed", "Requests refused", null, units.rate(shed));

    const threads = some(now("tokio_runtime_workers"));
    const busy = per(gain("tokio_runtime_worker_busy_seconds_total"));
    const workers = ratio(busy, threads);
    if (threads !== null) meter("workers", "Runtime workers busy", workers, `${workers === null ? "–" : units.percent(workers)} of ${threads}`);
    const lag = gained(doc, before, "tokio_runtime_scheduling_lag_seconds");
    if (lag) meter("lag", "Scheduling lag, p99", null, bounded(lag));

    const cores = per(gain("process_cpu_seconds_total"));
    const quota = some(now("cgroup_cpu_quota_cores"));
    const cpu = ratio(cores, quota || threads);
    if (cores !== null) meter("cpu", "CPU", cpu, quota ? `${units.short(cores)} of ${units.short(quota)} cores` : `${units.short(cores)} cores`);
    const periods = gain("cgroup_cpu_periods_total");
    const throttled = gain("cgroup_cpu_throttled_periods_total");
    if (periods) meter("throttled", "CPU periods throttled", throttled / periods, units.percent(throttled / periods), "aside");
    const usage = some(now("cgroup_memory_usage_bytes"));
    const most = some(now("cgroup_memory_max_bytes"));
    const resident = some(now("process_resident_memory_bytes"));
    const memory = ratio(usage, most);
    if (memory !== null) meter("memory", "Memory", memory, `${units.bytes(usage)} of ${units.bytes(most)}`);
    else if (resident !== null) meter("memory", "Memory, resident", null, units.bytes(resident));
    for (const resource of ["cpu", "memory", "io"]) {
      const stalled = per(gain("cgroup_pressure_stalled_seconds_total", (l) => l.resource === resource && l.kind === "some"));
      if (stalled === null || stalled < 0.001) continue;
      /* The kernel's clock and ours differ by a little. */
      meter("stall-" + resource, `Stalled for ${resource === "io" ? "I/O" : resource === "cpu" ? "CPU" : resource}`, Math.min(1, stalled), units.percent(Math.min(1, stalled)), "aside");
    }

    for (const [labels, value] of now("sre_kit_http_server_connections_limit")) {
      const open = sum(now("sre_kit_http_server_open_connections"), (l) => l.listener === labels.listener);
      meter("connections-" + labels.listener, `Connections, ${labels.listener}`, ratio(open, value), of(open, value), labels.listener === "admin" ? "aside" : "");
    }
    const files = some(now("process_open_fds"));
    const maxFiles = some(now("process_max_fds"));
    if (files !== null) meter("files", "Open files", ratio(files, maxFiles), maxFiles ? of(files, maxFiles) : units.count(files));

    for (const [labels, used] of now("saturation_pool_used")) {
      const mine = (l) => l.pool === labels.pool;
      const max = some(now("saturation_pool_max"), mine);
      const waiting = sum(now("saturation_pool_waiting"), mine);
      meter("pool-" + labels.pool, `Pool, ${labels.pool}`, ratio(used, max), of(used, max) + (waiting ? `, ${units.count(waiting)} wait` : ""));
    }
    const poolOf = (l) => l.db_client_connection_pool_name || "";
    for (const [labels, max] of now("db_client_connection_max")) {
      const mine = (l) => poolOf(l) === poolOf(labels);
      const used = sum(now("db_client_connections"), (l) => mine(l) && l.db_client_connection_state === "used");
      const waiting = sum(now("db_client_connection_pending_requests"), mine);
      meter("db-" + poolOf(labels), `Database pool${poolOf(labels) ? ", " + poolOf(labels) : ""}`, ratio(used, max), of(used, max) + (waiting ? `, ${units.count(waiting)} wait` : ""));
    }
    const wait = gained(doc, before, "db_client_connection_wait_time_seconds");
    if (wait) meter("db-wait", "Wait for the database pool, p99", null, bounded(wait));
    for (const [labels, age] of now("sre_kit_db_auth_token_age_seconds")) meter("db-token-" + poolOf(labels), "Database token, age", null, units.age(age));
    if (some(now("sre_kit_db_recycling_paused"))) meter("db-paused", "Database logins fail", null, "connections are kept");
    for (const [labels, share] of now("sre_kit_telemetry_queue_ratio")) meter("telemetry-" + labels.signal, "Queue of " + labels.signal, share, units.percent(share));
    return { meters: out, lines: { requests, workers, cpu, memory } };
  };
  return { read, sum, some, reader };
})();
