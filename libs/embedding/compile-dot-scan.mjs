#!/usr/bin/env node
// Compiles libs/embedding/src/dot-scan.wat and writes the bytes into dot-scan.ts beside it.
//
//   node libs/embedding/compile-dot-scan.mjs
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import wabt from 'wabt';

const at = (file) => fileURLToPath(new URL(`src/${file}`, import.meta.url));
const { parseWat } = await wabt();
const { buffer } = parseWat('dot-scan.wat', readFileSync(at('dot-scan.wat'), 'utf8'), {
  simd: true,
}).toBinary({});
const lines = Buffer.from(buffer)
  .toString('base64')
  .match(/.{1,104}/g);
const literal = lines.map((line) => `  '${line}'`).join(' +\n');
const source = readFileSync(at('dot-scan.ts'), 'utf8')
  .replace(/(DOT_SCAN_WASM =\n)[^;]+;/, (_, head) => `${head}${literal};`)
  .replace(/compiled \([\d,]+ bytes\)/, `compiled (${buffer.length} bytes)`);
writeFileSync(at('dot-scan.ts'), source);
