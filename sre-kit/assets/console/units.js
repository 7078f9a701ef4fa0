"use strict";
/* Numbers for people. What is not known is a dash. */
const units = (() => {
  const digits = (n) => new Intl.NumberFormat("en", { maximumFractionDigits: n, minimumFractionDigits: 0 });
  const formats = [0, 1, 2, 3].map(digits);
  const unknown = (x) => x === null || x === undefined || Number.isNaN(x);
  /* Three significant digits at most, so that columns stay narrow. */
  const plain = (x) => formats[x >= 100 || x === 0 ? 0 : x >= 10 ? 1 : x >= 0.1 ? 2 : 3].format(x);
  const scaled = (x, steps, unit) => {
    let at = 0;
    while (at < steps.length - 1 && Math.abs(x) >= 999.5 * steps[at][0]) at++;
    return plain(x / steps[at][0]) + steps[at][1] + unit;
  };
  const thousands = [[1, ""], [1e3, " k"], [1e6, " M"], [1e9, " G"]];
  const binary = [[1, " B"], [1024, " KiB"], [1048576, " MiB"], [1073741824, " GiB"]];
  return {
    unknown,
    count: (x) => (unknown(x) ? "–" : formats[0].format(x)),
    short: (x) => (unknown(x) ? "–" : scaled(x, thousands, "")),
    rate: (x) => (unknown(x) ? "–" : scaled(x, thousands, "/s")),
    bytes: (x) => (unknown(x) ? "–" : scaled(x, binary, "")),
    percent: (x) => {
      if (unknown(x)) return "–";
      const p = x * 100;
      return (p !== 0 && Math.abs(p) < 0.01 ? (p < 0 ? "> −0.01" : "< 0.01") : plain(Math.abs(p)).replace(/^/, p < 0 ? "−" : "")) + " %";
    },
    seconds: (x) => {
      if (unknown(x)) return "–";
      if (x >= 172800) return plain(x / 86400) + " d";
      if (x >= 7200) return plain(x / 3600) + " h";
      if (x >= 120) return plain(x / 60) + " min";
      if (x >= 1) return plain(x) + " s";
      if (x >= 0.0001 || x === 0) return plain(x * 1e3) + " ms";
      return plain(x * 1e6) + " µs";
    },
    /* Whole steps: an age is read at a glance. */
    age: (x) => {
      if (unknown(x)) return "–";
      const steps = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
      const at = steps.find(([size]) => x >= size) || steps[3];
      return Math.floor(x / at[0]) + " " + at[1];
    },
    factor: (x) => (unknown(x) ? "–" : (x >= 100 ? formats[0] : x >= 10 ? formats[1] : formats[2]).format(x) + "×"),
    clock: (unix) => new Date(unix * 1e3).toLocaleTimeString([], { hour12: false }),
  };
})();
