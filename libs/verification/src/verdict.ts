import type { SandboxKind } from '@acrouter/sandbox/sandbox';
import type { Dimension, VerificationSpec } from '@acrouter/domain/task';
import type { CheckedLanguage } from '@acrouter/domain/verification/languages';
import type { ExtractionWay } from '@acrouter/domain/verification/extract';
import type { Signal } from '@acrouter/domain/verification/signals';

/** What the verifier needs to know of a task. */
export interface CheckableTask {
  prompt: string;
  /** As the user wrote it; guessed from the prompt and the answer when absent. */
  language?: string | null;
  dimension?: Dimension | null;
  verification?: VerificationSpec | null;
}

/** The judgement of one answer. Plain JSON. */
export interface Verdict {
  /** Right by the given tests where there are any, else by those found in the prompt. */
  passed: boolean;
  /** u in [0, 1]. */
  score: number;
  /** How much the evidence is worth, in [0, 1]. */
  confidence: number;
  /** False when nothing could tell right from wrong; the task then ends `unverified`. */
  conclusive: boolean;
  signals: Signal[];
  /** The answer read as a program, and how; `null` when no reading fitted. */
  code: string | null;
  way: ExtractionWay | null;
  /** `null`: none of the languages that can be checked. */
  language: CheckedLanguage | null;
  durationMs: number;
  /** What it ran in; `null` when nothing ran. */
  sandbox: SandboxKind | null;
  /** Set when checks that the task asked for were refused: the reason and the remedy. */
  refused: string | null;
}
