// The part of k6 that the script uses, implemented with Node's fetch. It sends real requests, but
// measures nothing. This file replaces all modules of k6.
//
// k6 blocks the script's thread until the response, so a worker sends the requests.

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

/** The sent requests and the checks, for the test. */
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
