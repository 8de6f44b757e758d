/** Injection token of the process's `Embedder`. */
export const EMBEDDER = Symbol('embedder');
