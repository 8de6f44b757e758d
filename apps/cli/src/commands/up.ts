import { rawEnv, readEnv } from '@acrouter/config/env';
import { makeFolder } from '@acrouter/config/make-folder';
import { AcrError, ERRORS, type ErrorCode } from '@acrouter/domain/errors';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { spawn } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT, exitCodeOf } from '../exit-codes';
import { chosenPoolFile } from '../model-pool';
import { note, paint, printJson } from '../output';
import { signal } from '../stack/processes';
import { findDataDir, pathsOf, unwritable, type StackFile } from '../stack/stack-file';
import { Supervisor, type StackOptions } from '../stack/supervisor';

interface UpOptions {
  models?: string;
  queueUrl?: string;
  databaseUrl?: string;
  port?: number;
  dataDir?: string;
  detach?: boolean;
  background?: boolean;
  json?: boolean;
}

/** What the supervisor in the background tells the command that started it. */
type BackgroundMessage =
  | { kind: 'progress'; line: string }
  | { kind: 'ready'; stack: StackFile }
  | { kind: 'failed'; code: string; message: string };

/** `acr up` */
export function registerUp(program: Command): void {
  program
    .command('up')
    .summary('start the stack: Postgres and the five services')
    .description('Starts Postgres and the five services, each its own process, and restarts what crashes.')
    .option('--models <file>', 'the pool (default: models.yaml here, else the simulated pool)')
    .option('--queue-url <url>', 'Redis or Postgres for the queues (default: the database)')
    .option('--database-url <url>', 'a Postgres of your own (default: an embedded one)')
    .option('--port <number>', 'port of the gateway; 0 picks a free one (default: 8700)', parsePort)
    .option('--data-dir <dir>', 'where data and logs live (default: .acr)')
    .option('--detach', 'return once everything is ready; "acr down" stops it')
    .option('--json', 'print the running stack as JSON when it is ready')
    .addOption(new Option('--background').hideHelp())
    .addHelpText(
      'after',
      `
Examples:
  $ acr up --detach
  $ acr up --models models.yaml --queue-url redis://127.0.0.1:6379`,
    )
    .action(async (options: UpOptions) => {
      checkEnvironment(options);
      if (options.background) await serveInBackground(options);
      else if (options.detach) await startInBackground(options);
      else await serve(options);
    });
}

/** The services read the same variables; five that end and start again would say a mistake less clearly. */
function checkEnvironment({ databaseUrl, queueUrl }: UpOptions): void {
  const env = rawEnv();
  readEnv({
    ...env,
    ACR_DATABASE_URL: databaseUrl ?? (env.ACR_DATABASE_URL || 'postgres://embedded'),
    ACR_QUEUE_URL: queueUrl ?? env.ACR_QUEUE_URL,
  });
}

/** For commander: a TCP port. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}

function stackOptions(options: UpOptions, log: (line: string) => void): StackOptions {
  const env = rawEnv();
  const port = options.port ?? (env.ACR_HTTP_PORT ? parsePort(env.ACR_HTTP_PORT) : undefined);
  return {
    dataDir: findDataDir(options.dataDir),
    port,
    databaseUrl: options.databaseUrl ?? (env.ACR_DATABASE_URL || undefined),
    queueUrl: options.queueUrl ?? (env.ACR_QUEUE_URL || undefined),
    modelsFile: chosenPoolFile(options.models),
    log,
  };
}

/** Runs until Ctrl-C or SIGTERM; a second one ends at once. */
async function serve(options: UpOptions): Promise<void> {
  const supervisor = new Supervisor(stackOptions(options, (line) => note(`  ${line}`)));
  const interrupted = onceInterrupted(supervisor, () => note('Stopping … (again to end at once)'));
  const stack = await Promise.race([supervisor.start(), interrupted]);
  if (stack) {
    announce(stack, findDataDir(options.dataDir), Boolean(options.json));
    note('Ctrl-C stops it.');
    await interrupted;
  }
  process.exitCode = EXIT.ok;
}

