import { describe, expect, test } from '@jest/globals';
import { seccompFilter } from './seccomp';

const AUDIT = { x64: 0xc000003e, arm64: 0xc00000b7 };
const ALLOW = 0x7fff0000;
const KILL = 0x80000000;
const refusedWith = (errno: number) => 0x00050000 | errno;
const EPERM = refusedWith(1);
const ENOSYS = refusedWith(38);
const EAFNOSUPPORT = refusedWith(97);

/** One system call as the kernel shows it to a filter (struct seccomp_data of linux/seccomp.h). */
interface Call {
  number: number;
  arch: number;
  args?: number[];
}

/** Runs the filter as the kernel would: a classic BPF machine with an accumulator (linux/filter.h). */
function decide(filter: Buffer, call: Call): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call.number >>> 0, 0);
  data.writeUInt32LE(call.arch >>> 0, 4);
  (call.args ?? []).forEach((value, index) => data.writeUInt32LE(value >>> 0, 16 + 8 * index));
  let accumulator = 0;
  for (let at = 0; at < filter.length / 8; at++) {
    const code = filter.readUInt16LE(at * 8);
    const jumps = [filter.readUInt8(at * 8 + 2), filter.readUInt8(at * 8 + 3)] as const;
    const value = filter.readUInt32LE(at * 8 + 4);
    const jump = (holds: boolean) => (at += holds ? jumps[0] : jumps[1]);
    if (code === 0x20) accumulator = data.readUInt32LE(value);
    else if (code === 0x15) jump(accumulator === value);
    else if (code === 0x35) jump(accumulator >= value);
    else if (code === 0x45) jump((accumulator & value) !== 0);
    else if (code === 0x06) return value;
    else throw new Error(`instruction ${at} has the unknown code ${code}`);
  }
  throw new Error('the filter ends without a decision');
}

const filters = {
  x64: seccompFilter('x64') as Buffer,
  arm64: seccompFilter('arm64') as Buffer,
};
type Machine = keyof typeof filters;
const on = (machine: Machine, number: number, ...args: number[]) =>
  decide(filters[machine], { number, arch: AUDIT[machine], args });

/** Name → number on x64 and arm64, from the kernel's own tables and not from our code. */
const REFUSED: Record<string, [number, number]> = {
  ptrace: [101, 117],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  pidfd_getfd: [438, 438],
  unshare: [272, 97],
  setns: [308, 268],
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  fsopen: [430, 430],
  move_mount: [429, 429],
  add_key: [248, 217],
  request_key: [249, 218],
  keyctl: [250, 219],
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  init_module: [175, 105],
  finit_module: [313, 273],
  kexec_load: [246, 104],
  open_by_handle_at: [304, 265],
  reboot: [169, 142],
  swapon: [167, 224],
  syslog: [103, 116],
  quotactl: [179, 60],
};
const ALLOWED: Record<string, [number, number]> = {
  read: [0, 63],
  write: [1, 64],
  openat: [257, 56],
  mmap: [9, 222],
  execve: [59, 221],
  futex: [202, 98],
  kill: [62, 129],
  exit_group: [231, 94],
  pipe2: [293, 59],
  epoll_wait: [232, 22],
};

describe.each([
  ['x64', 0],
  ['arm64', 1],
] as [Machine, 0 | 1][])('on %s', (machine, column) => {
  test.each(Object.entries(REFUSED))('%s is refused', (_name, numbers) => {
    expect(on(machine, numbers[column])).toBe(EPERM);
  });

  test.each(Object.entries(ALLOWED))('%s is allowed', (_name, numbers) => {
    expect(on(machine, numbers[column])).toBe(ALLOW);
  });

  test('clone3 and io_uring are not there, so that libraries fall back', () => {
    for (const number of [435, 425, 426, 427]) expect(on(machine, number)).toBe(ENOSYS);
  });

  test('clone makes processes and threads, but no namespace', () => {
    const clone = { x64: 56, arm64: 220 }[machine];
    const SIGCHLD = 17;
    const thread = 0x3d0f00;
    expect(on(machine, clone, SIGCHLD)).toBe(ALLOW);
    expect(on(machine, clone, thread)).toBe(ALLOW);
    for (const flag of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000, 0x80])
      expect(on(machine, clone, flag | SIGCHLD)).toBe(EPERM);
  });

  test('sockets are UNIX, IP and netlink, and of no other family', () => {
    const socket = { x64: 41, arm64: 198 }[machine];
    const allowed = Array.from({ length: 50 }, (_, family) => family).filter(
      (family) => on(machine, socket, family) === ALLOW,
    );
    expect(allowed).toEqual([1, 2, 10, 16]);
    expect(on(machine, socket, 40)).toBe(EAFNOSUPPORT);
  });

  test('a terminal cannot be fed', () => {
    const ioctl = { x64: 16, arm64: 29 }[machine];
    expect(on(machine, ioctl, 0, 0x5412)).toBe(EPERM);
    expect(on(machine, ioctl, 0, 0x541c)).toBe(EPERM);
    expect(on(machine, ioctl, 0, 0x5401)).toBe(ALLOW);
  });

  test('calls of another architecture end the process', () => {
    const other = machine === 'x64' ? 0x40000003 : AUDIT.x64;
    expect(decide(filters[machine], { number: 0, arch: other })).toBe(KILL);
  });
});

test('x32 calls, which share their architecture with x64, are refused whole', () => {
  expect(on('x64', 0x40000000 | 101)).toBe(ENOSYS);
  expect(on('x64', 0x40000000)).toBe(ENOSYS);
});

test('an architecture that is not known gets no filter', () => {
  expect(seccompFilter('mips')).toBeNull();
});
