/** Results that may wait for a slower one before them, per place of the concurrency. */
const BUFFER = 64;

/**
 * Runs `work` over `items`, at most `concurrency` at once, and yields the results in the order of the items.
 * A slow item holds up the yielding, not the work behind it. An error ends the sequence when its turn comes.
 */
export async function* inOrder<T, R>(
  items: readonly T[],
  concurrency: number,
  work: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const started: Promise<R>[] = [];
  let active = 0;
  let next = 0;
  let yielded = 0;
  const fill = () => {
    while (active < concurrency && next < items.length && next - yielded < concurrency * BUFFER) {
      active++;
      const result = work(items[next++] as T);
      const ended = () => {
        active--;
        fill();
      };
      result.then(ended, ended);
      started.push(result);
    }
  };
  for (fill(); yielded < items.length;) {
    const result = await (started.shift() as Promise<R>);
    yielded++;
    fill();
    yield result;
  }
}
