import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { chanceAfterFailures } from '@acrouter/domain/routing/resample';
import { seededRandom, shuffled } from '@acrouter/domain/seeded-random';
import { readJsonLines } from './input-files';

/** Ten recorded answers per task of three models on HumanEval, with their true verdicts. */
const FILE = join(__dirname, '../../../../shared/data/humaneval/generations.jsonl');
const isThere = existsSync(FILE);
if (!isThere) process.stdout.write(`${FILE} is not there: the chance of asking again is not checked.\n`);

type Verdicts = Map<string, Map<string, boolean[]>>;

function readVerdicts(): Verdicts {
  const byTask: Verdicts = new Map();
  for (const { task_id: task, model, recorded_passed: passed } of readJsonLines(FILE)) {
    const models = byTask.get(String(task)) ?? new Map<string, boolean[]>();
    models.set(String(model), [...(models.get(String(model)) ?? []), passed === true]);
    byTask.set(String(task), models);
  }
  return byTask;
}

interface Asked {
  model: string;
  foreseen: number;
  passed: boolean;
}

/** Asks at random on every task until something passes; what was foreseen of each try once all models have failed. */
function askAgain(verdicts: Verdicts, usual: ReadonlyMap<string, number>, rounds: number): Asked[] {
  const random = seededRandom(1);
  const asked: Asked[] = [];
  const mixed = <T>(items: readonly T[]) =>
    shuffled(items.length, Math.floor(random() * 2 ** 31)).map((i) => items[i] as T);
  for (let round = 0; round < rounds; round += 1)
    for (const recorded of verdicts.values()) {
      const names = mixed([...recorded.keys()]);
      const answers = new Map(names.map((name) => [name, mixed(recorded.get(name) ?? [])]));
      const own = new Map<string, number>();
      for (let failures = 0; failures < 8; failures += 1) {
        const name = names[failures] ?? names[Math.floor(random() * names.length)] ?? '';
        const failed = own.get(name) ?? 0;
        const passed = answers.get(name)?.[failed] ?? false;
        const foreseen = chanceAfterFailures(usual.get(name) ?? 0, failures, failed);
        if (failures >= names.length) asked.push({ model: name, foreseen, passed });
        if (passed) break;
        own.set(name, failed + 1);
      }
    }
  return asked;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

(isThere ? test : test.skip)('the chance of asking again is what recorded answers say', () => {
  const verdicts = readVerdicts();
  const models = [...(verdicts.values().next().value?.keys() ?? [])];
  const share = (model: string) =>
    mean([...verdicts.values()].flatMap((v) => (v.get(model) ?? []).map(Number)));
  const asked = askAgain(verdicts, new Map(models.map((model) => [model, share(model)])), 100);
  const lines = models.map((model) => {
    const own = asked.filter((a) => a.model === model);
    return {
      model,
      usual: share(model),
      foreseen: mean(own.map((a) => a.foreseen)),
      passed: mean(own.map((a) => Number(a.passed))),
    };
  });
  process.stdout.write(
    lines
      .map(
        (l) =>
          `${l.model}: passes ${l.usual.toFixed(2)} of all; asked again foreseen ${l.foreseen.toFixed(2)}, was ${l.passed.toFixed(2)}\n`,
      )
      .join(''),
  );
  for (const { foreseen, passed } of lines) expect(Math.abs(foreseen - passed)).toBeLessThan(0.08);
  const byChance = lines.toSorted((a, b) => b.foreseen - a.foreseen).map((l) => l.model);
  expect(byChance).toEqual(lines.toSorted((a, b) => b.passed - a.passed).map((l) => l.model));
});
