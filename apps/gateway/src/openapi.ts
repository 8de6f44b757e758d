import { problemSchema } from '@acrouter/contracts/http';
import { z } from 'zod';
import { accessOf, ROUTES, type Route } from './routes';

type Json = Record<string, unknown>;

/** The OpenAPI 3.1 document of the gateway, made from the very schemas that parse its requests. */
export function openapiDocument(): Json {
  const paths: Record<string, Json> = {};
  for (const route of ROUTES) (paths[route.path] ??= {})[route.method] = operationOf(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'ACRouter gateway',
      version: '1',
      description:
        'Routes coding tasks among LLMs in a verified, learning loop. docs/http-api.md has examples.',
    },
    paths,
    components: {
      schemas: { Problem: schemaOf(problemSchema, 'output') },
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'An API key: docs/keys.md' } },
    },
  };
}

function operationOf(route: Route): Json {
  return {
    summary: route.summary,
    operationId: operationIdOf(route),
    // The array names the scope: OpenAPI 3.1 allows that for schemes other than OAuth too.
    security: accessOf(route) === 'public' ? [] : [{ key: [accessOf(route)] }],
    parameters: [...pathParameters(route), ...queryParameters(route), ...headerParameters(route)],
    ...(route.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
          },
        }
      : {}),
    responses: {
      [route.status]: {
        description: route.summary,
        content: { [route.mediaType ?? 'application/json']: { schema: schemaOf(route.response, 'output') } },
      },
      default: {
        description: 'Any error',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

/** `POST /v1/runs/{id}/tasks` → `post_v1_runs_id_tasks` */
function operationIdOf(route: Route): string {
  return `${route.method}${route.path.replaceAll(/\W+/g, '_').replace(/_$/, '')}`;
}

function pathParameters(route: Route): Json[] {
  return [...route.path.matchAll(/\{(\w+)\}/g)].map((m) => ({
    name: m[1],
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(route: Route): Json[] {
  if (!route.query) return [];
  const schema = schemaOf(route.query, 'input') as { properties?: Record<string, Json>; required?: string[] };
  return Object.entries(schema.properties ?? {}).map(([name, property]) => ({
    name,
    in: 'query',
    required: schema.required?.includes(name) ?? false,
    schema: property,
  }));
}

function headerParameters(route: Route): Json[] {
  const names = [
    ...(route.idempotent ? ['Idempotency-Key'] : []),
    ...(route.mediaType === 'text/event-stream' ? ['Last-Event-ID'] : []),
  ];
  return names.map((name) => ({ name, in: 'header', required: false, schema: { type: 'string' } }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
}
