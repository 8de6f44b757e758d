import type { Finding } from './signals';

/** What the examples of a prompt said of one answer, and which model gave it. */
export interface ExampleVerdict {
  model: string;
  finding: Finding;
}

/** An example that the answers contradict together. */
export interface DisputedExample {
  source: string;
  /** What the prompt shows. */
  want: string;
  /** What most answers give instead. */
  agreed: string;
  /** Answers that ran it. */
  answers: number;
}

/**
 * Answers that must contradict an example before it is set aside. Of answers that fail only such an example, on 20
 * random draws from HumanEval's recorded answers, 61 % are right with 3 answers per task, 76 % with 6, 87 % with 12,
 * 92 % with 18 and all with 24; an answer that fails an example for itself is right in 13 %.
 */
export const ENOUGH_ANSWERS = 12;
const ENOUGH_MODELS = 2;
const AGREEING = 2 / 3;

interface Failure {
  source: string;
  want: string;
  got: string;
}

const failuresOf = (finding: Finding): Failure[] => {
  const failures = finding.evidence['failures'];
  return Array.isArray(failures) ? (failures as Failure[]) : [];
};
const ran = (finding: Finding) =>
  finding.kind === 'prompt-tests' && Number(finding.evidence['total'] ?? 0) > 0;
const isError = (got: string) => /^\w*(Error|Exception|Exit|Interrupt|thrown)\b/.test(got);

/**
 * Examples of one prompt that are more likely wrong than the answers: at least twelve answers of at least two models
 * ran it, none got what the prompt shows, and two thirds of them agree on one other value.
 */
export function disputedExamples(answers: readonly ExampleVerdict[]): DisputedExample[] {
  const told = answers.filter(({ finding }) => ran(finding));
  if (told.length < ENOUGH_ANSWERS || new Set(told.map(({ model }) => model)).size < ENOUGH_MODELS) return [];
  const [first] = told;
  return failuresOf((first as ExampleVerdict).finding).flatMap(({ source, want }) => {
    const gots = told.map(({ finding }) => failuresOf(finding).find((f) => f.source === source)?.got);
    const counts = new Map<string, number>();
    for (const got of gots) if (got !== undefined) counts.set(got, (counts.get(got) ?? 0) + 1);
    const [agreed, count] = [...counts].toSorted((a, b) => b[1] - a[1])[0] ?? ['', 0];
    const contradicted = !gots.includes(undefined) && !isError(agreed) && count >= told.length * AGREEING;
    return contradicted ? [{ source, want, agreed, answers: told.length }] : [];
  });
}

/** The finding as it is without disputed examples, which stay in its evidence. Others are returned as they are. */
export function withoutDisputed(finding: Finding, disputed: readonly DisputedExample[]): Finding {
  if (!ran(finding)) return finding;
  const failures = failuresOf(finding);
  const aside = disputed.filter((d) => failures.some((f) => f.source === d.source));
  if (aside.length === 0) return finding;
  const left = failures.filter((f) => !aside.some((d) => d.source === f.source));
  const total = Number(finding.evidence['total']) - aside.length;
  const passed = Number(finding.evidence['passed'] ?? 0);
  const evidence = { ...finding.evidence, total, failures: left, disputed: aside };
  if (total === 0) return { ...finding, status: 'unavailable', score: null, evidence };
  const right = passed === total;
  return {
    ...finding,
    status: right ? 'passed' : finding.status,
    score: passed / total,
    evidence: right ? { ...evidence, end: 'passed' } : evidence,
  };
}
