import type { GatewayClient } from './gateway-client';

/**
 * Our id of the task that the user means: the newest one that the user's own file called so, else the name is
 * taken as our id (and the gateway says when it is not).
 */
export async function findTask(client: GatewayClient, name: string): Promise<string> {
  const { tasks } = await client.tasks(new URLSearchParams({ external_id: name, limit: '1' }).toString());
  return tasks[0]?.id ?? name;
}
