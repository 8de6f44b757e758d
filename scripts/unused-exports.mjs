/**
 * Names that a library exports and that nothing in the project mentions. knip does the same inside the apps, but
 * takes every file of a package with `exports: "./*"` for its public face; ours is public to this project only.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { root } from './setup.mjs';

const EXPORTED = /^export (?:async )?(?:abstract )?(?:function\*?|const|class|interface|type|enum) (\w+)/gm;

const sources = ['apps', 'libs', 'e2e', 'scripts']
  .flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile() && /\.(ts|mjs|cjs)$/.test(entry.name))
  .map((entry) => join(entry.parentPath, entry.name))
  .filter((file) => !/[\\/](dist|node_modules)[\\/]/.test(file))
  .map((file) => ({ file, text: readFileSync(file, 'utf8') }));

/** How often a word stands anywhere: an exported name once only is dead, one used in its own file alone is not. */
const mentions = new Map();
for (const { text } of sources)
  for (const word of text.match(/\w+/g) ?? []) mentions.set(word, (mentions.get(word) ?? 0) + 1);

const unused = sources
  .filter(({ file }) => file.includes(join(root, 'libs')) && !file.endsWith('.test.ts'))
  .flatMap(({ file, text }) =>
    [...text.matchAll(EXPORTED)]
      .filter(([, name]) => mentions.get(name) === 1)
      .map(([, name]) => `${relative(root, file)}: ${name}`),
  );

if (unused.length > 0) {
  process.stdout.write(`Exported and used nowhere; take them out:\n${unused.join('\n')}\n`);
  process.exitCode = 1;
}
