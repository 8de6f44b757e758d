import { startPostgres } from './postgres';

/** Starts the Postgres of argv[2], prints its pid and waits to be killed. */
async function main(dataDir: string): Promise<void> {
  const { pid } = await startPostgres({ dataDir, durable: false });
  process.stdout.write(`pid ${pid}\n`);
  setInterval(() => undefined, 60_000);
}

void main(process.argv[2] ?? '');
