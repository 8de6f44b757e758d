import { expect, test } from '@jest/globals';
import { readCiEnv } from './ci-env';

test('GitHub, GitLab and Jenkins tell repository, commit and job', () => {
  const github = {
    GITHUB_ACTIONS: 'true',
    GITHUB_REPOSITORY: 'o/r',
    GITHUB_SHA: 'c',
    GITHUB_WORKFLOW: 'w',
    GITHUB_JOB: 'j',
  };
  expect(readCiEnv(github)).toMatchObject({ provider: 'github', repository: 'o/r', commit: 'c', job: 'w/j' });
  const gitlab = { GITLAB_CI: 'true', CI_PROJECT_PATH: 'g/p', CI_COMMIT_SHA: 'c', CI_JOB_NAME: 'j' };
  expect(readCiEnv(gitlab)).toMatchObject({ provider: 'gitlab', repository: 'g/p', commit: 'c', job: 'j' });
  const jenkins = {
    JENKINS_URL: 'http://j',
    GIT_URL: 'https://user:token@host/r.git',
    GIT_COMMIT: 'c',
    JOB_NAME: 'n',
    STAGE_NAME: 's',
  };
  expect(readCiEnv(jenkins)).toMatchObject({
    provider: 'jenkins',
    repository: 'https://host/r.git',
    commit: 'c',
    job: 'n/s',
  });
});

test('variables of our own win, and nothing is made up', () => {
  const env = { GITHUB_ACTIONS: 'true', GITHUB_REPOSITORY: 'o/r', GITHUB_JOB: 'j', ACR_CI_JOB: 'leg-2' };
  expect(readCiEnv(env)).toMatchObject({ repository: 'o/r', commit: null, job: 'leg-2' });
  expect(readCiEnv({})).toEqual({
    provider: null,
    repository: null,
    commit: null,
    job: null,
    outputFile: null,
    summaryFile: null,
  });
});
