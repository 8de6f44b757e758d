import { rawEnv } from '@acrouter/config/env';
import type { Command } from 'commander';
import type { Finding } from '../doctor/finding';
import { checkDisk, checkNode, checkPort, judgeSandboxes } from '../doctor/machine';
import {
  checkDatabaseUrl,
  checkEmbeddedPostgres,
  checkModels,
  checkQueueUrl,
  checkServices,
} from '../doctor/services';
import { EXIT } from '../exit-codes';
import { poolFile } from '../model-pool';
import { paint, print, printJson } from '../output';
import { findDataDir, readLiveStack, type StackFile } from '../stack/stack-file';
import { wrap } from '../text-layout';
import { parsePort } from './up';

interface DoctorOptions {
  models?: string;
  queueUrl?: string;
  databaseUrl?: string;
  port?: number;
  dataDir?: string;
  offline?: boolean;
  json?: boolean;
}

/** `acr doctor` */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('check this machine and say how to mend what is wrong')
    .description(
      'Checks Node, sandbox, Postgres, queue, models and their keys, port and disk. Each key is tried with one\ncall of a few tokens unless --offline is given. Takes the options of "acr up".',
    )
    .option('--models <file>', 'the pool (default: that of the stack, models.yaml, the simulated pool)')
    .option('--queue-url <url>', 'the queues')
    .option('--database-url <url>', 'a Postgres of your own')
    .option('--port <number>', 'port of the gateway (default: 8700)', parsePort)
    .option('--data-dir <dir>', 'where data and logs live (default: .acr)')
    .option('--offline', 'call no model')
    .option('--json', 'print {"ok", "findings"} as one JSON document')
    .addHelpText('after', '\nExit codes: 0 nothing is wrong, 1 something is.')
    .action(async (options: DoctorOptions) => {
      const findings = await examine(options);
      const healthy = findings.every((f) => f.status !== 'problem');
      if (options.json) printJson({ ok: healthy, findings });
      else print(findings.map(describe).join('\n'));
      process.exitCode = healthy ? EXIT.ok : EXIT.unsolved;
    });
}

/** Looks at everything, at once where one does not disturb the other. */
async function examine(options: DoctorOptions): Promise<Finding[]> {
  const { probeSandboxes } = await import('@acrouter/sandbox/open');
  const dataDir = findDataDir(options.dataDir);
  const stack = readLiveStack(dataDir);
  const env = rawEnv();
  const databaseUrl = options.databaseUrl || env.ACR_DATABASE_URL || stack?.databaseUrl;
  const queueUrl = options.queueUrl || env.ACR_QUEUE_URL || queueOfItsOwn(stack);
  const port = options.port ?? Number(env.ACR_HTTP_PORT || (stack ? new URL(stack.url).port : 8700));
  const [sandboxes, database, queue, services, models, portFinding] = await Promise.all([
    probeSandboxes(),
    databaseUrl ? checkDatabaseUrl(databaseUrl) : checkEmbeddedPostgres(),
    queueUrl ? checkQueueUrl(queueUrl) : null,
    stack ? checkServices(stack) : [],
    checkModels(poolFile(options), Boolean(options.offline)),
    checkPort(port, stack),
  ]);
  return [
    checkNode(),
    ...judgeSandboxes(sandboxes),
    database,
    ...(queue ? [queue] : []),
    ...services,
    ...models,
    portFinding,
    checkDisk(dataDir),
  ];
}

const queueOfItsOwn = (stack: StackFile | null): string | undefined =>
  stack && stack.queueUrl !== stack.databaseUrl ? stack.queueUrl : undefined;

function describe(finding: Finding): string {
  const mark = {
    ok: paint.green('ok     '),
    warning: paint.yellow('warning'),
    problem: paint.red('PROBLEM'),
  }[finding.status];
  const [first = '', ...more] = finding.detail.split('\n').flatMap((text) => wrap(text, 46));
  const rest = more.map((text) => `${' '.repeat(33)}${text}`);
  const remedy = finding.remedy
    ? wrap(finding.remedy, 44).map((text, i) => `${' '.repeat(33)}${i === 0 ? '→' : ' '} ${paint.bold(text)}`)
    : [];
  return [`${mark}  ${finding.check.padEnd(23)} ${first}`, ...rest, ...remedy].join('\n');
}
