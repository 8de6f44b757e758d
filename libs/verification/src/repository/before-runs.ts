import type { TestCase } from '@acrouter/domain/verification/test-report';

/** What a task's command says of the unchanged repository. */
export interface BeforeRun {
  tests: TestCase[];
  /** Test files whose planted tests came out as they must: their results can be trusted, and must be there again. */
  trusted: string[];
}

/** Kept at most; the oldest goes. */
const MAX_KEPT = 200;

/** Runs without the answer, made once for each (repository, commit, command and files) and process. */
export class BeforeRuns {
  private readonly kept = new Map<string, Promise<BeforeRun | string>>();

  /** The run of `key`, made by `run` where it is not known. A text says why there is none; that is not kept. */
  async get(key: string, run: () => Promise<BeforeRun | string>): Promise<BeforeRun | string> {
    const known = this.kept.get(key);
    if (known) return known;
    const made = run();
    this.kept.set(key, made);
    if (this.kept.size > MAX_KEPT) this.kept.delete(this.kept.keys().next().value ?? '');
    const forget = () => {
      if (this.kept.get(key) === made) this.kept.delete(key);
    };
    try {
      const result = await made;
      if (typeof result === 'string') forget();
      return result;
    } catch (error) {
      forget();
      throw error;
    }
  }
}
