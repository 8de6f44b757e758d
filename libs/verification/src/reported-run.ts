import type { SandboxRequest, SandboxResult } from '@acrouter/sandbox/sandbox';
import type { ReportSpec } from '@acrouter/domain/task';

/** Longest report that is read, bytes; a longer one counts for nothing. */
export const MAX_REPORT_BYTES = 8 * 1024 ** 2;

/** A command whose report is wanted. */
export interface ReportedCommand {
  command: string;
  /** `null`: the command writes none and its exit code is wanted alone. */
  report: ReportSpec | null;
  /** A tar archive, unpacked before the start; or nothing. */
  archive?: Buffer;
  /** Paths under /repository that are linked into the work folder. */
  links?: readonly string[];
  /** This run's word: lines that begin with it come from us. */
  token: string;
  /** Whether the sandbox has processes of its own, so that all of them may be killed at the end. */
  ownProcesses: boolean;
}

/** Exit code of the wrapper when it could not prepare the command. */
const NOT_PREPARED = 70;

/**
 * The command runs as a child with other standard streams and without /proc, so it cannot reach ours; the token comes
 * by stdin and stays in the shell's memory. When the command has ended, everything that it started is killed first,
 * then the report is read: whatever wanted to change it later comes too late.
 */
const WRAPPER = `IFS= read -r token || exit ${NOT_PREPARED}
command=$1 format=$2 path=$3 unpack=$4 own=$5
shift 5
if [ "$unpack" = 1 ]; then tar -xf - || exit ${NOT_PREPARED}; fi
exec </dev/null
for link in "$@"; do
  mkdir -p "$(dirname "./$link")" && rm -rf "./$link" && ln -s "/repository/$link" "./$link" || exit ${NOT_PREPARED}
done
if [ -n "$path" ]; then path=$PWD/$path; rm -rf "$path"; mkdir -p "$(dirname "$path")" || exit ${NOT_PREPARED}
else path=$(mktemp -d /tmp/XXXXXXXXXXXX)/report || exit ${NOT_PREPARED}; fi
if [ "$format" = pytest ]; then
  export PYTEST_ADDOPTS="--junitxml='$path' --continue-on-collection-errors -p no:cacheprovider"
fi
/bin/sh -c "ACR_REPORT='$path'
$command" >&2
code=$?
if [ "$own" = 1 ] && [ $$ -lt 100 ]; then kill -9 -1 2>/dev/null; fi
printf '\\n%s exit %s\\n' "$token" "$code"
[ -n "$format" ] || exit 0
if [ -d "$path" ] && [ ! -L "$path" ]; then set -- "$path"/*.xml; else set -- "$path"; fi
for file in "$@"; do
  if [ -f "$file" ] && [ ! -L "$file" ]; then
    printf '%s report\\n' "$token"
    head -c ${MAX_REPORT_BYTES + 1} "$file"
    printf '\\n%s end\\n' "$token"
  fi
done
exit 0`;

/** The request that runs a command and brings back its report. `base`: language, files, mounts and limits. */
export function reportedRequest(
  base: Omit<SandboxRequest, 'argv' | 'stdin'>,
  run: ReportedCommand,
): SandboxRequest {
  const { command, report, archive, links = [], token, ownProcesses } = run;
  const flag = (on: boolean) => (on ? '1' : '0');
  const settings = [
    report?.format ?? '',
    report?.path ?? '',
    flag(archive !== undefined),
    flag(ownProcesses),
  ];
  return {
    ...base,
    argv: ['/bin/sh', '-c', WRAPPER, 'sh', command, ...settings, ...links],
    stdin: archive ? Buffer.concat([Buffer.from(`${token}\n`), archive]) : `${token}\n`,
    hideProc: true,
    limits: { ...base.limits, outputBytes: MAX_REPORT_BYTES + 64 * 1024 },
  };
}

/** What came of a command: its own exit code and its reports; or why there is nothing to read. */
export type ReportedRun =
  | { kind: 'ended'; exitCode: number; reports: string[]; tooLong: boolean }
  /** Nothing ran, and nothing can be said. */
  | { kind: 'not-prepared'; reason: string }
  /** The whole sandbox ended before the command did: see the result's outcome. */
  | { kind: 'cut-off' };

/** Reads what the wrapper printed. */
export function readReportedRun(result: SandboxResult, token: string): ReportedRun {
  if (result.outcome.kind !== 'ended') return { kind: 'cut-off' };
  const [, code] = new RegExp(`(?:^|\\n)${token} exit (\\d+)\\n`).exec(result.stdout) ?? [];
  if (code === undefined) {
    return result.outcome.exitCode === NOT_PREPARED
      ? {
          kind: 'not-prepared',
          reason: `the files could not be laid out: ${result.stderr.slice(-300).trim()}`,
        }
      : { kind: 'cut-off' };
  }
  const parts = result.stdout.split(`${token} report\n`).slice(1);
  const reports = parts.map((text) => text.split(`\n${token} end\n`));
  return {
    kind: 'ended',
    exitCode: Number(code),
    reports: reports.map(([text = '']) => text),
    // Without an end it was cut off at the sandbox's limit.
    tooLong: reports.some(([text = '', ...end]) => end.length === 0 || text.length > MAX_REPORT_BYTES),
  };
}
