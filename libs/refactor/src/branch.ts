import { AcrError } from '@acrouter/domain/errors';
import { gitText } from './git';

/** Commit of a branch, or `null` where there is none. */
export const branchTip = (root: string, branch: string): Promise<string | null> =>
  gitText(root, 'rev-parse', '--verify', '--quiet', `refs/heads/${branch}^{commit}`).catch(() => null);

/** The fault of a branch name that is in use. */
export const branchTaken = (branch: string): AcrError =>
  new AcrError(
    'ACR_INVALID_REQUEST',
    `The branch ${branch} exists already and is left alone. Name another with --branch.`,
  );

/**
 * Makes sure that the result can become that branch.
 * @param ours a commit that the branch may have already: the result, put there before a kill. Default: none
 * @throws AcrError ACR_INVALID_REQUEST when it is no name for a branch, or the branch holds something else
 */
export async function requireFreeBranch(
  root: string,
  branch: string,
  ours: string | null = null,
): Promise<void> {
  await gitText(root, 'check-ref-format', '--branch', branch).catch((cause: unknown) => {
    throw new AcrError('ACR_INVALID_REQUEST', `"${branch}" is no name for a branch.`, { cause });
  });
  const tip = await branchTip(root, branch);
  if (tip !== null && tip !== ours) throw branchTaken(branch);
}
