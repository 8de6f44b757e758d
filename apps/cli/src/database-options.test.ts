import { expect, test } from '@jest/globals';
import { requirePostgresUrl, withDatabase } from './database-options';

test('a URL that is none of Postgres is wrong input, whoever gave it', async () => {
  const unwanted = () => Promise.reject(new Error('was opened'));
  for (const databaseUrl of ['mysql://u@h/d', 'localhost:5432', 'redis://127.0.0.1'])
    await expect(withDatabase({ databaseUrl }, unwanted)).rejects.toMatchObject({
      code: 'ACR_CONFIG_INVALID',
      message: expect.stringContaining('--database-url'),
    });
  expect(() => requirePostgresUrl('postgresql://h/d')).not.toThrow();
});
