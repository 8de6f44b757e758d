import { AcrError } from '@acrouter/domain/errors';
import { z } from 'zod';
import { taskSpecSchema, type TaskSpec } from './task-file';

/** Formats of task files: our own JSONL, and the files of two data sets as they are published. */
export const TASK_FORMATS = ['acr', 'humaneval', 'mbpp'] as const;
export type TaskFormat = (typeof TASK_FORMATS)[number];

/** At most so many mistakes are listed; a file of the wrong format has one on every line. */
const MAX_LISTED = 5;

/** One line of HumanEval (source: github.com/openai/human-eval); further fields are ignored. */
const humanEvalSchema = z.object({
  task_id: z.string().min(1),
  prompt: z.string().min(1),
  entry_point: z.string().min(1),
  test: z.string().min(1),
});

/** One line of MBPP, full (`text`, `test_setup_code`) or sanitized (`prompt`, `test_imports`). */
const mbppSchema = z
  .object({
    task_id: z.union([z.number().int(), z.string()]),
    text: z.string().min(1).optional(),
    prompt: z.string().min(1).optional(),
    test_setup_code: z.string().optional(),
    test_imports: z.array(z.string()).optional(),
    test_list: z.array(z.string()).min(1),
  })
  .refine((t) => t.text ?? t.prompt, { message: 'needs "text" or "prompt"' });

const READERS: Record<TaskFormat, (value: unknown) => TaskSpec> = {
  acr: (value) => taskSpecSchema.parse(value),
  humaneval: (value) => fromHumanEval(humanEvalSchema.parse(value)),
  mbpp: (value) => fromMbpp(mbppSchema.parse(value)),
};

/** HumanEval's own way of checking: its test defines `check`, which takes the function. */
function fromHumanEval(task: z.infer<typeof humanEvalSchema>): TaskSpec {
  return {
    id: task.task_id,
    prompt: task.prompt,
    language: 'python',
    dimension: 'code_generation',
    verification: { tests: `${task.test}\n\ncheck(${task.entry_point})\n`, entryPoint: task.entry_point },
  };
}

/** The prompt shows the tests, as the data set's authors do (arXiv 2108.07732, §3): they fix the function's name. */
function fromMbpp(task: z.infer<typeof mbppSchema>): TaskSpec {
  const setup = [...(task.test_imports ?? []), task.test_setup_code ?? ''].filter(Boolean);
  return {
    id: `mbpp/${task.task_id}`,
    prompt: `${task.text ?? task.prompt}\nYour code should pass these tests:\n\n${task.test_list.join('\n')}\n`,
    language: 'python',
    dimension: 'code_generation',
    verification: { tests: [...setup, ...task.test_list].join('\n') + '\n' },
  };
}

/**
 * Reads a task file: one JSON object per line, empty lines ignored. Tasks without an id get `line-<n>`.
 * @param name the file's name, for messages
 * @throws AcrError ACR_INVALID_REQUEST listing the first five mistakes with file and line
 */
export function parseTaskFile(text: string, format: TaskFormat, name: string): TaskSpec[] {
  const tasks: TaskSpec[] = [];
  const mistakes: string[] = [];
  const firstLine = new Map<string, number>();
  // A file saved on Windows may begin with a byte order mark.
  const lines = text.replace(/^\ufeff/, '').split('\n');
  lines.forEach((line, index) => {
    if (line.trim() === '') return;
    const number = index + 1;
    const read = readLine(line, format);
    if (typeof read === 'string') return void mistakes.push(`${name}:${number}: ${read}`);
    const task = { ...read, id: read.id ?? `line-${number}` };
    const twin = firstLine.get(task.id);
    if (twin) return void mistakes.push(`${name}:${number}: id "${task.id}" is taken by line ${twin}`);
    firstLine.set(task.id, number);
    tasks.push(task);
  });
  if (tasks.length === 0 && mistakes.length === 0) mistakes.push(`${name}: holds no task`);
  if (mistakes.length > 0) throw wrongFile(mistakes, format);
  return tasks;
}

/** The task of a line, or what is wrong with it. */
function readLine(line: string, format: TaskFormat): TaskSpec | string {
  try {
    return READERS[format](JSON.parse(line));
  } catch (error) {
    if (error instanceof z.ZodError)
      return error.issues
        .slice(0, 2)
        .map((issue) => `${issue.path.join('.') || 'the task'}: ${issue.message}`)
        .join('; ');
    return `not JSON (${(error as Error).message})`;
  }
}

function wrongFile(mistakes: string[], format: TaskFormat): AcrError {
  const more = mistakes.length > MAX_LISTED ? `\n  and ${mistakes.length - MAX_LISTED} more` : '';
  const hint = `It was read as format "${format}"; others: ${TASK_FORMATS.filter((f) => f !== format).join(', ')} (--format).`;
  return new AcrError(
    'ACR_INVALID_REQUEST',
    `The task file has mistakes:\n  ${mistakes.slice(0, MAX_LISTED).join('\n  ')}${more}\n${hint}`,
  );
}
