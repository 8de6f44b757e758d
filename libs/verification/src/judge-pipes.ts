import { execFile } from 'node:child_process';
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pythonBundle, scriptBundle } from './harness-bundle';

/** Processes of one command that may load the answer; each gets an answer of its own. */
const SETS = 8;

const PREFIX = 'acr-judge-';
let swept = false;

/** Removes folders of processes that were killed before they could. */
function sweepOnce(): void {
  if (swept) return;
  swept = true;
  for (const name of readdirSync(tmpdir())) {
    const pid = new RegExp(`^${PREFIX}(\\d+)-`).exec(name)?.[1];
    if (pid && !existsSync(`/proc/${pid}`)) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

/**
 * A host folder with the pipes between the sandbox of a command (which sees all of it, as /judge) and the
 * sandboxes of the answer (which see one set each). Pipes join processes across sandboxes; data never touches the
 * disk, and the folder is mounted read-only.
 */
export class JudgePipes {
  private constructor(
    readonly folder: string,
    private readonly start: Socket,
  ) {}

  /** Makes the folder. `wanted` is called with the number of each set that a process of the command asks for. */
  static async open(words: readonly string[], wanted: (set: number) => void): Promise<JudgePipes> {
    sweepOnce();
    // Others may pass but not look; names inside a random folder cannot be guessed.
    const folder = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    const sets = Array.from({ length: SETS }, (_, i) => join(folder, 'sets', String(i)));
    for (const set of sets) mkdirSync(set, { recursive: true, mode: 0o755 });
    writeFileSync(join(folder, 'acr_harness.py'), pythonBundle());
    writeFileSync(join(folder, 'script-harness.cjs'), scriptBundle());
    writeFileSync(join(folder, 'words.json'), JSON.stringify(words));
    const pipes = [
      join(folder, 'start'),
      ...sets.flatMap((set) => ['q', 'p'].map((name) => join(set, name))),
    ];
    await promisify(execFile)('mkfifo', ['-m', '666', ...pipes]);
    await promisify(execFile)('chmod', ['711', folder]);
    const start = new Socket({
      fd: openSync(join(folder, 'start'), constants.O_RDWR | constants.O_NONBLOCK),
    });
    let text = '';
    start.on('error', () => undefined);
    start.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) if (/^\d$/.test(line) && Number(line) < SETS) wanted(Number(line));
    });
    return new JudgePipes(folder, start);
  }

  /** Folder of one set, to be mounted as /judge for an answer. */
  set(number: number): string {
    return join(this.folder, 'sets', String(number));
  }

  /** Wakes whoever still waits at one of the pipes, and removes the folder. */
  close(): void {
    this.start.destroy();
    for (let set = 0; set < SETS; set++) {
      for (const name of ['q', 'p']) {
        closeSync(openSync(join(this.set(set), name), constants.O_RDWR | constants.O_NONBLOCK));
      }
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