/** Resolves (to nothing) when the stack has been stopped because of a signal. */
export function onceInterrupted(supervisor: Supervisor, tell: () => void): Promise<undefined> {
  return new Promise((done, fail) => {
    let asked = false;
    const stop = () => {
      // The services see our end at once and follow; the keeper stops Postgres.
      if (asked) process.exit(EXIT.interrupted);
      asked = true;
      tell();
      supervisor.stop().then(() => done(undefined), fail);
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, stop);
  });
}

/** Says where everything is. */
export function announce(stack: StackFile, dataDir: string, json: boolean): void {
  if (json) printJson({ ...publicView(stack), dataDir });
  note(`${paint.green('ready')}  API   ${stack.url}   (description: ${stack.url}/openapi.json)`);
  note(`       pool  ${stack.modelsFile ?? 'simulated: no real model is called'}`);
  note(`       data  ${dataDir}   logs in ${join(dataDir, 'logs')}`);
}

/** What may be shown of a stack: everything but the passwords in its URLs. */
export function publicView(stack: StackFile) {
  return { ...stack, databaseUrl: hidePassword(stack.databaseUrl), queueUrl: hidePassword(stack.queueUrl) };
}

const hidePassword = (url: string): string => url.replace(/(:\/\/[^:@/]*):[^@/]*@/, '$1:***@');

async function serveInBackground(options: UpOptions): Promise<void> {
  const tell = (message: BackgroundMessage) => {
    if (process.connected) process.send?.(message);
  };
  const supervisor = new Supervisor(
    stackOptions(options, (line) => {
      note(`${new Date().toISOString()} ${line}`);
      tell({ kind: 'progress', line });
    }),
  );
  const interrupted = onceInterrupted(supervisor, () => note('Stopping'));
  try {
    const stack = await Promise.race([supervisor.start(), interrupted]);
    if (stack) tell({ kind: 'ready', stack });
  } catch (error) {
    const code = error instanceof AcrError ? error.code : 'ACR_INTERNAL';
    tell({ kind: 'failed', code, message: (error as Error).message });
    process.exitCode = exitCodeOf(error);
    if (process.connected) process.disconnect();
    return;
  }
  if (process.connected) process.disconnect();
  await interrupted;
}

/** Starts the supervisor as a process of its own and waits until it is ready. */
async function startInBackground(options: UpOptions): Promise<void> {
  const dataDir = findDataDir(options.dataDir);
  const { logs } = pathsOf(dataDir);
  let log: number;
  try {
    makeFolder(logs);
    log = openSync(join(logs, 'supervisor.log'), 'a', 0o600);
  } catch (cause) {
    throw unwritable(dataDir, cause as NodeJS.ErrnoException);
  }
  const script = process.argv[1] ?? '';
  const args = process.argv.slice(2).filter((arg) => arg !== '--detach');
  const child = spawn(process.execPath, [script, ...args, '--background'], {
    stdio: ['ignore', log, log, 'ipc'],
    detached: true,
  });
  const cancel = () => signal(child.pid ?? 0, 'SIGTERM');
  process.once('SIGINT', cancel);
  const result = await new Promise<BackgroundMessage>((done) => {
    child.on('message', (message: BackgroundMessage) =>
      message.kind === 'progress' ? note(`  ${message.line}`) : done(message),
    );
    child.on('exit', (code) =>
      done({ kind: 'failed', code: 'ACR_INTERNAL', message: endMessage(logs, code) }),
    );
  });
  process.off('SIGINT', cancel);
  if (result.kind === 'failed')
    throw new AcrError(result.code in ERRORS ? (result.code as ErrorCode) : 'ACR_INTERNAL', result.message);
  if (result.kind === 'ready') announce(result.stack, dataDir, Boolean(options.json));
  if (child.connected) child.disconnect();
  child.unref();
}

function endMessage(logs: string, code: number | null): string {
  const file = join(logs, 'supervisor.log');
  const tail = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-3).join('\n');
  return `The stack ended while it started (exit code ${code}). ${file} ends with:\n${tail}`;
}
