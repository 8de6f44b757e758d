import type { ScrapeHook } from '@acrouter/service/tokens';
import { Metrics } from '@acrouter/telemetry/metrics';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { ScrapeSources } from './scrape-sources.service';

/** What a test's source does next: `answer` ends the refresh that waits. */
interface Fake {
  refreshes: number;
  leftOut: number;
  answer: (error?: Error) => void;
}

let metrics: Metrics;
let hooks: ScrapeHook[];
let fake: Fake;
beforeEach(() => {
  jest.useFakeTimers();
  metrics = new Metrics('test');
  hooks = [];
  fake = { refreshes: 0, leftOut: 0, answer: () => undefined };
  new ScrapeSources(metrics, hooks).add({
    name: 'fake',
    maxAgeMs: 5_000,
    refresh: () => {
      fake.refreshes++;
      return new Promise((done, fail) => {
        fake.answer = (error) => (error ? fail(error) : done());
      });
    },
    leaveOut: () => void fake.leftOut++,
  });
});
afterEach(() => {
  jest.useRealTimers();
});

/** Starts a scrape; `done` tells whether it was answered. */
function scrape(): { done: boolean } {
  const state = { done: false };
  void Promise.all(hooks.map((hook) => hook())).then(() => (state.done = true));
  return state;
}

const pass = (ms: number) => jest.advanceTimersByTimeAsync(ms);

async function failures(): Promise<number> {
  const found = await metrics.registry.getSingleMetric('acrouter_scrape_failures_total')?.get();
  return found?.values.find((v) => v.labels['source'] === 'fake')?.value ?? 0;
}

test('figures in time are kept, and read anew only when they are old', async () => {
  const first = scrape();
  fake.answer();
  await pass(4_000);
  expect([first.done, scrape(), fake.refreshes]).toEqual([true, { done: false }, 1]);
  await pass(1_000);
  scrape();
  expect([fake.refreshes, fake.leftOut, await failures()]).toEqual([2, 0, 0]);
});

test('a source that does not answer is left out after 2 s, and counted', async () => {
  const first = scrape();
  await pass(1_999);
  expect(first.done).toBe(false);
  await pass(1);
  expect([first.done, fake.leftOut, await failures()]).toEqual([true, 1, 1]);
});

test('while it is still asked it is not asked again, and later scrapes do not wait for it', async () => {
  const first = scrape();
  await pass(1_000);
  const second = scrape();
  await pass(1_000);
  expect([first.done, second.done]).toEqual([true, true]);
  const third = scrape();
  await pass(0);
  expect([third.done, fake.refreshes, await failures()]).toEqual([true, 1, 3]);
});

test('figures that came late serve the next scrape', async () => {
  scrape();
  await pass(3_000);
  fake.answer();
  await pass(1_000);
  const next = scrape();
  await pass(0);
  expect([next.done, fake.refreshes, await failures()]).toEqual([true, 1, 1]);
});

test('after a failure the next scrape asks again', async () => {
  scrape();
  fake.answer(new Error('away'));
  await pass(0);
  expect([fake.leftOut, await failures()]).toEqual([1, 1]);
  scrape();
  expect(fake.refreshes).toBe(2);
});
