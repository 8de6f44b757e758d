/** What may import what; `npm run check` runs it. Source: docs/decisions and CONTRIBUTING.md, "Layers". */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'Files that import each other cannot be understood, or tested, one at a time.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'domain-is-pure',
      comment: 'libs/domain imports nothing but itself (must 9 of the architecture).',
      severity: 'error',
      from: { path: '^libs/domain/src', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^libs/domain/src' },
    },
    {
      name: 'libs-know-no-apps',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^apps/' },
    },
    {
      name: 'apps-know-no-other-apps',
      comment: 'Services talk through queues, Postgres and HTTP only.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'packages-by-name',
      comment: 'A library is entered through its package name, so that its package.json tells who uses what.',
      severity: 'error',
      from: { path: '^(?:apps|libs)/([^/]+)/src', pathNot: '\\.test\\.ts$' },
      to: { path: '^libs/', pathNot: '^libs/$1/', dependencyTypes: ['local'] },
    },
    {
      name: 'not-to-tests',
      severity: 'error',
      from: {
        path: '^(?:apps|libs)/[^/]+/src',
        pathNot: '\\.test\\.ts$|^libs/testing/|/test(?:ing)?-[^/]*\\.ts$',
      },
      to: { path: '\\.test\\.ts$|^libs/testing/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(?:^|/)(?:dist|node_modules|dashboard)/' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: 'specify',
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@acrouter/source', 'import', 'require', 'node', 'default'],
      extensions: ['.ts', '.js', '.cjs', '.mjs', '.json'],
    },
  },
};
