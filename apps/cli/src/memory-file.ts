import type { Database } from '@acrouter/db/client';
import { bytesToVector } from '@acrouter/db/context-store';
import { exportExperiences, insertExperiences, type NewExperience } from '@acrouter/db/experience-store';
import { AcrError } from '@acrouter/domain/errors';
import { inferDimension, inferLanguage, knownLanguage } from '@acrouter/domain/inference';
import { DIMENSIONS } from '@acrouter/domain/task';
import { normalise, type Embedder } from '@acrouter/embedding/embedder';
import { createHash } from 'node:crypto';
import { z } from 'zod';

const BATCH = 500;

/** One experience of a memory file, JSONL; docs/memory.md describes it. Needs an embedding or a prompt. */
const lineSchema = z
  .strictObject({
    /** The task it came from. Default: a digest of the prompt. */
    key: z.string().min(1).max(256).optional(),
    /** Distinguishes experiences of one key. Default: counts up within the file. */
    attempt: z.number().int().min(1).optional(),
    prompt: z.string().min(1).optional(),
    dimension: z.enum(DIMENSIONS).optional(),
    language: z.string().min(1).max(32).optional(),
    source: z.string().nullable().optional(),
    model: z.string().min(1).max(200),
    score: z.number().min(0).max(1),
    /** Default: whether the score is 1. */
    solved: z.boolean().optional(),
    costUsd: z.number().min(0).nullable().optional(),
    latencyMs: z.number().min(0).nullable().optional(),
    embedder: z.string().min(1).optional(),
    /** Base64 of little-endian float32. */
    embedding: z.base64().optional(),
    simulated: z.boolean().optional(),
  })
  .refine((l) => l.prompt !== undefined || (l.key && l.embedding && l.embedder), {
    message: 'needs "prompt", or "key" with "embedding" and "embedder"',
  })
  .refine((l) => l.prompt !== undefined || (l.dimension && l.language), {
    message: 'needs "dimension" and "language" where there is no "prompt" to tell them',
  });
export type MemoryLine = z.infer<typeof lineSchema>;

/** What an import did. */
export interface Imported {
  lines: number;
  /** Those that were not known before. */
  added: number;
  /** Lines in the vector space of another embedder, without a prompt: statistics only, never neighbours. */
  otherEmbedder: number;
}

/**
 * Adds the experiences of a memory file to a tenant, in batches; one that is known already (same key and
 * attempt) is left as it is, so an import may be repeated.
 * @param lines of JSON; empty ones are passed over
 * @throws AcrError ACR_INVALID_REQUEST naming the first line that is wrong; batches before it are kept.
 */
export async function importMemory(
  db: Database,
  tenantId: string,
  embedder: Embedder,
  lines: AsyncIterable<string>,
): Promise<Imported> {
  const imported: Imported = { lines: 0, added: 0, otherEmbedder: 0 };
  const attempts = new Map<string, number>();
  let batch: NewExperience[] = [];
  const flush = async () => {
    const ready = batch;
    batch = [];
    imported.added += await db.transaction().execute((trx) => insertExperiences(trx, ready));
  };
  let number = 0;
  for await (const text of lines) {
    number += 1;
    if (text.trim() === '') continue;
    const experience = await experienceOf(parseLine(text, number), number, tenantId, embedder, attempts);
    imported.lines += 1;
    if (experience.embedder !== embedder.id) imported.otherEmbedder += 1;
    if (batch.push(experience) === BATCH) await flush();
  }
  await flush();
  return imported;
}

/** The experiences of a tenant as lines of a memory file, oldest first. */
export async function* exportMemory(
  db: Database,
  tenantId: string,
  options: { prompts: boolean },
): AsyncGenerator<MemoryLine> {
  for (let afterId = 0; ;) {
    const rows = await exportExperiences(db, tenantId, afterId, BATCH);
    for (const row of rows)
      yield {
        key: row.task_key,
        attempt: row.attempt,
        ...(options.prompts && row.prompt !== null ? { prompt: row.prompt } : {}),
        dimension: row.dimension as MemoryLine['dimension'],
        language: row.language,
        source: row.source,
        model: row.model,
        score: row.score,
        solved: row.solved,
        costUsd: row.cost_usd,
        latencyMs: row.latency_ms,
        embedder: row.embedder,
        embedding: row.embedding.toString('base64'),
        simulated: row.simulated,
      };
    const last = rows.at(-1);
    if (!last || rows.length < BATCH) return;
    afterId = last.id;
  }
}

function parseLine(text: string, number: number): MemoryLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw wrong(number, `is not JSON: ${(cause as Error).message}`);
  }
  const parsed = lineSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw wrong(number, parsed.error.issues.map((i) => `${i.path.join('.')} ${i.message}`.trim()).join('; '));
}

async function experienceOf(
  line: MemoryLine,
  number: number,
  tenantId: string,
  embedder: Embedder,
  attempts: Map<string, number>,
): Promise<NewExperience> {
  const prompt = line.prompt ?? '';
  const key = line.key ?? `prompt-${createHash('sha256').update(prompt).digest('hex').slice(0, 32)}`;
  const attempt = line.attempt ?? (attempts.get(key) ?? 0) + 1;
  attempts.set(key, attempt);
  const language = line.language === undefined ? inferLanguage(prompt) : languageOf(line.language);
  return {
    tenantId,
    taskKey: key,
    attempt,
    dimension: line.dimension ?? inferDimension(prompt, language),
    language,
    source: line.source ?? null,
    model: line.model,
    score: line.score,
    solved: line.solved ?? line.score === 1,
    costUsd: line.costUsd ?? null,
    latencyMs: line.latencyMs ?? null,
    simulated: line.simulated ?? false,
    ...(await vectorOf(line, number, embedder)),
  };
}

const languageOf = (given: string) => knownLanguage(given) ?? given.trim().toLowerCase();

/** The line's own vector where it lives in the space of `embedder`, else a new one, where there is a prompt. */
async function vectorOf(line: MemoryLine, number: number, embedder: Embedder) {
  const own = line.embedding !== undefined && line.embedder !== undefined;
  if (line.prompt !== undefined && (!own || line.embedder !== embedder.id))
    return { embedding: await embedder.embed(line.prompt), embedder: embedder.id };
  const bytes = Buffer.from(line.embedding ?? '', 'base64');
  const expected = line.embedder === embedder.id ? 4 * embedder.dimensions : bytes.length;
  if (bytes.length === 0 || bytes.length % 4 !== 0 || bytes.length !== expected)
    throw wrong(number, `embedding has ${bytes.length} bytes, which no vector of ${line.embedder} has`);
  try {
    return { embedding: normalise(bytesToVector(bytes)), embedder: line.embedder ?? embedder.id };
  } catch (cause) {
    throw wrong(number, `embedding: ${(cause as Error).message}`);
  }
}

const wrong = (number: number, why: string) =>
  new AcrError('ACR_INVALID_REQUEST', `Line ${number} of the memory file ${why}`, {
    fields: { line: number },
  });
