import type { ImportGraph } from './imports';

/**
 * Puts files that import each other into groups of at most `size`, each file in one group. With size 1 every file
 * stands alone. Deterministic: by path, neighbours with the most links into the group first.
 */
export function groupFiles(paths: readonly string[], graph: ImportGraph, size: number): string[][] {
  const open = new Set([...paths].sort());
  const groups: string[][] = [];
  for (const first of [...open]) {
    if (!open.delete(first)) continue;
    const group = [first];
    while (group.length < size) {
      const next = closest(group, open, graph);
      if (next === null) break;
      open.delete(next);
      group.push(next);
    }
    groups.push(group.sort());
  }
  return groups;
}

function closest(group: readonly string[], open: ReadonlySet<string>, graph: ImportGraph): string | null {
  const links = new Map<string, number>();
  for (const member of group)
    for (const other of neighboursOf(member, graph))
      if (open.has(other)) links.set(other, (links.get(other) ?? 0) + 1);
  const [best] = [...links].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  return best?.[0] ?? null;
}

/** Files that import a file or are imported by it. */
export const neighboursOf = (path: string, graph: ImportGraph): string[] => [
  ...new Set([...(graph.uses.get(path) ?? []), ...(graph.usedBy.get(path) ?? [])]),
];

/** Groups in the order of merging: what others build on comes first. Cycles are cut where they are met. */
export function orderGroups(groups: readonly string[][], graph: ImportGraph): string[][] {
  const groupOf = new Map(groups.flatMap((g) => g.map((path) => [path, g] as const)));
  const done = new Set<string[]>();
  const ordered: string[][] = [];
  const stack: { group: string[]; next: string[][] }[] = [];
  const enter = (group: string[]) => {
    if (done.has(group)) return;
    done.add(group);
    const used = group.flatMap((path) => graph.uses.get(path) ?? []).sort();
    const next = [...new Set(used.map((path) => groupOf.get(path)))].filter((g) => g !== undefined);
    stack.push({ group, next });
  };
  for (const group of [...groups].sort((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1))) {
    enter(group);
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const next = top.next.shift();
      if (next) enter(next);
      else {
        ordered.push(top.group);
        stack.pop();
      }
    }
  }
  return ordered;
}
