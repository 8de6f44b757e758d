import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { envSchema } from './env';

const page = readFileSync(join(__dirname, '../../../docs/configuration.md'), 'utf8');

/** One table row per variable, made from the schema; the page must hold exactly these. */
function rowOf(name: string, schema: z.ZodType): string {
  const { description = '', default: fallback } = z.toJSONSchema(schema, {
    io: 'input',
    unrepresentable: 'any',
  });
  const shown = fallback === undefined ? '' : `\`${JSON.stringify(fallback).replaceAll('"', '')}\``;
  return `| \`${name}\` | ${shown} | ${description} |`;
}

test('docs/configuration.md lists every variable with its default and meaning', () => {
  const rows = Object.entries(envSchema.shape).map(([name, schema]) => rowOf(name, schema as z.ZodType));
  const documented = page.split('\n').filter((line) => line.startsWith('| `ACR_'));
  expect(documented).toEqual(rows);
});
