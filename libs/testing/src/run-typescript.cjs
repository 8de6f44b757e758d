/**
 * Lets a plain Node process run the workspace's TypeScript from source:
 *   node -r libs/testing/src/run-typescript.cjs some-child.ts
 * Used by tests that must kill a real process, and by jest's global set-up, whose imports jest does not resolve.
 */
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const { join } = require('node:path');
const { transformSync } = require('@swc/core');

const options = JSON.parse(readFileSync(join(__dirname, '../../../scripts/swc.json'), 'utf8'));
delete options.exclude;
delete options.$schema;

Module.registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, { ...context, conditions: ['@acrouter/source', ...context.conditions] }),
});
Module._extensions['.ts'] = (module, filename) => {
  const source = readFileSync(filename, 'utf8');
  module._compile(
    transformSync(source, { ...options, filename, swcrc: false, sourceMaps: 'inline' }).code,
    filename,
  );
};
