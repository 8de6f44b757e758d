import { freePort } from '@acrouter/embedded/postgres';
import { Redis } from 'ioredis';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const exec = promisify(execFile);

/** Where the slots of each of three masters begin, and where they end. */
const SLOTS = [0, 5_461, 10_923, 16_384];

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>();
  while (ports.size < count) ports.add(await freePort());
  return [...ports];
}

/** Real Redis servers of one test, each kind as an operator would set it up; `stop` ends and removes all. */
export class RedisServers {
  readonly folder = mkdtempSync(join(tmpdir(), 'acr-redis-kinds-'));
  private readonly children: ChildProcess[] = [];

  /** Why tests of this kind cannot be run here, or `null`. */
  static async absent(tls = false): Promise<string | null> {
    try {
      await exec('redis-cli', ['--version']);
      await exec('redis-server', ['--version']);
      if (!tls) return null;
      await exec('openssl', ['version']);
      const probe = await exec('redis-server', [
        '--port',
        '0',
        '--tls-port',
        '1',
        '--tls-cert-file',
        '/none',
      ]).catch((error: { stdout?: string; stderr?: string }) => error);
      return /Bad directive|not supported|without TLS/i.test(`${probe.stdout}${probe.stderr}`)
        ? 'this redis-server was built without TLS'
        : null;
    } catch {
      return 'redis-server, redis-cli or openssl is not installed';
    }
  }

  /** Three masters that share the slots. */
  async cluster(): Promise<{ url: string; ports: number[] }> {
    const all = await freePorts(6);
    const ports = all.slice(0, 3);
    for (const [i, port] of ports.entries()) {
      const settings = ['--cluster-enabled', 'yes', '--cluster-port', String(all[i + 3])];
      await this.server(port, [...settings, '--cluster-config-file', `nodes-${port}.conf`]);
    }
    const nodes = ports.map((port) => new Redis({ port }));
    try {
      for (const [i, node] of nodes.entries()) {
        await node.cluster('SET-CONFIG-EPOCH', i + 1);
        await node.call('CLUSTER', 'ADDSLOTSRANGE', SLOTS[i] ?? 0, (SLOTS[i + 1] ?? 0) - 1);
      }
      await this.until(async () => {
        // Said again and again: a busy machine may miss the time in which two nodes must greet each other.
        for (const [i, port] of ports.entries())
          await nodes[0]?.call('CLUSTER', 'MEET', '127.0.0.1', port, all[i + 3] ?? 0);
        const infos = await Promise.all(nodes.map((node) => node.cluster('INFO')));
        return infos.every((info) => /cluster_state:ok[^]*cluster_size:3\b/.test(String(info)));
      });
    } finally {
      for (const node of nodes) node.disconnect();
    }
    return { url: `redis+cluster://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`, ports };
  }

  /** A master with a replica, both with a password, watched by one sentinel. */
  async sentinel(): Promise<{ url: string; master: ChildProcess; replicaPort: number }> {
    const [masterPort = 0, replicaPort = 0, sentinelPort = 0] = await freePorts(3);
    const password = ['--requirepass', 'se cret', '--masterauth', 'se cret'];
    const master = await this.server(masterPort, password, 'se cret');
    await this.server(replicaPort, [...password, '--replicaof', '127.0.0.1', String(masterPort)], 'se cret');
    const settings = join(this.folder, 'sentinel.conf');
    writeFileSync(
      settings,
      `port ${sentinelPort}\nbind 127.0.0.1\ndir ${this.folder}
sentinel monitor queue 127.0.0.1 ${masterPort} 1
sentinel auth-pass queue "se cret"
sentinel down-after-milliseconds queue 1000
sentinel failover-timeout queue 5000\n`,
    );
    this.start(['redis-server', settings, '--sentinel']);
    const cli = ['-p', String(sentinelPort), 'sentinel', 'replicas', 'queue'];
    await this.until(async () => (await exec('redis-cli', cli)).stdout.includes(`:${replicaPort}`));
    const url = `redis+sentinel://:se%20cret@127.0.0.1:${sentinelPort}/queue`;
    return { url, master, replicaPort };
  }

  /** TLS only, with a certificate of an authority that nobody else knows. */
  async tls(): Promise<{ url: string; otherAuthority: string }> {
    const port = await freePort();
    const file = (name: string) => join(this.folder, name);
    const authority = async (name: string) => {
      const subject = ['-subj', `/CN=${name}`, '-days', '2', '-nodes', '-newkey', 'rsa:2048'];
      await exec('openssl', [
        'req',
        '-x509',
        ...subject,
        '-keyout',
        file(`${name}.key`),
        '-out',
        file(`${name}.pem`),
      ]);
      return file(`${name}.pem`);
    };
    const ca = await authority('ours');
    const otherAuthority = await authority('another');
    const request = ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=localhost'];
    await exec('openssl', [...request, '-keyout', file('server.key'), '-out', file('server.csr')]);
    writeFileSync(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    const sign = [
      'x509',
      '-req',
      '-in',
      file('server.csr'),
      '-CA',
      ca,
      '-CAkey',
      file('ours.key'),
      '-CAcreateserial',
    ];
    await exec('openssl', [...sign, '-days', '2', '-extfile', file('names'), '-out', file('server.pem')]);
    const pair = ['--tls-cert-file', file('server.pem'), '--tls-key-file', file('server.key')];
    const trust = ['--tls-ca-cert-file', ca, '--tls-auth-clients', 'no'];
    this.start([...serverCommand(this.folder), '--port', '0', '--tls-port', String(port), ...pair, ...trust]);
    const cli = ['-p', String(port), '--tls', '--cacert', ca, 'ping'];
    await this.until(async () => (await exec('redis-cli', cli)).stdout.includes('PONG'));
    return { url: `rediss://localhost:${port}?ca=${ca}`, otherAuthority };
  }

  async stop(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async server(port: number, settings: string[], password?: string): Promise<ChildProcess> {
    const dir = join(this.folder, String(port));
    mkdirSync(dir);
    const child = this.start([...serverCommand(dir), '--port', String(port), ...settings]);
    const client = new Redis({ port, password, maxRetriesPerRequest: 300, retryStrategy: () => 50 });
    client.on('error', () => undefined);
    await client.ping().finally(() => client.disconnect());
    return child;
  }

  private start([command = '', ...args]: string[]): ChildProcess {
    const child = spawn(command, args, { stdio: 'ignore' });
    this.children.push(child);
    return child;
  }

  private async until(condition: () => Promise<boolean>): Promise<void> {
    for (let i = 0; i < 600; i++) {
      if (await condition().catch(() => false)) return;
      await new Promise((next) => setTimeout(next, 100));
    }
    throw new Error('the Redis servers did not come together');
  }
}

const serverCommand = (dir: string): string[] => {
  const bound = ['--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', dir];
  return ['redis-server', ...bound, '--maxmemory-policy', 'noeviction'];
};
