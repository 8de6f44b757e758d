import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder for ACR_REPOSITORIES with repositories that a test makes. */
export class TestRepositories {
  readonly root = mkdtempSync(join(tmpdir(), 'acr-testing-repositories-'));

  constructor() {
    chmodSync(this.root, 0o755);
  }

  git(name: string, ...args: string[]): string {
    const settings = ['-c', 'user.name=t', '-c', 'user.email=t@localhost', '-c', 'commit.gpgsign=false'];
    return execFileSync('git', [...settings, ...args], {
      cwd: join(this.root, name),
      encoding: 'utf8',
    }).trim();
  }

  write(name: string, files: Record<string, string>): void {
    for (const [path, text] of Object.entries(files)) {
      const file = join(this.root, name, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
  }

  /** Makes a repository with one commit; its id. */
  create(name: string, files: Record<string, string>): string {
    mkdirSync(join(this.root, name), { recursive: true });
    this.git(name, 'init', '--quiet');
    this.write(name, files);
    this.git(name, 'add', '--all', '--force');
    this.git(name, 'commit', '--quiet', '-m', 'first');
    return this.git(name, 'rev-parse', 'HEAD');
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
