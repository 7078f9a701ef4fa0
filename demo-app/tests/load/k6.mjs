// As much of k6 as the script uses, over Node's fetch: what k6 runs is real there,
// and what it measures is not. All modules of k6 are this one file.
//
// k6 waits for each answer in the script's own thread, so a worker does the asking.

import { receiveMessageOnPort, MessageChannel, Worker } from 'node:worker_threads';

const ASKS = `
const { workerData: { port, flag } } = require('node:worker_threads');
port.on('message', async ({ url, headers }) => {
  let answer;
  try {
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(10_000) });
    await response.arrayBuffer();
    answer = { status: response.status };
  } catch (error) {
    answer = { status: 0, error: String(error) };
  }
  port.postMessage(answer);
  Atomics.store(flag, 0, 1);
  Atomics.notify(flag, 0);
});
`;

let asking;

function ask(url, headers) {
  if (!asking) {
    const { port1, port2 } = new MessageChannel();
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(ASKS, { eval: true, workerData: { port: port2, flag }, transferList: [port2] });
    worker.unref();
    port1.unref();
    asking = { port: port1, flag };
  }
  Atomics.store(asking.flag, 0, 0);
  asking.port.postMessage({ url, headers });
  Atomics.wait(asking.flag, 0, 0, 20_000);
  return receiveMessageOnPort(asking.port)?.message ?? { status: 0, error: 'no answer' };
}

/** What was sent and checked, for the test to read. */
const seen = (globalThis.k6Seen = { requests: [], checks: [], expected: null });

export function check(value, checks) {
  return Object.entries(checks).every(([name, holds]) => {
    const ok = Boolean(holds(value));
    seen.checks.push({ name, ok });
    return ok;
  });
}

export function fail(reason) {
  throw new Error(reason);
}

export default {
  expectedStatuses: (...statuses) => statuses,
  setResponseCallback: (statuses) => {
    seen.expected = statuses;
  },
  get(url, { headers, tags }) {
    const answer = ask(url, headers);
    seen.requests.push({ url, headers, tags, ...answer });
    return answer;
  },
};
