import { AcrError } from '@acrouter/domain/errors';

/** Where a Redis is, and how it is spoken to. */
export interface RedisPlace {
  kind: 'single' | 'cluster' | 'sentinel';
  /** One server; or some nodes of the cluster, or the sentinels: enough are tried to find the rest. */
  nodes: { host: string; port: number }[];
  username: string | undefined;
  password: string | undefined;
  /** Numbered database; a cluster has only 0. */
  database: number;
  tls: boolean;
  /** Files in PEM form: who signed the server's certificate, and our own certificate with its key. */
  caFile: string | undefined;
  certFile: string | undefined;
  keyFile: string | undefined;
  /** Name that the sentinels watch the master under. */
  master: string | undefined;
  sentinelPassword: string | undefined;
}

const FORM = /^redis(s?)(?:\+(cluster|sentinel))?:\/\/(?:([^@/?]*)@)?([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/;
const PARAMETERS = ['ca', 'cert', 'key', 'sentinelPassword'];

/** Whether the URL is that of a Redis of any kind. */
export const isRedisUrl = (url: string): boolean => /^rediss?(\+(cluster|sentinel))?:\/\//.test(url);

/**
 * Reads `redis://`, `redis+cluster://` and `redis+sentinel://`, each with `rediss` for TLS:
 * `redis://[user:password@]host[:6379][/database]`,
 * `redis+cluster://[user:password@]host[:6379],host…`,
 * `redis+sentinel://[user:password@]sentinel[:26379],sentinel…/master-name[/database]`,
 * with `?ca=FILE&cert=FILE&key=FILE` for TLS and `sentinelPassword=…` for sentinels.
 * @throws AcrError ACR_CONFIG_INVALID with what is wrong, without the password
 */
export function parseRedisUrl(url: string): RedisPlace {
  const [, secure, more, user, hosts = '', path = '', query = ''] =
    FORM.exec(url) ?? fail('has another form');
  const kind = more === 'cluster' || more === 'sentinel' ? more : 'single';
  const nodes = hosts
    .split(',')
    .filter(Boolean)
    .map((host) => nodeOf(host, kind === 'sentinel' ? 26_379 : 6_379));
  if (nodes.length === 0) nodes.push({ host: '127.0.0.1', port: kind === 'sentinel' ? 26_379 : 6_379 });
  if (kind === 'single' && nodes.length > 1)
    fail('names several hosts: write redis+cluster:// or redis+sentinel://');
  const steps = path.split('/').filter(Boolean);
  const master =
    kind === 'sentinel' ? decode(steps.shift() ?? fail('must end with /NAME of the master')) : undefined;
  const database = Number(steps.shift() ?? 0);
  if (steps.length > 0 || !Number.isSafeInteger(database) || database < 0)
    fail('may end with one number, that of the database');
  if (kind === 'cluster' && database !== 0) fail('names a database; a cluster has only 0');
  const [username, password] = credentials(user ?? '');
  const parameters = new URLSearchParams(query);
  const unknown = [...parameters.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown) fail(`has the parameter "${unknown}"; known are ${PARAMETERS.join(', ')}`);
  const tls = secure === 's';
  const file = (name: string) => parameters.get(name) ?? undefined;
  if (!tls && ['ca', 'cert', 'key'].some(file)) fail('names certificates; write rediss for TLS');
  return {
    ...{ kind, nodes, username, password, database, tls, master },
    ...{ caFile: file('ca'), certFile: file('cert'), keyFile: file('key') },
    sentinelPassword: file('sentinelPassword'),
  };
}

function nodeOf(text: string, defaultPort: number): { host: string; port: number } {
  const [, six, name, digits] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text) ?? fail('names no host');
  const port = Number(digits ?? defaultPort);
  if (port < 1 || port > 65_535) fail(`names the port ${digits}`);
  return { host: six ?? name ?? '', port };
}

/** `user:password`, `:password` or `user`, percent-encoded. */
function credentials(text: string): [string | undefined, string | undefined] {
  const [user = '', ...rest] = text.split(':');
  const password = rest.join(':');
  return [user === '' ? undefined : decode(user), password === '' ? undefined : decode(password)];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return fail('has a % that encodes nothing; write %25 for one in a password');
  }
}

function fail(what: string): never {
  throw new AcrError('ACR_CONFIG_INVALID', `The Redis URL ${what}. See docs/queues.md for its forms.`);
}
