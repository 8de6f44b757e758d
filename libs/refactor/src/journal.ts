import { OUTCOMES } from '@acrouter/domain/task';
import { AcrError } from '@acrouter/domain/errors';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const usd = z.number().min(0);

/** What the user asked for; fixed when the refactor starts, but for the branch, which a resume may rename. */
export const refactorOptionsSchema = z.object({
  globs: z.array(z.string()).min(1),
  instruction: z.string().min(1),
  verify: z.string().min(1),
  /** `{file}` stands for the path. `null`: `verify` checks each answer too. */
  perFileVerify: z.string().nullable(),
  maxCostUsd: usd.nullable(),
  maxAttempts: z.number().int().nullable(),
  /** Tasks in the loop at once. */
  concurrency: z.number().int().min(1),
  branch: z.string(),
  groupSize: z.number().int().min(1),
  maxPromptTokens: z.number().int().min(100),
  verifyTimeoutMs: z.number().int().min(1_000),
  /** Toolchain that commands see. */
  language: z.string(),
  /** Folders that git does not know but commands need, e.g. node_modules. */
  include: z.array(z.string()),
});
export type RefactorOptions = z.infer<typeof refactorOptionsSchema>;

/** One task: the files it may change, or why it was not even asked. */
const unitSchema = z.object({
  key: z.string(),
  paths: z.array(z.string()).min(1),
  skipped: z.string().nullable(),
});
export type Unit = z.infer<typeof unitSchema>;

/** How a settled task ended; the answer itself is a file beside the journal. */
const resultSchema = z.object({
  taskId: z.string(),
  outcome: z.enum(OUTCOMES),
  model: z.string().nullable(),
  /** Models asked, one per attempt. */
  models: z.array(z.string()),
  costUsd: usd.nullable(),
  unknownCalls: z.number().int(),
  simulated: z.boolean(),
  answered: z.boolean(),
});

const checkSchema = z.object({
  failure: z.string().nullable(),
  ms: z.number(),
  /** Tests that ran, as far as the output tells; absent in journals of before. */
  tests: z.number().nullable().default(null),
});

const journalSchema = z.object({
  version: z.literal(1),
  id: z.string(),
  createdAt: z.iso.datetime(),
  base: z.string(),
  options: refactorOptionsSchema,
  units: z.array(unitSchema),
  /** Whether tasks carry the repository, so that the loop itself checks answers against it. */
  inLoop: z.boolean(),
  runId: z.string().nullable(),
  /** By task name; see nameOf. */
  results: z.record(z.string(), resultSchema),
  /** Units that are asked again because their answer failed here, by key: which round, and why. */
  retries: z.record(z.string(), z.object({ round: z.number().int(), reason: z.string() })).default({}),
  /** Verifications done, by commit and command: none is done twice. */
  checks: z.record(z.string(), checkSchema),
  finished: z.boolean(),
});
type UnitResult = z.infer<typeof resultSchema>;
export type JournalState = z.infer<typeof journalSchema>;

/** Name of a unit's task in the run: its key, and from the second round on the round. */
export const nameOf = (state: Pick<JournalState, 'retries'>, { key }: Pick<Unit, 'key'>): string => {
  const round = state.retries[key]?.round ?? 1;
  return round === 1 ? key : `${key}#${round}`;
};

/** Results of all rounds of a unit, in order. */
export const resultsOf = (state: JournalState, { key }: Pick<Unit, 'key'>): UnitResult[] => {
  const rounds = Array.from({ length: state.retries[key]?.round ?? 1 }, (_, n) => n + 1);
  return rounds.flatMap(
    (round) => state.results[nameOf({ retries: { [key]: { round, reason: '' } } }, { key })] ?? [],
  );
};

/** Everything a refactor knows, on disk after every step; a process that is killed loses nothing it has paid for. */
export class Journal {
  private constructor(
    readonly folder: string,
    readonly state: JournalState,
  ) {}

  static create(folder: string, state: JournalState): Journal {
    const journal = new Journal(folder, journalSchema.parse(state));
    journal.save();
    return journal;
  }

  /** @throws AcrError ACR_INVALID_REQUEST when the folder holds no journal of this version */
  static open(folder: string): Journal {
    try {
      const state = journalSchema.parse(JSON.parse(readFileSync(join(folder, 'journal.json'), 'utf8')));
      return new Journal(folder, state);
    } catch (cause) {
      throw new AcrError('ACR_INVALID_REQUEST', `${folder} holds no refactor that can be resumed.`, {
        cause,
      });
    }
  }

  save(): void {
    writeAtomically(join(this.folder, 'journal.json'), JSON.stringify(this.state, null, 1));
  }

  /** Changes the state and saves it. */
  update(change: (state: JournalState) => void): void {
    change(this.state);
    this.save();
  }
}

/** Folders of refactors below `home`, newest first. */
export function refactorFolders(home: string): string[] {
  if (!existsSync(home)) return [];
  return readdirSync(home)
    .filter((name) => existsSync(join(home, name, 'journal.json')))
    .sort()
    .reverse()
    .map((name) => join(home, name));
}

/** Writes the file so that it is either the old or the new one, whenever the process or the machine dies. */
export function writeAtomically(path: string, text: string): void {
  const next = `${path}.new`;
  const file = openSync(next, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
}
