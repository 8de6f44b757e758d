import { describe, expect, test } from '@jest/globals';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants';
import { RequestMethod } from '@nestjs/common';
import { HealthController } from '@acrouter/service/health.controller';
import 'reflect-metadata';
import { AppModule } from './app.module';
import { openapiDocument } from './openapi';
import { ROUTES } from './routes';

type Controller = new (...args: never[]) => object;

/** `post /v1/tasks/{id}/cancel` of every handler of a controller. */
function routesOf(controller: Controller): string[] {
  const prefix = String(Reflect.getMetadata(PATH_METADATA, controller) ?? '/');
  const prototype = controller.prototype as Record<string, object>;
  return Object.getOwnPropertyNames(prototype).flatMap((name) => {
    const method = Reflect.getMetadata(METHOD_METADATA, prototype[name] ?? {}) as RequestMethod | undefined;
    if (method === undefined) return [];
    const path = String(Reflect.getMetadata(PATH_METADATA, prototype[name] ?? {}));
    const parts = [...prefix.split('/'), ...path.split('/')].filter((p) => p !== '');
    const named = parts.map((p) => (p.startsWith(':') ? `{${p.slice(1)}}` : p));
    return [`${RequestMethod[method].toLowerCase()} /${named.join('/')}`];
  });
}

test('the document lists exactly the routes that are served', () => {
  const controllers = Reflect.getMetadata('controllers', AppModule) as Controller[];
  const served = [...controllers, HealthController].flatMap(routesOf);
  expect(ROUTES.map((r) => `${r.method} ${r.path}`).sort()).toEqual(served.sort());
});

describe('the document', () => {
  const document = openapiDocument() as {
    paths: Record<
      string,
      Record<string, { requestBody?: unknown; parameters: { name: string; in: string }[] }>
    >;
  };

  test('is plain JSON', () => {
    expect(JSON.parse(JSON.stringify(document))).toEqual(document);
  });

  test('shows bodies, path parameters, queries and headers', () => {
    const submit = document.paths['/v1/tasks']?.['post'];
    expect(JSON.stringify(submit?.requestBody)).toContain('"deadlineSeconds"');
    const parameters = (path: string, method: string) =>
      document.paths[path]?.[method]?.parameters.map((p) => `${p.in} ${p.name}`);
    expect(parameters('/v1/runs/{id}/tasks', 'get')).toEqual([
      'path id',
      'query limit',
      'query cursor',
      'query include',
    ]);
    expect(parameters('/v1/runs', 'post')).toEqual(['header Idempotency-Key']);
    expect(parameters('/v1/runs/{id}/events', 'get')).toEqual(['path id', 'header Last-Event-ID']);
  });

  test('names every operation once', () => {
    const ids = Object.values(document.paths).flatMap((p) =>
      Object.values(p).map((o) => (o as unknown as { operationId: string }).operationId),
    );
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain('post_v1_runs_id_tasks');
  });
});
