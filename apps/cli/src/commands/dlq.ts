import { QUEUE_NAMES } from '@acrouter/contracts/catalogue';
import { AcrError } from '@acrouter/domain/errors';
import type { DeadLetter, DeadLetters } from '@acrouter/queue/dead-letters';
import { rawEnv } from '@acrouter/config/env';
import { Option, type Command } from 'commander';
import { note, print, printJson } from '../output';
import { findDataDir, requireStack } from '../stack/stack-file';

interface DlqOptions {
  dataDir?: string;
  queueUrl?: string;
  json?: boolean;
  queue?: string;
  limit?: string;
}

/** `acr dlq` */
export function registerDlq(program: Command): void {
  const dlq = program
    .command('dlq')
    .summary('messages that were given up: list, show, retry, drop')
    .description(
      'Messages that no service could handle, each with the reason. Nothing is lost until it is dropped.',
    );
  const command = (name: string, description: string) =>
    dlq
      .command(name)
      .description(description)
      .option('--queue-url <url>', 'the queues (default: those of the stack running here)')
      .option('--data-dir <dir>', 'data folder of the stack (default: .acr)')
      .option('--json', 'print JSON lines');
  command('list', 'list them, oldest first')
    .addOption(new Option('--queue <name>', 'of one queue only').choices(QUEUE_NAMES))
    .option('--limit <n>', 'at most so many', '100')
    .action((options: DlqOptions) => withLetters(options, (letters) => list(letters, options)));
  command('show', 'show one with its message')
    .argument('<id>')
    .action((id: string, options: DlqOptions) =>
      withLetters(options, async (letters) => {
        const letter = await letters.show(id);
        if (options.json) printJson(letter);
        else print(JSON.stringify(letter, null, 2));
      }),
    );
  command('retry', 'deliver again')
    .argument('<id>', 'an id, or "all"')
    .action((id: string, options: DlqOptions) =>
      withLetters(options, async (letters) => tell(await letters.retry(id), 'delivered again', options)),
    );
  command('drop', 'forget for good')
    .argument('<id>', 'an id, or "all"')
    .action((id: string, options: DlqOptions) =>
      withLetters(options, async (letters) => tell(await letters.drop(id), 'dropped', options)),
    );
}

async function withLetters(
  options: DlqOptions,
  work: (letters: DeadLetters) => Promise<void>,
): Promise<void> {
  const { openQueueConnection } = await import('@acrouter/queue/connection');
  const { DeadLetters: Letters } = await import('@acrouter/queue/dead-letters');
  const given = options.queueUrl ?? rawEnv().ACR_QUEUE_URL;
  const connection = await openQueueConnection(given || requireStack(findDataDir(options.dataDir)).queueUrl, {
    poolSize: 2,
  });
  try {
    await work(new Letters(connection));
  } finally {
    await connection.close();
  }
}

async function list(letters: DeadLetters, options: DlqOptions): Promise<void> {
  const limit = Number(options.limit);
  if (!(limit >= 1)) throw new AcrError('ACR_INVALID_REQUEST', '--limit must be a number, 1 or more.');
  const found = await letters.list({ queue: options.queue, limit });
  if (options.json) return found.forEach((letter) => printJson(letter));
  if (found.length === 0) return note('No dead letters.');
  for (const letter of found) print(line(letter));
  note('Deliver one again with "acr dlq retry ID", all with "acr dlq retry all".');
}

function line(letter: DeadLetter): string {
  const at = new Date(letter.failedAtMs).toISOString().slice(0, 19);
  const queue = letter.key ? `${letter.queue} (${letter.key})` : letter.queue;
  return `${letter.id}  ${at}  ${queue}  after ${letter.deliveries}: ${letter.reason.split('\n')[0]}`;
}

function tell(count: number, what: string, options: DlqOptions): void {
  if (options.json) printJson({ count });
  note(`${count} ${count === 1 ? 'message' : 'messages'} ${what}.`);
}
