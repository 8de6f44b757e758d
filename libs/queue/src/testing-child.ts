import { openQueueConnection } from './connection';
import { controllerFor, startTestApp } from './testing-app';

/** A verifier that takes a message, says so and never ends: for the test that kills it. argv: queue URL. */
async function main(url: string): Promise<void> {
  const connection = await openQueueConnection(url, { poolSize: 2 });
  const verify = async (message: { taskId: string }) => {
    process.stdout.write(`got ${message.taskId}\n`);
    await new Promise(() => undefined);
  };
  await startTestApp({ connection, service: 'verifier' }, controllerFor({ verify }));
  process.stdout.write('ready\n');
}

void main(process.argv[2] ?? '');
