import type { CiResult, CiVerdict } from './ci-result';

const RULES: Partial<Record<CiVerdict, { level: 'error' | 'warning' | 'note'; text: string }>> = {
  unsolved: { level: 'error', text: 'No answer to the task passed its check' },
  'over-budget': { level: 'error', text: 'A budget did not allow the work' },
  infrastructure: { level: 'error', text: 'No model answered' },
  pending: { level: 'warning', text: 'The task was not settled in time' },
  cancelled: { level: 'note', text: 'The task was cancelled' },
};

/** A run's unsolved tasks as SARIF 2.1.0, each at its line of the task file. Source: OASIS SARIF 2.1.0. */
export function sarifLog({ run, tasks, file }: CiResult): object {
  const results = tasks.flatMap((task) => {
    const rule = RULES[task.verdict];
    if (!rule) return [];
    const location = {
      physicalLocation: {
        artifactLocation: { uri: encodeURI(file ?? 'tasks.jsonl'), uriBaseId: '%SRCROOT%' },
        region: { startLine: task.line ?? 1 },
      },
    };
    return {
      ruleId: `acr/${task.verdict}`,
      level: rule.level,
      message: { text: `${task.name}: ${task.message}` },
      locations: [location],
      // The same task of a later run is the same alert.
      partialFingerprints: { 'acrTask/v1': task.name },
    };
  });
  const rules = Object.entries(RULES).map(([verdict, rule]) => ({
    id: `acr/${verdict}`,
    shortDescription: { text: rule.text },
    defaultConfiguration: { level: rule.level },
  }));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'ACRouter', rules } },
        automationDetails: { id: `acr/${run.name ?? 'run'}/${run.id}` },
        results,
      },
    ],
  };
}
