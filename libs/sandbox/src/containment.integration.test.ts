import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxLimits, SandboxResult } from './sandbox';
import { OTHER_UID, OUTSIDE, placesHere, ROOT, SandboxChild } from './testing-sandbox';

jest.setTimeout(120_000);

/** Pids on the host whose command line holds `marker`, the sandbox's own helpers included. */
function pidsWith(marker: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || pid === String(process.pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(marker);
    } catch {
      return false;
    }
  });
}

async function nothingLeft(marker: string): Promise<string[]> {
  for (let i = 0; i < 50 && pidsWith(marker).length > 0; i++) await new Promise((r) => setTimeout(r, 100));
  return pidsWith(marker);
}

/** Back ends that run any program; QuickJS has a suite of its own (containment-quickjs). */
const places = placesHere(['bubblewrap', 'container']);

describe.each(places)('a $kind sandbox opened as $as', ({ kind, uid }) => {
  let sandbox: SandboxChild;
  let loopback: Server;
  let port: number;
  let reached = 0;
  let folder: string;
  beforeAll(async () => {
    sandbox = await SandboxChild.open({ kind, uid });
    loopback = createServer((socket) => {
      reached++;
      socket.end();
    });
    await new Promise<void>((resolve) => loopback.listen(0, '127.0.0.1', resolve));
    port = (loopback.address() as { port: number }).port;
    folder = mkdtempSync(join(tmpdir(), 'acr-containment-'));
    writeFileSync(join(folder, 'host-secret'), 'secret of the host', { mode: 0o644 });
  });
  afterAll(async () => {
    await sandbox.close();
    await new Promise((resolve) => loopback.close(resolve));
    rmSync(folder, { recursive: true });
  });

  /** Runs a program, then makes sure that nothing of it is left and that the next check works as ever. */
  async function attack(
    language: 'python' | 'bash',
    code: string,
    limits: Partial<SandboxLimits> = {},
  ): Promise<SandboxResult> {
    const marker = randomUUID();
    const argv =
      language === 'python'
        ? ['{tool}', '-I', '-S', '-c', `# ${marker}\n${code}`]
        : ['/bin/bash', '-c', `: ${marker}\n${code}`];
    const result = await sandbox.run({ language, argv, limits: { wallMs: 4_000, cpuSeconds: 4, ...limits } });
    expect(await nothingLeft(marker)).toEqual([]);
    const next = await sandbox.run({
      language: 'python',
      argv: ['{tool}', '-I', '-S', '-c', 'import os; print(6 * 7, os.listdir("."))'],
    });
    expect(next).toMatchObject({ outcome: { kind: 'ended', exitCode: 0 }, stdout: '42 []\n' });
    return result;
  }
  const python = (code: string, limits?: Partial<SandboxLimits>) => attack('python', code, limits);
  const shell = (code: string, limits?: Partial<SandboxLimits>) => attack('bash', code, limits);

  describe('bounds', () => {
    test('an endless loop', async () => {
      expect((await python('while True: pass', { wallMs: 700 })).outcome).toEqual({
        kind: 'timed-out',
        limit: 'wall',
      });
    });

    test('processor time burnt by many processes', async () => {
      const code =
        'import os\nfor _ in range(20):\n    if os.fork() == 0:\n        while True: pass\nwhile True: pass';
      expect((await python(code, { wallMs: 1_500 })).outcome).toEqual({ kind: 'timed-out', limit: 'wall' });
    });

    test('a fork bomb in Python', async () => {
      const code =
        'import os\nn = 0\nwhile True:\n    try:\n        if os.fork() == 0:\n            n += 1\n    except OSError: pass';
      expect((await python(code, { wallMs: 1_500 })).outcome.kind).toBe('timed-out');
    });

    test('a fork bomb in a shell', async () => {
      const result = await shell('b() { b | b & }; b; sleep 1; b; wait; sleep 20', { wallMs: 2_000 });
      expect(['timed-out', 'ended']).toContain(result.outcome.kind);
      expect(result.stderr).toMatch(/fork: .*(Resource temporarily unavailable|retry)/);
    });

    test('10 GB of memory', async () => {
      const result = await python(
        'b = bytearray(10 * 1024**3)\nfor i in range(0, len(b), 4096): b[i] = 1\nprint("got it")',
      );
      expect(result.stdout).not.toContain('got it');
      expect(result.outcome.kind === 'out-of-memory' || result.stderr.includes('MemoryError')).toBe(true);
    });

    test('memory spread over 100 processes', async () => {
      const code =
        'import os, time\nfor _ in range(100):\n    try:\n        if os.fork() == 0:\n            b = bytearray(64 * 1024**2)\n            for i in range(0, len(b), 4096): b[i] = 1\n            time.sleep(1); os._exit(0)\n    except OSError: pass\ntime.sleep(1.5)\nprint("survived")';
      const result = await python(code, { processes: 32 });
      // With control groups the sum is bounded; without them, the number of processes times the limit of each.
      expect(result.limitsHit.includes('memory') || uid !== undefined || !ROOT).toBe(true);
    });

    test('a 10 GB file', async () => {
      const code = 'f = open("big", "wb")\nfor _ in range(10240): f.write(bytes(1024**2))\nprint("wrote it")';
      const result = await python(code);
      expect(result.stdout).not.toContain('wrote it');
      const many = 'for i in range(10240):\n    open(f"f{i}", "wb").write(bytes(1024**2))\nprint("wrote it")';
      expect((await python(many)).stdout).not.toContain('wrote it');
    });

    test('a million small files', async () => {
      const before = statfsSync(tmpdir()).ffree;
      const code =
        'import os\nfor i in range(1_000_000):\n    for d in ("/box", "/tmp", "/dev/shm"): os.mkdir(f"{d}/{i}")\nprint("made them")';
      const result = await python(code, { wallMs: 60_000, cpuSeconds: 60 });
      expect(result.stdout).not.toContain('made them');
      if (kind === 'bubblewrap')
        expect(result).toMatchObject({ outcome: { kind: 'killed' }, limitsHit: ['files'] });
      expect(Math.abs(statfsSync(tmpdir()).ffree - before)).toBeLessThan(50_000);
    });

    test('a flood of output', async () => {
      const result = await python(
        'import os\nwhile True: os.write(1, b"x" * 65536); os.write(2, b"y" * 65536)',
      );
      expect(result.outcome.kind).toBe('output-flood');
      expect(result.stdout.length).toBe(1024 * 1024);
    });
  });

  describe('hides', () => {
    test('/etc/shadow and everything else that checks do not need', async () => {
      const code =
        'import os\nfor p in ["/etc/shadow", "/etc/passwd", "/root/.bashrc", "/home", "/var", "/run", "/sys", "/boot", "/opt", "/srv"]:\n    print(p, os.path.exists(p))';
      expect((await python(code)).stdout).not.toContain('True');
    });

    test("the files of another task and of the host's temporary folder", async () => {
      const secret = randomUUID();
      const other = sandbox.run({
        language: 'python',
        argv: ['{tool}', '-c', 'import time; time.sleep(2)'],
        files: { 'other.txt': secret },
      });
      const result = await python(
        'import os\nfor d, _, fs in os.walk("/"):\n    if d.startswith("/proc/self"): continue\n    for f in fs:\n        if f in ("other.txt", "host-secret"): print("found", d, f)',
      );
      expect(result.stdout).toBe('');
      await other;
      expect(existsSync(join(folder, 'host-secret'))).toBe(true);
    });

    test("the service's environment and its /proc", async () => {
      const code = `import os\nprint(sorted({*os.environ, 'PWD'}))\nprint([p for p in os.listdir("/proc") if p.isdigit()])\nprint(os.path.exists("/proc/${process.pid}/environ"), os.path.exists("/proc/${sandbox.pid}"))\nprint(open("/proc/1/environ").read())`;
      const { stdout } = await python(code);
      if (kind === 'bubblewrap')
        expect(stdout).toContain("['HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR', 'USER']");
      expect(stdout.split('\n')[1]?.split(',').length).toBeLessThan(5);
      expect(stdout).not.toMatch(/ACR_|TOKEN|SECRET|True/);
    });

    test("the host's loopback", async () => {
      const code = `import socket\nfor host in ("127.0.0.1", "localhost", "::1", "0.0.0.0"):\n    try:\n        socket.create_connection((host, ${port}), 1); print("reached")\n    except OSError as e: print(type(e).__name__)`;
      expect((await python(code)).stdout).not.toContain('reached');
      expect(reached).toBe(0);
    });

    test('name look-ups', async () => {
      const code =
        'import socket\ntry:\n    print(socket.getaddrinfo("example.invalid", 80))\nexcept OSError as e: print("refused")\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ntry: s.sendto(b"x", ("127.0.0.53", 53)); s.settimeout(0.3); s.recv(1)\nexcept OSError as e: print("refused")';
      expect((await python(code)).stdout).toBe('refused\nrefused\n');
    });

    test('abstract and file sockets of the host, and sockets of other kinds', async () => {
      const name = `acr-${randomUUID()}`;
      let visits = 0;
      const servers = [`\0${name}`, join(folder, 'socket')].map((path) =>
        createServer(() => visits++).listen(path),
      );
      const code = `import socket\nfor path in ("\\0${name}", "${join(folder, 'socket')}"):\n    try:\n        s = socket.socket(socket.AF_UNIX); s.connect(path); print("reached")\n    except OSError as e: print("refused")\nfor family in (40, 17, 16):\n    try:\n        s = socket.socket(family, socket.SOCK_RAW if family == 17 else socket.SOCK_STREAM); print("made", family)\n    except OSError: print("refused")`;
      const { stdout } = await python(code);
      await Promise.all(servers.map((s) => new Promise((resolve) => s.close(resolve))));
      expect(stdout).toBe('refused\n'.repeat(5));
      expect(visits).toBe(0);
    });
  });

  describe('keeps in', () => {
    test('symbolic links, hard links and ..', async () => {
      const code = `import os\nos.symlink("${folder}/host-secret", "l")\nfor f in (lambda: open("l").read(), lambda: open("../../../../../..${folder}/host-secret").read(), lambda: os.link("/usr/bin/env", "hard"), lambda: os.link("/proc/self/exe", "exe"), lambda: open("/proc/self/root${folder}/host-secret").read(), lambda: open("/proc/1/root${folder}/host-secret").read(), lambda: open("/proc/1/cwd/../${folder}/host-secret").read()):\n    try: print("got", f())\n    except OSError: print("refused")`;
      expect((await python(code)).stdout).toBe('refused\n'.repeat(7));
    });

    test('archives that write outside', async () => {
      const code = `import io, tarfile\nb = io.BytesIO()\nt = tarfile.open(fileobj=b, mode="w")\nfor n in ("../../../../${folder}/x", "/usr/bin/acr-x", "/etc/acr-x", "${folder}/y"):\n    i = tarfile.TarInfo(n); i.size = 1; t.addfile(i, io.BytesIO(b"x"))\nt.close(); b.seek(0)\nfor m in tarfile.open(fileobj=b):\n    try: tarfile.open(fileobj=io.BytesIO(b.getvalue())).extract(m)\n    except Exception as e: pass`;
      await python(code);
      expect(readdirSync(folder).sort()).toEqual(['host-secret']);
      expect(existsSync('/usr/bin/acr-x') || existsSync('/etc/acr-x')).toBe(false);
    });

    test('a daemon in its own session', async () => {
      const marker = `acr-daemon-${randomUUID()}`;
      const result = await shell(
        `setsid nohup bash -c 'exec -a ${marker} sleep 300' >/dev/null 2>&1 & disown; echo started`,
      );
      expect(result.stdout).toBe('started\n');
      expect(await nothingLeft(marker)).toEqual([]);
    });

    test('new namespaces inside', async () => {
      const { stdout } = await shell(
        'for n in U m p n i u C; do unshare -$n true 2>/dev/null && echo made $n; done; unshare -Ur id 2>/dev/null; echo done',
      );
      expect(stdout).toBe('done\n');
    });

    test('tracing of a sibling, of the parent and of pid 1', async () => {
      const code =
        'import ctypes, os, time\nlibc = ctypes.CDLL(None)\npid = os.fork()\nif pid == 0: time.sleep(2); os._exit(0)\nprint([libc.ptrace(16, p, 0, 0) for p in (pid, 1, os.getppid())])\nbuf = ctypes.create_string_buffer(8)\nclass V(ctypes.Structure): _fields_ = [("b", ctypes.c_void_p), ("n", ctypes.c_size_t)]\nv = V(ctypes.addressof(buf), 8)\nprint(libc.process_vm_readv(pid, ctypes.byref(v), 1, ctypes.byref(v), 1, 0))';
      expect((await python(code)).stdout).toBe('[-1, -1, -1]\n-1\n');
    });

    test("the kernel's keyring, io_uring, bpf and performance events", async () => {
      const code =
        'import ctypes\nlibc = ctypes.CDLL(None)\nfor n in (250, 248, 249, 425, 321, 298, 323, 272, 308, 165, 161, 304):\n    print(libc.syscall(n, 0, 0, 0, 0, 0), end=" ")';
      const { stdout } = await python(code);
      if (process.arch === 'x64') expect(stdout.trim().split(' ')).toEqual(Array(12).fill('-1'));
    });

    test('signals to the parent, to the service and to everybody', async () => {
      const code = `import os, signal\nfor pid in (${process.pid}, ${sandbox.pid}):\n    try: os.kill(pid, signal.SIGKILL); print("sent")\n    except OSError as e: print("refused")\ntry: os.kill(-1, signal.SIGCONT)\nexcept OSError: pass\nprint("alive")`;
      expect((await python(code)).stdout).toBe('refused\nrefused\nalive\n');
    });

    test('writing to the system', async () => {
      const code =
        'import os\nfor p in ("/", "/usr", "/usr/bin", "/usr/lib", "/etc", "/proc/sys/kernel", "/dev", "/lib", os.path.dirname(os.__file__)):\n    try: open(p + "/acr-x", "w"); print("wrote", p)\n    except OSError: pass\nfor p in ("/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/self/oom_score_adj"):\n    try:\n        with open(p, "w") as f: f.write("-1000")\n        print("wrote", p)\n    except OSError: pass\nprint("done")';
      expect((await python(code)).stdout).toBe('done\n');
    });

    test('device files: none of the host, none to be made', async () => {
      const code =
        'import os, stat\nprint(sorted(os.listdir("/dev")))\nfor p in ("sda", "vda", "mem", "kmsg", "kvm", "fuse", "net", "vsock"): print(os.path.exists("/dev/" + p), end="")\ntry: os.mknod("d", 0o600 | stat.S_IFBLK, os.makedev(8, 0)); print("made")\nexcept OSError: print("refused")';
      const { stdout } = await python(code);
      expect(stdout).toContain(`${'False'.repeat(8)}refused`);
    });

    test('no more rights by set-user-id programs', async () => {
      const { stdout } = await shell(
        'grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; id -u; su -c id 2>/dev/null; mount -t tmpfs x /tmp 2>/dev/null && echo mounted',
      );
      expect(stdout).toMatch(/CapEff:\s+0+\nCapBnd:\s+0+\nNoNewPrivs:\s+1\nSeccomp:\s+2\n65534\n$/);
    });

    test('a path 200 folders deep', async () => {
      const path = `${Array(200).fill('d').join('/')}/f.txt`;
      const result = await sandbox.run({
        language: 'python',
        argv: ['{tool}', '-c', `print(open("${path}").read())`],
        files: { [path]: 'deep' },
      });
      expect(result.stdout).toBe('deep\n');
      await python('import os\nfor _ in range(200): os.mkdir("d"); os.chdir("d")\nprint("made")');
    });

    test('a file name with a newline and escape codes', async () => {
      const name = 'a\n\u001b[31m b';
      const result = await sandbox.run({
        language: 'python',
        argv: ['{tool}', '-c', 'import os; print(os.listdir("."))'],
        files: { [name]: 'x' },
      });
      expect(result.stdout).toBe("['a\\n\\x1b[31m b']\n");
    });

    test('paths of a request that leave the folder', async () => {
      for (const path of ['../x', '/etc/x', 'a/../../x', 'a/./b', 'a//b', 'x\0y']) {
        await expect(
          sandbox.run({ language: 'python', argv: ['{tool}'], files: { [path]: '' } }),
        ).rejects.toThrow('leaves its folder');
      }
    });
  });
});

