/** Three kinds of tests, told apart by file name; docs/testing in CONTRIBUTING.md says what each may use. */
const base = {
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['@acrouter/source', 'require', 'node', 'default'] },
  transform: { '^.+\\.ts$': ['@swc/jest', { ...require('./scripts/swc.json'), exclude: [] }] },
  extensionsToTreatAsEsm: [],
  modulePathIgnorePatterns: ['<rootDir>/.*/dist/', '<rootDir>/.acr/', '<rootDir>/.nx/'],
  prettierPath: null,
};

module.exports = {
  projects: [
    {
      ...base,
      displayName: 'unit',
      testMatch: ['<rootDir>/{apps,libs}/*/src/**/*.test.ts'],
      testPathIgnorePatterns: ['\\.integration\\.test\\.ts$'],
    },
    {
      ...base,
      displayName: 'integration',
      testMatch: ['<rootDir>/{apps,libs}/*/src/**/*.integration.test.ts'],
      globalSetup: '<rootDir>/libs/testing/src/global-setup.ts',
      globalTeardown: '<rootDir>/libs/testing/src/global-teardown.ts',
    },
    { ...base, displayName: 'e2e', testMatch: ['<rootDir>/e2e/**/*.test.ts'] },
  ],
};
