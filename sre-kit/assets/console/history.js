/* What was seen since the page was opened: a quarter of an hour, second by second. */
const history_ = (() => {
  const KEEP = 900;
  /* Rates and percentiles are of five seconds: one alone is noise. */
  const SMOOTH = 5;
  const STARTED = 0, OK = 1, CLIENT = 2, ERROR = 3, BUCKETS = 4;
  const FAULTS = new Set(["error", "service_error", "timeout", "shed", "panic"]);

  const key = (row) => row.method + " " + row.route;

  /* The counts of a row in a fixed order. An aborted request is the client's. */
  const vector = (row, outcomes, buckets) => {
    const counts = new Float64Array(BUCKETS + buckets);
    counts[STARTED] = row.started;
    row.ended.forEach((n, i) => {
      counts[outcomes[i] === "ok" ? OK : FAULTS.has(outcomes[i]) ? ERROR : CLIENT] += n;
    });
    row.counts.forEach((n, i) => { counts[BUCKETS + i] = n; });
    return counts;
  };

  /* As histogram_quantile of Prometheus reckons: evenly within a bucket, and the
     greatest bound for what is past it. */
  const quantile = (q, counts, le) => {
    let total = 0;
    for (let i = 0; i <= le.length; i++) total += counts[BUCKETS + i];
    if (!total) return null;
    let before = 0;
    for (let i = 0; i < le.length; i++) {
      const here = counts[BUCKETS + i];
      if (before + here >= q * total) {
        const low = i ? le[i - 1] : 0;
        return here ? low + (le[i] - low) * (q * total - before) / here : le[i];
      }
      before += here;
    }
    return le[le.length - 1];
  };

  const add = (into, from, sign) => { for (let i = 0; i < into.length; i++) into[i] += sign * from[i]; };

  class History {
    constructor() { this.filter = null; this.reset(); }

    reset() { this.samples = []; this.last = new Map(); this.before = null; this.le = []; }

    /* Takes an answer in. False when it is one that was taken in before. */
    push(doc, full) {
      if (this.before && (doc.instance !== this.before.instance || doc.uptime < this.before.uptime)) this.reset();
      if (this.before && doc.uptime === this.before.uptime) return false;
      const { traffic } = doc;
      this.le = traffic.le.length ? traffic.le : this.le;
      const buckets = traffic.le.length + 1;
      const all = traffic.others ? [...traffic.rows, { ...traffic.others, route: "(others)" }] : traffic.rows;
      const now = new Map(all.map((row) => [key(row), vector(row, traffic.outcomes, buckets)]));
      const sample = { time: doc.now, span: this.before ? doc.uptime - this.before.uptime : 0, active: traffic.in_flight, rows: new Map(), sum: null, full };
      for (const [name, counts] of now) {
        const old = this.last.get(name);
        /* What is new since the last look began at zero; at the first look nothing is known. */
        if (!this.before) continue;
        const delta = Float64Array.from(counts, (n, i) => n - (old && i < old.length ? old[i] : 0));
        /* The row of the others may shrink when one of them becomes busy. */
        if (delta.some((n) => n < 0)) continue;
        if (delta.some((n) => n > 0)) sample.rows.set(name, delta);
      }
      this.last = now;
      this.before = doc;
      sample.sum = this.total(sample.rows);
      this.samples.push(sample);
      if (this.samples.length > KEEP) this.samples.shift();
      return true;
    }

    total(rows) {
      const sum = new Float64Array(BUCKETS + this.le.length + 1);
      for (const [name, delta] of rows) {
        if (this.filter === null || this.filter === name) add(sum, delta, 1);
      }
      return sum;
    }

    /* Shows one route, or all with null. */
    choose(name) {
      this.filter = name;
      for (const sample of this.samples) sample.sum = this.total(sample.rows);
    }

    /* The samples of the last `span` seconds. */
    recent(span) {
      const end = this.samples.length ? this.samples[this.samples.length - 1].time : 0;
      const from = this.samples.findIndex((sample) => sample.time > end - span);
      return from < 0 ? [] : this.samples.slice(from);
    }

    /* Points for the plots, each of the five seconds that end with it. */
    points(span) {
      const { samples, le } = this;
      const shown = this.recent(span);
      let low = samples.length - shown.length;
      const first = low;
      const sum = new Float64Array(BUCKETS + le.length + 1);
      let time = 0;
      /* The window of the first point begins before it. */
      while (low > 0 && samples[low - 1].time > samples[first].time - SMOOTH) low--;
      for (let i = low; i < first; i++) { add(sum, samples[i].sum, 1); time += samples[i].span; }
      const out = { time: [], started: [], ok: [], client: [], error: [], ratio: [], p50: [], p95: [], p99: [] };
      for (let i = first; i < samples.length; i++) {
        add(sum, samples[i].sum, 1);
        time += samples[i].span;
        while (samples[low].time <= samples[i].time - SMOOTH) { add(sum, samples[low].sum, -1); time -= samples[low].span; low++; }
        const known = time > 0.05;
        const rate = (at) => (known ? sum[at] / time : null);
        const ended = sum[OK] + sum[CLIENT] + sum[ERROR];
        out.time.push(samples[i].time);
        out.started.push(rate(STARTED));
        out.ok.push(rate(OK));
        out.client.push(rate(CLIENT));
        out.error.push(rate(ERROR));
        out.ratio.push(known ? (ended ? sum[ERROR] / ended : 0) : null);
        for (const [name, q] of [["p50", 0.5], ["p95", 0.95], ["p99", 0.99]]) out[name].push(quantile(q, sum, le));
      }
      return out;
    }

    /* Per route over the last `span` seconds: rate, share of errors, percentiles. */
    routes(span) {
      const shown = this.recent(span);
      const time = shown.reduce((sum, sample) => sum + sample.span, 0);
      const sums = new Map();
      for (const sample of shown) {
        for (const [name, delta] of sample.rows) {
          const sum = sums.get(name);
          if (sum) add(sum, delta, 1); else sums.set(name, Float64Array.from(delta));
        }
      }
      const doc = this.before;
      if (!doc) return [];
      const all = doc.traffic.others ? [...doc.traffic.rows, { ...doc.traffic.others, route: "(others)" }] : doc.traffic.rows;
      return all.map((row) => {
        const sum = sums.get(key(row));
        const total = this.last.get(key(row));
        const ended = sum ? sum[OK] + sum[CLIENT] + sum[ERROR] : 0;
        const q = (q) => (sum ? quantile(q, sum, this.le) : null);
        return {
          key: key(row), route: row.route, method: row.method,
          rate: time ? (sum ? sum[STARTED] : 0) / time : null,
          errors: ended ? sum[ERROR] / ended : null,
          p50: q(0.5), p95: q(0.95), p99: q(0.99),
          active: total[STARTED] - total[OK] - total[CLIENT] - total[ERROR],
          started: total[STARTED], failed: total[ERROR],
        };
      });
    }
  }

  return { History, BUCKETS, SMOOTH };
})();
