import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { ROOT } from './stack';

const OPS = join(ROOT, 'ops/prometheus');

interface ScrapeConfig {
  job_name: string;
  dns_sd_configs?: unknown;
  static_configs?: { targets: string[] }[];
}

/** One sample of an instant query. */
export interface Sample {
  metric: Record<string, string>;
  value: [number, string];
}

/** Whether this machine has both programs of the package `prometheus`. */
export function hasPrometheus(): boolean {
  return ['prometheus', 'promtool'].every((tool) => spawnSync(tool, ['--version']).status === 0);
}

/** A real Prometheus with the shipped rules, scraping the given processes every second. */
export class Prometheus {
  private constructor(
    private readonly dir: string,
    private readonly child: ChildProcess,
    private readonly url: string,
  ) {}

  static async start(ports: readonly number[]): Promise<Prometheus> {
    const dir = mkdtempSync(join(tmpdir(), 'acr-prometheus-'));
    const config = join(dir, 'prometheus.yml');
    writeFileSync(config, stringify(localConfig(ports)));
    const address = `127.0.0.1:${await freePort()}`;
    const args = [`--config.file=${config}`, `--storage.tsdb.path=${dir}/data`];
    const child = spawn('prometheus', [...args, `--web.listen-address=${address}`], { stdio: 'ignore' });
    const prometheus = new Prometheus(dir, child, `http://${address}`);
    for (let i = 0; i < 200; i++) {
      const answer = await fetch(`${prometheus.url}/-/ready`).catch(() => null);
      if (answer?.ok) return prometheus;
      await sleep(100);
    }
    await prometheus.stop();
    throw new Error('prometheus did not start');
  }

  /** @throws what Prometheus says is wrong with the expression */
  async query(expr: string): Promise<Sample[]> {
    const body = new URLSearchParams({ query: expr });
    const response = await fetch(`${this.url}/api/v1/query`, { method: 'POST', body });
    const answer = (await response.json()) as { error?: string; data?: { result: Sample[] } };
    if (!answer.data) throw new Error(`${expr}: ${answer.error}`);
    return answer.data.result;
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>((done) => this.child.once('exit', () => done()));
    if (this.child.exitCode === null) {
      this.child.kill('SIGTERM');
      await ended;
    }
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** The shipped configuration, its names replaced by local ports and its pace by a test's. */
function localConfig(ports: readonly number[]) {
  const shipped = parse(readFileSync(join(OPS, 'prometheus.yml'), 'utf8')) as {
    rule_files: string[];
    scrape_configs: ScrapeConfig[];
  };
  return {
    ...shipped,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: shipped.rule_files.map((file) => join(OPS, file)),
    scrape_configs: shipped.scrape_configs.map(({ dns_sd_configs: _names, ...job }) => ({
      ...job,
      static_configs: [{ targets: ports.map((port) => `127.0.0.1:${port}`) }],
    })),
  };
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}
