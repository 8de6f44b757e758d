/** What a merge does with one change. */
export interface Merged<T, R> {
  accepted: T[];
  /** Changes that break the whole together with those accepted before them. */
  offenders: { item: T; reason: R }[];
}

/**
 * Merges changes in their order so that the whole stays green: all at once when that works, else by halves, down
 * to the single offenders, which are set aside. n changes with k offenders take about k · log2(n) checks.
 * @param check whether the given changes together are green: `null`, or why not
 * @param oneByOne checks after every single change, so that each state on the way is known to be green
 */
export async function mergeGreen<T, R>(
  accepted: readonly T[],
  items: readonly T[],
  check: (changes: readonly T[]) => Promise<R | null>,
  oneByOne: boolean,
): Promise<Merged<T, R>> {
  if (items.length === 0) return { accepted: [...accepted], offenders: [] };
  if (items.length === 1 || !oneByOne) {
    const reason = await check([...accepted, ...items]);
    if (reason === null) return { accepted: [...accepted, ...items], offenders: [] };
    if (items.length === 1) return { accepted: [...accepted], offenders: [{ item: items[0] as T, reason }] };
  }
  const middle = Math.ceil(items.length / 2);
  const first = await mergeGreen(accepted, items.slice(0, middle), check, oneByOne);
  const second = await mergeGreen(first.accepted, items.slice(middle), check, oneByOne);
  return { accepted: second.accepted, offenders: [...first.offenders, ...second.offenders] };
}
