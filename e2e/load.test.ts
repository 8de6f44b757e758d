import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acr } from './stack';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'acr-e2e-load-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** `TMPDIR` inside the test's folder, so that what is left behind can be seen. */
const load = (args: readonly string[], env: Record<string, string> = {}) =>
  acr(['bench', 'load', '--json', '--rounds', '1', '--warmup', '5', ...args], dir, {
    TMPDIR: dir,
    ACR_QUEUE_URL: '',
    ...env,
  });

describe('acr bench load', () => {
  test('sends every task through the loop and through bare BullMQ, and says where the time went', async () => {
    const ran = await load(['--tasks', '50']);
    expect(ran.code).toBe(0);
    const result = JSON.parse(ran.stdout);
    expect(result).toMatchObject({ tasks: 50, rounds: 1, checks: 'instant' });
    const [one] = result.results;
    expect(one.ratio).toBeCloseTo(one.loopTasksPerSecond / one.bareTasksPerSecond);
    expect(one.hops.map((h: { hop: string }) => h.hop)).toEqual([
      'recall',
      'decide',
      'execute',
      'verify',
      'commit',
    ]);
    expect(Object.keys(one.loopCpuMsPerTask).sort()).toEqual([
      'executor',
      'gateway',
      'memory',
      'orchestrator',
      'postgres',
      'redis',
      'verifier',
    ]);
    expect(one.redis.endBytes).toBeGreaterThan(0);
    expect(readdirSync(dir)).toEqual([]);
  }, 180_000);

  test('with checks that take time there is no bare pipeline, and verifiers can be multiplied alone', async () => {
    const ran = await load([
      '--tasks',
      '12',
      '--checks',
      'sleep:20',
      '--scale',
      'verifier',
      '--processes',
      '1,2',
    ]);
    expect(ran.code).toBe(0);
    const { results } = JSON.parse(ran.stdout);
    expect(results.map((r: { processes: number }) => r.processes)).toEqual([1, 2]);
    expect(results[0]).toMatchObject({ ratio: null, growth: 1 });
    expect(results[0].hops.find((h: { hop: string }) => h.hop === 'verify').workP50).toBeGreaterThanOrEqual(
      20,
    );
  }, 240_000);

  test('without a redis-server it says what to install, and leaves nothing behind', async () => {
    const ran = await load(['--tasks', '1'], { PATH: '/nonexistent' });
    expect(ran.code).toBe(5);
    expect(ran.stderr).toContain('redis-server');
    expect(ran.stderr).toContain('ACR_QUEUE_URL');
    expect(readdirSync(dir)).toEqual([]);
  }, 60_000);
});
