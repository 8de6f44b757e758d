/**
 * The file of a task, among `verification.files`, that carries the rest of a repository: base64 of a gzipped tar.
 * Its command unpacks it beside the files that the answer may change, without replacing those.
 */
export const REPOSITORY_ARCHIVE = '.acr-repository.tgz.b64';
