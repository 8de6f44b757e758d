import { createServer, connect, type Server } from 'node:net';
import { openSandbox } from './open';
import { SANDBOX_KINDS, type SandboxRequest } from './sandbox';

/**
 * Opens a sandbox (its kind is the argument) in a process of its own, for tests that need another user or another
 * network around it.
 * Messages: `{id, run}` → `{id, result}`; `{id, listen}` → `{id, result: port}`; `{id, reach}` → whether a plain
 * connection works; `{id, connections}` → how many the listener has had.
 */
type Message = { id: number } & (
  | { run: SandboxRequest }
  | { listen: string }
  | { reach: { host: string; port: number } }
  | { connections: true }
);

let connections = 0;
let server: Server | null = null;

function listen(host: string): Promise<number> {
  server = createServer((socket) => {
    connections++;
    socket.end('reached');
  });
  const opened = server;
  return new Promise((resolve, reject) => {
    opened.once('error', reject);
    opened.listen(0, host, () => resolve((opened.address() as { port: number }).port));
  });
}

function reach(target: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(target);
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.on('data', () => socket.destroy());
  });
}

async function main(): Promise<void> {
  const sandbox = await openSandbox({ prefer: SANDBOX_KINDS.find((kind) => kind === process.argv[2]) });
  const answer = async (message: Message): Promise<unknown> => {
    if ('run' in message) return sandbox.run(message.run);
    if ('listen' in message) return listen(message.listen);
    if ('reach' in message) return reach(message.reach);
    return connections;
  };
  process.on('message', (message: Message) => {
    answer(message).then(
      (result) => process.send?.({ id: message.id, result }),
      (error: unknown) => process.send?.({ id: message.id, error: String(error) }),
    );
  });
  process.on('disconnect', () => {
    server?.close();
    void sandbox.close();
  });
  process.send?.({ id: 0, result: 'ready' });
}

main().catch((error: unknown) => process.send?.({ id: 0, error: String(error) }));
