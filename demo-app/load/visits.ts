// The k6 load test. Its thresholds are generated from the SLOs.
//
//   cargo run -p demo-app -- generate --out demo-app/load/generated
//   cargo run -p demo-app
//   k6 run demo-app/load/visits.ts
//   k6 run -e PROFILE=spike -e RATE=2000 -e BASE_URL=https://demo.example.com demo-app/load/visits.ts
//
//   BASE_URL  URL of the service                           [http://127.0.0.1:8080]
//   PROFILE   smoke, steady, or spike                      [smoke]
//   RATE      requests per second at the top               [by profile]
//   SAMPLED   share of requests whose trace is recorded    [0.01]
//   LATENCY   client, or server: without limits on latency, because from far away k6 would
//             also measure the way to the service            [client]
//
// The load model is open: visitors arrive at a fixed rate, however slow the responses are. A
// closed model would slow down together with the service and hide the latency.

import { check, fail } from 'k6';
import http from 'k6/http';
import type { Options, Scenario } from 'k6/options';

import { expectedStatuses, tags, thresholds } from './generated/k6/thresholds.js';

http.setResponseCallback(http.expectedStatuses(expectedStatuses));

const base = (__ENV['BASE_URL'] ?? 'http://127.0.0.1:8080').replace(/\/+$/, '');
const profile = __ENV['PROFILE'] ?? 'smoke';
const sampled = number('SAMPLED', 0.01);
const latency = __ENV['LATENCY'] ?? 'client';
if (latency !== 'client' && latency !== 'server') {
  throw new Error(`LATENCY is ${latency}; choose client or server`);
}

/** Reads a setting that must be a non-negative number. */
function number(name: string, otherwise: number): number {
  const value = Number(__ENV[name] ?? otherwise);
  if (!(value >= 0)) {
    throw new Error(`${name} is ${__ENV[name]}, but must be a non-negative number`);
  }
  return value;
}

/** Returns the rates over time. k6 needs one virtual user per open request. */
function scenario(): Scenario {
  const arrivals = (startRate: number, stages: { target: number; duration: string }[]): Scenario => {
    const top = Math.max(...stages.map((stage) => stage.target));
    return {
      executor: 'ramping-arrival-rate',
      exec: 'visit',
      startRate,
      timeUnit: '1s',
      stages,
      // With responses after 500 ms, open requests are half of the rate; after 1 s, the rate. Users
      // that k6 creates during a ramp start too late, and their requests count as dropped.
      preAllocatedVUs: Math.max(10, Math.ceil(top / 2)),
      maxVUs: Math.max(50, Math.ceil(top)),
      gracefulStop: '30s',
    };
  };
  switch (profile) {
    case 'smoke': {
      const rate = number('RATE', 5);
      return arrivals(rate, [{ target: rate, duration: '30s' }]);
    }
    case 'steady': {
      const rate = number('RATE', 100);
      return arrivals(Math.ceil(rate / 10), [
        { target: rate, duration: '1m' },
        { target: rate, duration: '10m' },
        { target: 0, duration: '30s' },
      ]);
    }
    // A tenfold rate within ten seconds overloads the existing pods, and lasts long enough for the
    // autoscaler to add pods and remove them again.
    case 'spike': {
      const rate = number('RATE', 1000);
      const calm = Math.ceil(rate / 10);
      return arrivals(calm, [
        { target: calm, duration: '1m' },
        { target: rate, duration: '10s' },
        { target: rate, duration: '5m' },
        { target: calm, duration: '10s' },
        { target: calm, duration: '2m' },
      ]);
    }
    default:
      throw new Error(`PROFILE is ${profile}; choose smoke, steady or spike`);
  }
}

/** Returns the SLOs' thresholds. A spike does not abort on them: the autoscaler should react. */
function limits(): NonNullable<Options['thresholds']> {
  const abort = profile !== 'spike';
  const measured = (metric: string): boolean => latency === 'client' || !metric.startsWith('http_req_duration');
  return Object.fromEntries(
    Object.entries(thresholds)
      .filter(([metric]) => measured(metric))
      .map(([metric, list]) => [
        metric,
        list.map((limit) => ({ ...limit, abortOnFail: abort && limit.abortOnFail })),
      ]),
  );
}

export const options: Options = {
  scenarios: { [profile]: scenario() },
  thresholds: {
    ...limits(),
    // Fails if k6 cannot keep the rate, since the test would then be invalid.
    dropped_iterations: [{ threshold: 'count==0', abortOnFail: false }],
  },
  discardResponseBodies: true,
  userAgent: 'sre-kit-load/1',
  summaryTrendStats: ['count', 'med', 'p(95)', 'p(99)', 'max'],
};

/** Returns this many random hexadecimal digits, not all of them zero. */
function hex(digits: number): string {
  let text = (1 + Math.floor(Math.random() * 15)).toString(16);
  while (text.length < digits) {
    text += Math.floor(Math.random() * 16).toString(16);
  }
  return text;
}

/** Returns a traceparent header, see https://www.w3.org/TR/trace-context/. */
function traceparent(): string {
  return `00-${hex(32)}-${hex(16)}-${Math.random() < sampled ? '01' : '00'}`;
}

/** Sends a GET request, tagged with the route and with each SLO that counts it. */
function get(route: string, query = '') {
  return http.get(`${base}${route}${query}`, {
    headers: { accept: 'application/json', traceparent: traceparent() },
    tags: { ...tags('GET', route), name: `GET ${route}` },
  });
}

/** Fails before the test if the service does not respond. */
export function setup(): void {
  const response = get('/');
  if (response.status !== 200) {
    fail(`${base}/ answers ${response.status}; start the demo, or set BASE_URL`);
  }
}

/** Runs one visitor, who counts a visit or, in one of twenty cases, requests /slow. */
export function visit(): void {
  const slow = Math.random() < 0.05;
  const response = slow ? get('/slow', '?ms=20') : get('/');
  check(response, { 'is answered': (answer) => answer.status === 200 });
}
