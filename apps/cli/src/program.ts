import { Command } from 'commander';

/** A command: shown in the help from here, loaded only when it is called, so that `acr --help` is quick. */
interface CommandEntry {
  name: string;
  summary: string;
  group: string;
  load: () => Promise<(program: Command) => void>;
}

const START = 'Start and stop:';
const WORK = 'Work:';
const LOOK = 'Look closer:';
const ADMIN = 'Tenants:';

const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'init',
    summary: 'write a models.yaml to start from',
    group: START,
    load: async () => (await import('./commands/init')).registerInit,
  },
  {
    name: 'up',
    summary: 'start the stack: Postgres and the five services',
    group: START,
    load: async () => (await import('./commands/up')).registerUp,
  },
  {
    name: 'down',
    summary: 'stop the stack',
    group: START,
    load: async () => (await import('./commands/down')).registerDown,
  },
  {
    name: 'status',
    summary: 'show services, queues, database, pool and sandbox',
    group: START,
    load: async () => (await import('./commands/status')).registerStatus,
  },
  {
    name: 'doctor',
    summary: 'check this machine and say how to mend what is wrong',
    group: START,
    load: async () => (await import('./commands/doctor')).registerDoctor,
  },
  {
    name: 'quickstart',
    summary: 'route the example tasks on a simulated pool, start to finish',
    group: START,
    load: async () => (await import('./commands/quickstart')).registerQuickstart,
  },
  {
    name: 'submit',
    summary: 'submit a file of tasks',
    group: WORK,
    load: async () => (await import('./commands/submit')).registerSubmit,
  },
  {
    name: 'refactor',
    summary: 'change many files of a repository, verified, as one branch',
    group: WORK,
    load: async () => (await import('./commands/refactor')).registerRefactor,
  },
  {
    name: 'watch',
    summary: 'follow a run live',
    group: WORK,
    load: async () => (await import('./commands/watch')).registerWatch,
  },
  {
    name: 'report',
    summary: 'what a run solved, cost and saved',
    group: WORK,
    load: async () => (await import('./commands/report')).registerReport,
  },
  {
    name: 'cancel',
    summary: 'cancel a task or a run',
    group: WORK,
    load: async () => (await import('./commands/cancel')).registerCancel,
  },
  {
    name: 'explain',
    summary: 'why each model was chosen for a task',
    group: LOOK,
    load: async () => (await import('./commands/explain')).registerExplain,
  },
  {
    name: 'verify',
    summary: 'check answers without routing',
    group: LOOK,
    load: async () => (await import('./commands/verify')).registerVerify,
  },
  {
    name: 'models',
    summary: 'list the pool, or test each model with one small call',
    group: LOOK,
    load: async () => (await import('./commands/models')).registerModels,
  },
  {
    name: 'memory',
    summary: 'what has been learnt; export and import it',
    group: LOOK,
    load: async () => (await import('./commands/memory')).registerMemory,
  },
  {
    name: 'ci',
    summary: 'submit, wait and report from a pipeline',
    group: WORK,
    load: async () => (await import('./commands/ci')).registerCi,
  },
  {
    name: 'keys',
    summary: 'API keys: create, list, revoke',
    group: ADMIN,
    load: async () => (await import('./commands/keys')).registerKeys,
  },
  {
    name: 'budgets',
    summary: 'what each tenant may spend: set, list, remove',
    group: ADMIN,
    load: async () => (await import('./commands/budgets')).registerBudgets,
  },
  {
    name: 'tenants',
    summary: 'who shares the stack: list, set-weight',
    group: ADMIN,
    load: async () => (await import('./commands/tenants')).registerTenants,
  },
  {
    name: 'retention',
    summary: 'erase and delete what is older than the policy',
    group: ADMIN,
    load: async () => (await import('./commands/retention')).registerRetention,
  },
  {
    name: 'dlq',
    summary: 'messages that were given up: list, show, retry, drop',
    group: LOOK,
    load: async () => (await import('./commands/dlq')).registerDlq,
  },
  {
    name: 'migrate',
    summary: 'bring a Postgres of your own up to date',
    group: START,
    load: async () => (await import('./commands/migrate')).registerMigrate,
  },
  {
    name: 'bench',
    summary: 'replay benchmarks and compare policies',
    group: LOOK,
    load: async () => (await import('./commands/bench')).registerBench,
  },
];

const EXAMPLES = `
Examples:
  $ acr up --detach                        start, with the simulated pool
  $ acr submit tasks.jsonl --wait          one JSON task per line: {"id", "prompt", ...}
  $ acr report                             the last run: solved, cost, savings
  $ acr explain <task>                     why a model was chosen

Exit codes: 0 ok · 1 unsolved tasks or findings · 2 wrong input · 3 no stack answers
            4 over budget · 5 infrastructure failure · 130 interrupted`;

/** The program for one command line: only the command that it names is loaded, the others are names in the help. */
export async function buildProgram(argv: readonly string[]): Promise<Command> {
  const program = new Command('acr')
    .description(
      'Sends each coding task to the model most likely to solve it for the least money,\nchecks the answer by running it, and learns.',
    )
    .configureHelp({ helpWidth: 80, minWidthToWrap: 20 })
    .showSuggestionAfterError()
    .addHelpText('after', EXAMPLES)
    .version('0.1.0', '-V, --version', 'print the version')
    .exitOverride();
  const called = argv[0] === 'help' ? argv[1] : argv[0];
  for (const entry of COMMANDS) {
    program.commandsGroup(entry.group);
    if (entry.name === called) (await entry.load())(program);
    else program.command(entry.name).summary(entry.summary);
  }
  inheritSettings(program);
  return program;
}

/** Commands made by other files get the program's way of failing: throw, never exit; point to the help. */
function inheritSettings(parent: Command): void {
  for (const command of parent.commands) {
    command.copyInheritedSettings(parent);
    const path = command.parent?.name() === 'acr' ? command.name() : `${parent.name()} ${command.name()}`;
    command.showHelpAfterError(`Run "acr ${path} --help" for its options.`);
    inheritSettings(command);
  }
}
