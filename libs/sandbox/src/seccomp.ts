/**
 * A seccomp filter as bubblewrap's `--seccomp` takes it: an array of `struct sock_filter` in host byte order.
 * It refuses what no check needs and what has carried most kernel exploits (new namespaces, keyring, bpf,
 * ptrace, io_uring, mounts, exotic sockets such as vsock, which a network namespace does not contain).
 * Source: seccomp_data layout of linux/seccomp.h; numbers of arch/x86/entry/syscalls/syscall_64.tbl and
 * include/uapi/asm-generic/unistd.h.
 */
interface Machine {
  /** AUDIT_ARCH_*. */
  audit: number;
  /** Column of REFUSED. */
  column: 0 | 1;
  clone: number;
  socket: number;
  ioctl: number;
  /** First number of a second table to be refused whole (x32), or `null`. */
  foreignFrom: number | null;
}

const MACHINES: Partial<Record<string, Machine>> = {
  x64: { audit: 0xc000003e, column: 0, clone: 56, socket: 41, ioctl: 16, foreignFrom: 0x40000000 },
  arm64: { audit: 0xc00000b7, column: 1, clone: 220, socket: 198, ioctl: 29, foreignFrom: null },
};

/** Refused with EPERM: name → number on x64 and on arm64 (`null`: does not exist there). */
const REFUSED: Record<string, readonly [number, number | null]> = {
  acct: [163, 89],
  add_key: [248, 217],
  adjtimex: [159, 171],
  bpf: [321, 280],
  chroot: [161, 51],
  clock_adjtime: [305, 266],
  clock_settime: [227, 112],
  create_module: [174, null],
  delete_module: [176, 106],
  fanotify_init: [300, 262],
  fanotify_mark: [301, 263],
  finit_module: [313, 273],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fsopen: [430, 430],
  fspick: [433, 433],
  init_module: [175, 105],
  ioperm: [173, null],
  iopl: [172, null],
  kcmp: [312, 272],
  kexec_file_load: [320, 294],
  kexec_load: [246, 104],
  keyctl: [250, 219],
  lookup_dcookie: [212, 18],
  migrate_pages: [256, 238],
  modify_ldt: [154, null],
  mount: [165, 40],
  mount_setattr: [442, 442],
  move_mount: [429, 429],
  move_pages: [279, 239],
  name_to_handle_at: [303, 264],
  nfsservctl: [180, 42],
  open_by_handle_at: [304, 265],
  open_tree: [428, 428],
  perf_event_open: [298, 241],
  pidfd_getfd: [438, 438],
  pivot_root: [155, 41],
  process_vm_readv: [310, 270],
  process_vm_writev: [311, 271],
  ptrace: [101, 117],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  reboot: [169, 142],
  request_key: [249, 218],
  setdomainname: [171, 162],
  sethostname: [170, 161],
  setns: [308, 268],
  settimeofday: [164, 170],
  swapoff: [168, 225],
  swapon: [167, 224],
  syslog: [103, 116],
  umount2: [166, 39],
  unshare: [272, 97],
  uselib: [134, null],
  userfaultfd: [323, 282],
  vhangup: [153, 58],
};

/** Answered with ENOSYS, so that glibc and libuv fall back to older calls: clone3 (its flags are in memory,
 * where no filter can look) and io_uring (setup, enter, register). */
const ABSENT = [435, 425, 426, 427];

const LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
const EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
const AT_LEAST = 0x35; // BPF_JMP | BPF_JGE | BPF_K
const ANY_BIT = 0x45; // BPF_JMP | BPF_JSET | BPF_K
const RETURN = 0x06; // BPF_RET | BPF_K

const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const EPERM = 0x00050000 | 1;
const ENOSYS = 0x00050000 | 38;
const EAFNOSUPPORT = 0x00050000 | 97;

const OFFSET_NUMBER = 0;
const OFFSET_ARCH = 4;
const offsetOfArgument = (index: number) => 16 + 8 * index;

/** CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET | NEWTIME. */
const NEW_NAMESPACES = 0x7e020080;
const TIOCSTI = 0x5412;
const TIOCLINUX = 0x541c;
/** AF_UNIX, AF_INET, AF_INET6, AF_NETLINK (getaddrinfo and `os.networkInterfaces` ask it). */
const SOCKET_FAMILIES = [1, 2, 10, 16];

type Instruction = [code: number, jumpTrue: number, jumpFalse: number, value: number];

const returns = (value: number): Instruction => [RETURN, 0, 0, value];

/** `if (accumulator == value) return action`, falling through otherwise. */
const refuse = (value: number, action: number): Instruction[] => [[EQUAL, 0, 1, value], returns(action)];

/** Runs `body` only for system call `number`; reloads the number afterwards. */
function forCall(number: number, body: Instruction[]): Instruction[] {
  return [[EQUAL, 0, body.length + 1, number], ...body, [LOAD, 0, 0, OFFSET_NUMBER]];
}

function program(machine: Machine): Instruction[] {
  const argument = (index: number): Instruction => [LOAD, 0, 0, offsetOfArgument(index)];
  return [
    [LOAD, 0, 0, OFFSET_ARCH],
    [EQUAL, 1, 0, machine.audit],
    returns(KILL_PROCESS),
    [LOAD, 0, 0, OFFSET_NUMBER],
    ...(machine.foreignFrom === null
      ? []
      : ([[AT_LEAST, 0, 1, machine.foreignFrom], returns(ENOSYS)] satisfies Instruction[])),
    ...Object.values(REFUSED).flatMap((numbers) => {
      const number = numbers[machine.column];
      return number === null ? [] : refuse(number, EPERM);
    }),
    ...ABSENT.flatMap((number) => refuse(number, ENOSYS)),
    ...forCall(machine.clone, [argument(0), [ANY_BIT, 0, 1, NEW_NAMESPACES], returns(EPERM)]),
    ...forCall(machine.ioctl, [argument(1), ...refuse(TIOCSTI, EPERM), ...refuse(TIOCLINUX, EPERM)]),
    ...forCall(machine.socket, [
      argument(0),
      ...SOCKET_FAMILIES.flatMap((family) => [[EQUAL, 0, 1, family], returns(ALLOW)] as Instruction[]),
      returns(EAFNOSUPPORT),
    ]),
    returns(ALLOW),
  ];
}

/**
 * The filter for `architecture` (`process.arch`), or `null` where its numbers are not known; bubblewrap then
 * runs without one and the probe says so.
 */
export function seccompFilter(architecture: string): Buffer | null {
  const machine = MACHINES[architecture];
  if (!machine) return null;
  const instructions = program(machine);
  const bytes = Buffer.alloc(instructions.length * 8);
  instructions.forEach(([code, jumpTrue, jumpFalse, value], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jumpTrue, index * 8 + 2);
    bytes.writeUInt8(jumpFalse, index * 8 + 3);
    bytes.writeUInt32LE(value >>> 0, index * 8 + 4);
  });
  return bytes;
}
