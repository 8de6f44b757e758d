import { rawEnv } from './env';

/** What a pipeline tells of itself. `null` where it does not say. */
export interface CiEnv {
  provider: 'github' | 'gitlab' | 'jenkins' | null;
  repository: string | null;
  commit: string | null;
  /** Which job of the commit's pipelines; the same when it is run again. */
  job: string | null;
  /** GitHub: file that step outputs are appended to. */
  outputFile: string | null;
  /** GitHub: file that the job's summary is appended to. */
  summaryFile: string | null;
}

/**
 * Reads it; never throws. ACR_CI_REPOSITORY, ACR_CI_COMMIT and ACR_CI_JOB win over what the pipeline says.
 * Sources: GitHub's "Variables reference", GitLab's "Predefined CI/CD variables", Jenkins' "Using environment
 * variables" and its Git plugin.
 */
export function readCiEnv(env = rawEnv()): CiEnv {
  const found = fromProvider(env);
  return {
    ...found,
    repository: env.ACR_CI_REPOSITORY || found.repository,
    commit: env.ACR_CI_COMMIT || found.commit,
    job: env.ACR_CI_JOB || found.job,
  };
}

function fromProvider(env: ReturnType<typeof rawEnv>): CiEnv {
  const nothing = { outputFile: null, summaryFile: null };
  if (env.GITHUB_ACTIONS)
    return {
      provider: 'github',
      repository: env.GITHUB_REPOSITORY || null,
      commit: env.GITHUB_SHA || null,
      job: [env.GITHUB_WORKFLOW, env.GITHUB_JOB].filter(Boolean).join('/') || null,
      outputFile: env.GITHUB_OUTPUT || null,
      summaryFile: env.GITHUB_STEP_SUMMARY || null,
    };
  if (env.GITLAB_CI)
    return {
      ...nothing,
      provider: 'gitlab',
      repository: env.CI_PROJECT_PATH || null,
      commit: env.CI_COMMIT_SHA || null,
      job: env.CI_JOB_NAME || null,
    };
  if (env.JENKINS_URL)
    return {
      ...nothing,
      provider: 'jenkins',
      repository: withoutCredentials(env.GIT_URL),
      commit: env.GIT_COMMIT || null,
      job: [env.JOB_NAME, env.STAGE_NAME].filter(Boolean).join('/') || null,
    };
  return { ...nothing, provider: null, repository: null, commit: null, job: null };
}

const withoutCredentials = (url: string | undefined): string | null =>
  url?.replace(/^(\w+:\/\/)[^@/]*@/, '$1') || null;