describe('a network around a bubblewrap sandbox', () => {
  const possible =
    ROOT &&
    existsSync('/usr/bin/unshare') &&
    (existsSync('/usr/sbin/ip') || existsSync('/sbin/ip') || existsSync('/usr/bin/ip'));
  if (!possible)
    process.stdout.write('Not tested: a network namespace of its own needs root and iproute2.\n');

  test.each([
    ['root', undefined],
    ['another user', OTHER_UID],
  ])('cannot be reached from inside, opened as %s', async (_user, uid) => {
    if (!possible) return;
    const sandbox = await SandboxChild.open({ uid, ownNetwork: true });
    try {
      const port = await sandbox.listen(OUTSIDE);
      expect(await sandbox.reach(OUTSIDE, port)).toBe(true);
      const code = `import socket\ntry:\n    socket.create_connection(("${OUTSIDE}", ${port}), 2); print("reached")\nexcept OSError as e: print("refused")`;
      const result = await sandbox.run({ language: 'python', argv: ['{tool}', '-c', code] });
      expect(result.stdout).toBe('refused\n');
      expect(await sandbox.connections()).toBe(1);
    } finally {
      await sandbox.close();
    }
  });
});

test('where /proc is masked, as in containers, bubblewrap works without one', async () => {
  if (!ROOT) return void process.stdout.write('Not tested: masking /proc needs root.\n');
  const sandbox = await SandboxChild.open({ uid: OTHER_UID, maskedProc: true });
  try {
    const code = 'import os; print(6 * 7, os.path.exists("/proc/self"))';
    const result = await sandbox.run({ language: 'python', argv: ['{tool}', '-c', code] });
    expect(result).toMatchObject({ outcome: { kind: 'ended', exitCode: 0 }, stdout: '42 False\n' });
  } finally {
    await sandbox.close();
  }
});
