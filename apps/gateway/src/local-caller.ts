import type { FastifyRequest } from 'fastify';
import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8);
LOOPBACK.addAddress('::1', 'ipv6');

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  PRIVATE.addSubnet(net, bits);
PRIVATE.addSubnet('fc00::', 7, 'ipv6');
PRIVATE.addSubnet('fe80::', 10, 'ipv6');

/** Set by proxies: the request then comes from somewhere else, whatever its socket says. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];
const LOCAL_NAMES = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/i;

/**
 * Whether a request comes from a program on this very machine: over loopback, through no proxy, and addressed to
 * a local name (a web page whose name was re-bound to 127.0.0.1 is not local), and not for a page of another site.
 */
export function isLocal(request: FastifyRequest): boolean {
  return (
    comesFrom(request, LOOPBACK) &&
    LOCAL_NAMES.test(request.headers.host ?? '') &&
    !comesFromAnotherSite(request)
  );
}

/** What a browser says of a request that a page of another site made (a form or a script): never a local program. */
function comesFromAnotherSite({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const { origin } = headers;
  return origin !== undefined && origin.replace(/^https?:\/\//, '') !== headers.host;
}

/** Whether a request comes directly from this machine or a private network, as a Prometheus beside us does. */
export function isNeighbour(request: FastifyRequest): boolean {
  return comesFrom(request, LOOPBACK) || comesFrom(request, PRIVATE);
}

function comesFrom(request: FastifyRequest, list: BlockList): boolean {
  if (FORWARDED.some((name) => request.headers[name] !== undefined)) return false;
  const address =
    (request.raw.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, '').split('%')[0] ?? '';
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6');
}
