import type { Embedder } from './embedder';
import { HashedEmbedder } from './hashed-embedder';
import { connectHttpEmbedder, type HttpEmbedderOptions } from './http-embedder';

/**
 * The embedder of a configuration: the HTTP one where a `url` is given, else the built-in one.
 * @throws AcrError as `connectHttpEmbedder` does.
 */
export async function openEmbedder(
  options: Omit<HttpEmbedderOptions, 'url'> & { url?: string },
  signal?: AbortSignal,
): Promise<Embedder> {
  const { url, ...rest } = options;
  return url === undefined ? new HashedEmbedder() : connectHttpEmbedder({ ...rest, url }, signal);
}
