import { openDatabase, type Database } from '@acrouter/db/client';
import { countExperiences, exportExperiences } from '@acrouter/db/experience-store';
import { readStatistics } from '@acrouter/db/statistics-store';
import { HashedEmbedder } from '@acrouter/embedding/hashed-embedder';
import { createTestDatabase, type TestDatabase } from '@acrouter/testing/databases';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from './main';
import { exportMemory, importMemory, type MemoryLine } from './memory-file';

const embedder = new HashedEmbedder();
let place: TestDatabase;
let db: Database;
let folder: string;

beforeEach(async () => {
  place = await createTestDatabase();
  db = openDatabase({ url: place.url, poolSize: 4 });
  folder = mkdtempSync(join(tmpdir(), 'acr-memory-'));
});

afterEach(async () => {
  jest.restoreAllMocks();
  rmSync(folder, { recursive: true });
  await db.destroy();
  await place.drop();
});

async function* linesOf(values: readonly unknown[]) {
  for (const value of values) yield typeof value === 'string' ? value : JSON.stringify(value);
}
const read = (values: readonly unknown[], tenant = 'default') =>
  importMemory(db, tenant, embedder, linesOf(values));

async function exported(tenant = 'default', prompts = false): Promise<MemoryLine[]> {
  const lines: MemoryLine[] = [];
  for await (const line of exportMemory(db, tenant, { prompts })) lines.push(line);
  return lines;
}

const own = [
  { prompt: 'Write a Python function `add(a, b)`.', model: 'm1', score: 1, costUsd: 0.001 },
  { prompt: 'Write a Python function `add(a, b)`.', model: 'm2', score: 0 },
  '',
  { prompt: 'Explain what this code does: x = x & -x', model: 'm1', score: 0.5, language: 'Python3' },
];

test('a warm start of one’s own lines is embedded, classified and counted; once', async () => {
  expect(await read(own)).toEqual({ lines: 3, added: 3, otherEmbedder: 0 });
  expect(await read(own)).toEqual({ lines: 3, added: 0, otherEmbedder: 0 });
  const statistics = await readStatistics(db, 'default', false);
  expect(statistics.map((s) => [s.dimension, s.language, s.model, s.n, s.solved, s.unknown_costs])).toEqual([
    ['code_generation', 'python', 'm1', 1, 1, 0],
    ['code_generation', 'python', 'm2', 1, 0, 1],
    ['code_understanding', 'python', 'm1', 1, 0, 1],
  ]);
});

test('what is exported and imported again is the same', async () => {
  await read([...own, { ...(own[0] as object), key: 'sim', simulated: true, source: 'ci', latencyMs: 3 }]);
  const lines = await exported();
  expect(await read(lines, 'copy')).toEqual({ lines: 4, added: 4, otherEmbedder: 0 });
  const copies = await exported('copy');
  const vectors = (all: MemoryLine[]) => all.map((l) => Buffer.from(l.embedding!, 'base64').length);
  const facts = (all: MemoryLine[]) => all.map((l) => ({ ...l, embedding: null }));
  expect(facts(copies)).toEqual(facts(lines));
  expect(vectors(copies)).toEqual([1536, 1536, 1536, 1536]);
  const before = await readStatistics(db, 'default', true);
  const after = await readStatistics(db, 'copy', true);
  expect(after).toMatchObject(
    before.map((s) => ({ n: s.n, score_sum: s.score_sum, dimension: s.dimension })),
  );
});

test('vectors of another embedder are kept as they are, or made again from the prompt', async () => {
  const foreign = { key: 'a', dimension: 'algorithm', language: 'go', model: 'm', score: 1 };
  const vector = {
    embedder: 'http/other/2',
    embedding: Buffer.from(Float32Array.of(3, 4).buffer).toString('base64'),
  };
  const done = await read([
    { ...foreign, ...vector },
    { ...foreign, ...vector, key: 'b', prompt: 'Reverse a list in Go.' },
  ]);
  expect(done).toEqual({ lines: 2, added: 2, otherEmbedder: 1 });
  expect(await countExperiences(db, 'default')).toMatchObject([
    { embedder: 'hashed-1/384', experiences: 1 },
    { embedder: 'http/other/2', experiences: 1 },
  ]);
  const [a] = await exportExperiences(db, 'default', 0, 1);
  expect(new Float32Array(new Uint8Array(a!.embedding).buffer)[0]).toBeCloseTo(0.6);
});

test.each([
  ['{"model":', /Line 2 .* is not JSON/],
  [{ prompt: 'x', model: 'm', score: 1.5 }, /Line 2 .*score/],
  [{ prompt: 'x', model: 'm', score: 1, scores: 1 }, /Line 2 .*scores/],
  [{ model: 'm', score: 1 }, /Line 2 .*needs "prompt"/],
  [{ key: 'k', model: 'm', score: 1, embedder: 'e', embedding: 'AAAA' }, /Line 2 .*"dimension"/],
  [
    {
      key: 'k',
      dimension: 'algorithm',
      language: 'go',
      model: 'm',
      score: 1,
      embedder: 'hashed-1/384',
      embedding: 'AACAPw==',
    },
    /Line 2 .*4 bytes/,
  ],
  [
    {
      key: 'k',
      dimension: 'algorithm',
      language: 'go',
      model: 'm',
      score: 1,
      embedder: 'e',
      embedding: 'AAAAAA==',
    },
    /Line 2 .*without direction/,
  ],
])('a wrong line is named: %j', async (line, message) => {
  await expect(read([own[0], line])).rejects.toThrow(message);
});

test('acr memory: import, stats, export', async () => {
  const stdout: string[] = [];
  jest.spyOn(process.stdout, 'write').mockImplementation((text) => stdout.push(String(text)) > 0);
  jest.spyOn(process.stderr, 'write').mockImplementation(() => true);
  const input = join(folder, 'own.jsonl');
  const output = join(folder, 'out.jsonl');
  writeFileSync(input, own.map((l) => (l === '' ? '' : JSON.stringify(l))).join('\n'));
  const acr = (...args: string[]) => main(['memory', ...args, '--database-url', place.url]);
  expect(await acr('warm-start', input, '--json')).toBe(0);
  expect(await acr('stats', '--json')).toBe(0);
  expect(await acr('export', '--out', output)).toBe(0);
  expect(await acr('import', join(folder, 'missing.jsonl'))).toBe(2);
  const [imported, stats] = stdout.map((text) => JSON.parse(text) as Record<string, unknown>);
  expect(imported).toMatchObject({ added: 3, embedder: 'hashed-1/384' });
  expect(stats).toMatchObject({
    experiences: [{ experiences: 3, tasks: 2 }],
    statistics: [
      { model: 'm1', meanScore: 1, meanCostUsd: 0.001 },
      { model: 'm2' },
      { model: 'm1', meanScore: 0.5 },
    ],
  });
  const lines = readFileSync(output, 'utf8').trim().split('\n');
  expect(lines.map((l) => (JSON.parse(l) as MemoryLine).model)).toEqual(['m1', 'm2', 'm1']);
});
