import { AcrError } from '@acrouter/domain/errors';
import { z } from 'zod';

/** One line of an answer file. */
export interface AnswerLine {
  /** `task_id`, or `id` where that is absent. */
  taskId: string;
  completion: string;
  /** Every field of the line but the completion, in the line's order. */
  rest: Record<string, unknown>;
}

const MAX_LISTED = 5;
const name = z.union([z.string(), z.number()]);
const answerSchema = z
  .looseObject({ task_id: name.optional(), id: name.optional(), completion: z.string() })
  .refine((a) => (a.task_id ?? a.id) !== undefined, { message: 'needs "task_id" or "id"' });

/** The answer of a line, or what is wrong with it. */
function readLine(line: string): AnswerLine | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
    // What is nested so deeply that it could not be written again cannot be shown beside a verdict either.
    JSON.stringify(value);
  } catch (error) {
    return error instanceof RangeError ? 'nested too deeply' : `not JSON (${(error as Error).message})`;
  }
  const parsed = answerSchema.safeParse(value);
  if (!parsed.success)
    return parsed.error.issues.map((i) => `${i.path.join('.') || 'the answer'}: ${i.message}`).join('; ');
  const { completion, ...rest } = parsed.data;
  return { taskId: String(rest.task_id ?? rest.id), completion, rest };
}

/**
 * Reads an answer file: `{"task_id" or "id", "completion", …}` per line, empty lines ignored, in file order.
 * @param file the file's name, for messages
 * @throws AcrError ACR_INVALID_REQUEST listing the first five mistakes with file and line
 */
export function parseAnswerFile(text: string, file: string): AnswerLine[] {
  const answers: AnswerLine[] = [];
  const mistakes: string[] = [];
  text
    .replace(/^\ufeff/, '')
    .split('\n')
    .forEach((line, index) => {
      if (line.trim() === '') return;
      const read = readLine(line);
      if (typeof read === 'string') mistakes.push(`${file}:${index + 1}: ${read}`);
      else answers.push(read);
    });
  if (mistakes.length > 0) {
    const more = mistakes.length > MAX_LISTED ? `\n  and ${mistakes.length - MAX_LISTED} more` : '';
    throw new AcrError(
      'ACR_INVALID_REQUEST',
      `The answer file has mistakes:\n  ${mistakes.slice(0, MAX_LISTED).join('\n  ')}${more}`,
    );
  }
  if (answers.length === 0)
    throw new AcrError('ACR_INVALID_REQUEST', `${file} has no answer. One JSON object a line is wanted.`);
  return answers;
}
