// node run.mjs BUNDLE ITERATIONS: runs a bundled script like k6, one visitor after another, and
// prints the requests and checks as JSON. Variables K6_* replace those of `k6 run -e`.

globalThis.__ENV = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) =>
    name.startsWith('K6_') ? [[name.slice(3), value]] : [],
  ),
);
const [bundle, iterations] = process.argv.slice(2);
const script = await import(`file://${bundle}`);
if (Number(iterations) > 0) {
  const data = script.setup?.();
  for (const { exec = 'default' } of Object.values(script.options.scenarios)) {
    for (let i = 0; i < Number(iterations); i++) {
      script[exec](data);
    }
  }
}
process.stdout.write(JSON.stringify({ options: script.options, ...globalThis.k6Seen }));
