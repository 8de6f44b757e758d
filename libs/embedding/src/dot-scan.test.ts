import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import wabt from 'wabt';
import { DOT_SCAN_WASM } from './dot-scan';

test('the compiled scan is the text beside it', async () => {
  const source = readFileSync(join(__dirname, 'dot-scan.wat'), 'utf8');
  const { parseWat } = await wabt();
  const module = parseWat('dot-scan.wat', source, { simd: true });
  const { buffer } = module.toBinary({});
  module.destroy();
  expect(Buffer.from(buffer).toString('base64')).toBe(DOT_SCAN_WASM);
});
