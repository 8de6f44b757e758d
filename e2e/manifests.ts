import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { parseAllDocuments } from 'yaml';
import { ROOT, run } from './stack';

/** A Kubernetes object as YAML holds it. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  spec?: Record<string, unknown>;
  [field: string]: unknown;
}

/** What `kubectl kustomize` makes of an overlay. @throws with its complaint */
export async function render(overlay: string): Promise<Manifest[]> {
  const { code, stdout, stderr } = await run(
    'kubectl',
    ['kustomize', join(ROOT, 'k8s/overlays', overlay)],
    ROOT,
  );
  if (code !== 0) throw new Error(stderr);
  return parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
}

/** Module of the package kubernetes-models (made from the published OpenAPI) that describes an object. */
function moduleOf({ apiVersion, kind }: Manifest): string {
  const models = apiVersion.startsWith('keda.sh/') ? '@kubernetes-models/keda' : 'kubernetes-models';
  return `${models}/${apiVersion}/${kind}`;
}

/**
 * Complaints of the schemas, per object; unknown fields are complaints too. The schemas of kubernetes-models come
 * as TypeScript types, so each object is written as a literal of its type and the compiler, which refuses unknown
 * fields in literals at any depth, is the validator.
 * @returns one list per object, in their order; empty lists: valid
 */
export function typeComplaints(objects: readonly Manifest[]): string[][] {
  const folder = join(ROOT, 'node_modules/.cache/acrouter-manifests', String(process.pid));
  mkdirSync(folder, { recursive: true });
  try {
    const files = objects.map((object, i) => {
      const file = join(folder, `object-${i}.ts`);
      const type = `import type { I${object.kind} } from '${moduleOf(object)}';`;
      writeFileSync(
        file,
        `${type}\nexport const object: I${object.kind} = ${JSON.stringify(object, null, 1)};\n`,
      );
      return file;
    });
    const program = ts.createProgram(files, {
      module: ts.ModuleKind.Preserve,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      target: ts.ScriptTarget.ES2023,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
    });
    return files.map((file) =>
      ts
        .getPreEmitDiagnostics(program, program.getSourceFile(file))
        .map((d) => ts.flattenDiagnosticMessageText(d.messageText, ' ')),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const VALIDATE = `
  import { text } from 'node:stream/consumers';
  const complaints = [];
  for (const { module, object } of JSON.parse(await text(process.stdin))) {
    const models = await import(module);
    try { new models[object.kind](object).validate(); }
    catch (error) { complaints.push(object.kind + ' ' + object.metadata.name + ': ' + error.message); }
  }
  console.log(JSON.stringify(complaints));`;

/** Complaints about values (patterns, enumerations, whole numbers), by the same package's compiled validators. */
export async function valueComplaints(objects: readonly Manifest[]): Promise<string[]> {
  const input = JSON.stringify(objects.map((object) => ({ module: moduleOf(object), object })));
  const { code, stdout, stderr } = await run(
    process.execPath,
    ['--input-type=module', '-e', VALIDATE],
    ROOT,
    {},
    input,
  );
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as string[];
}

/** Fields of these names hold names of the user's own, so that nothing in them is unknown. */
const MAPS = new Set([
  'labels',
  'annotations',
  'matchLabels',
  'nodeSelector',
  'data',
  'requests',
  'limits',
  'pairs',
]);

const FREE_PLACES = new Set(['ScaledObject spec.triggers.metadata', 'Service spec.selector']);

/**
 * Copies of an object, each with one field more that no schema knows: one copy per place in the object, places
 * that differ in list positions alone counted once. Free maps are left out.
 */
export function withUnknownField(object: Manifest): { place: string; object: Manifest }[] {
  const copies = new Map<string, Manifest>();
  const visit = (value: unknown, path: (string | number)[]) => {
    if (typeof value !== 'object' || value === null) return;
    const place = path.filter((step) => typeof step === 'string').join('.');
    const userMap = FREE_PLACES.has(`${object.kind} ${place}`);
    if (!Array.isArray(value) && (MAPS.has(String(path.at(-1))) || userMap)) return;
    if (!Array.isArray(value) && !copies.has(place)) {
      const copy = structuredClone(object);
      const target = path.reduce<unknown>((at, step) => (at as Record<string | number, unknown>)[step], copy);
      (target as Record<string, unknown>)['noSuchField'] = 'x';
      copies.set(place, copy);
    }
    for (const [key, inner] of Object.entries(value))
      visit(inner, [...path, Array.isArray(value) ? Number(key) : key]);
  };
  visit(object, []);
  return [...copies].map(([place, copy]) => ({ place: `${object.kind} ${place}`, object: copy }));
}
