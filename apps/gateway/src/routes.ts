import {
  acceptedFeedbackSchema,
  acceptedRunSchema,
  acceptedTaskSchema,
  acceptedTasksSchema,
  cancelledSchema,
  explanationSchema,
  modelListSchema,
  reportQuerySchema,
  runEventSchema,
  runTaskQuerySchema,
  runViewSchema,
  submitFeedbackSchema,
  submitRunSchema,
  submitTasksSchema,
  taskPageSchema,
  taskQuerySchema,
  taskViewSchema,
} from '@acrouter/contracts/http';
import { offPolicyQuerySchema, offPolicyReportSchema } from '@acrouter/contracts/http-off-policy';
import { reportSchema } from '@acrouter/contracts/http-report';
import { taskSpecSchema } from '@acrouter/contracts/task-file';
import type { KeyScope } from '@acrouter/db/key-store';
import { z } from 'zod';

/** What a route asks of its caller: a key with that scope, or any; nothing; or, for metrics, to be near or an admin. */
export type Access = KeyScope | 'any-key' | 'public' | 'metrics';

/** One route of the API, as its document shows it. A test holds this table against the routes that are served. */
export interface Route {
  method: 'get' | 'post';
  /** Path parameters in braces. */
  path: string;
  summary: string;
  /** Default: `read` for what changes nothing, else `submit`. */
  access?: Access;
  query?: z.ZodObject;
  body?: z.ZodType;
  /** Whether an Idempotency-Key is understood. */
  idempotent?: true;
  status: number;
  /** Absent: not JSON (`mediaType` says what). */
  response: z.ZodType;
  mediaType?: string;
}

const text = z.string();

export const ROUTES: readonly Route[] = [
  {
    method: 'post',
    path: '/v1/tasks',
    summary: 'Submit one task, or up to 1,000 as {tasks: [...]}',
    body: z.union([taskSpecSchema, submitTasksSchema]),
    idempotent: true,
    status: 202,
    response: z.union([acceptedTaskSchema, acceptedTasksSchema]),
  },
  {
    method: 'get',
    path: '/v1/tasks',
    summary: 'Tasks, newest first',
    query: taskQuerySchema,
    status: 200,
    response: taskPageSchema,
  },
  {
    method: 'get',
    path: '/v1/tasks/{id}',
    summary: 'One task: status, answer, attempts, cost, timings',
    status: 200,
    response: taskViewSchema,
  },
  {
    method: 'get',
    path: '/v1/tasks/{id}/explain',
    summary: 'Every decision on a task, with votes, predictions, probabilities and neighbours',
    status: 200,
    response: explanationSchema,
  },
  {
    method: 'post',
    path: '/v1/tasks/{id}/cancel',
    summary: 'Ask for the cancellation of a task',
    status: 202,
    response: cancelledSchema,
  },
  {
    method: 'post',
    path: '/v1/runs',
    summary: 'Start a run: a batch of tasks with a budget of its own',
    body: submitRunSchema,
    idempotent: true,
    status: 202,
    response: acceptedRunSchema,
  },
  {
    method: 'post',
    path: '/v1/runs/{id}/tasks',
    summary: 'Add up to 1,000 more tasks to a run',
    body: submitTasksSchema,
    idempotent: true,
    status: 202,
    response: acceptedRunSchema,
  },
  {
    method: 'get',
    path: '/v1/runs/{id}',
    summary: 'Progress and cost of a run',
    status: 200,
    response: runViewSchema,
  },
  {
    method: 'get',
    path: '/v1/runs/{id}/tasks',
    summary: 'Tasks of a run in the order of submission',
    query: runTaskQuerySchema,
    status: 200,
    response: taskPageSchema,
  },
  {
    method: 'get',
    path: '/v1/runs/{id}/events',
    summary: 'Follow a run (server-sent events; resumes after Last-Event-ID)',
    status: 200,
    response: runEventSchema,
    mediaType: 'text/event-stream',
  },
  {
    method: 'post',
    path: '/v1/runs/{id}/cancel',
    summary: 'Ask for the cancellation of all open tasks of a run',
    status: 202,
    response: cancelledSchema,
  },
  {
    method: 'post',
    path: '/v1/feedback',
    summary: 'Say what you think of a task or a decision',
    access: 'feedback',
    body: submitFeedbackSchema,
    idempotent: true,
    status: 201,
    response: acceptedFeedbackSchema,
  },
  {
    method: 'get',
    path: '/v1/models',
    summary: 'The model pool',
    status: 200,
    response: modelListSchema,
  },
  {
    method: 'get',
    path: '/v1/report',
    summary: 'What was solved, what it cost, and what the strongest model alone would have cost',
    query: reportQuerySchema,
    status: 200,
    response: reportSchema,
  },
  {
    method: 'get',
    path: '/v1/report/off-policy',
    summary: 'What another policy would have scored and cost, estimated from the logged probabilities',
    query: offPolicyQuerySchema,
    status: 200,
    response: offPolicyReportSchema,
  },
  {
    method: 'get',
    path: '/openapi.json',
    summary: 'This document',
    access: 'public',
    status: 200,
    response: z.record(z.string(), z.unknown()),
  },
  {
    method: 'get',
    path: '/healthz',
    summary: 'Whether the process lives',
    access: 'public',
    status: 200,
    response: z.object({ status: z.literal('ok') }),
  },
  {
    method: 'get',
    path: '/readyz',
    summary: 'Whether it takes work: 200, or 503 with the dependency that is away',
    access: 'public',
    status: 200,
    response: z.record(z.string(), text),
  },
  {
    method: 'get',
    path: '/metrics',
    summary: 'Prometheus metrics',
    access: 'metrics',
    status: 200,
    response: text,
    mediaType: 'text/plain',
  },
];

/** What a route of the table asks of its caller. */
export function accessOf(route: Route): Access {
  return route.access ?? (route.method === 'get' ? 'read' : 'submit');
}

const ACCESS = new Map<string, Access>(ROUTES.map((r) => [`${r.method} ${r.path}`, accessOf(r)]));

const WITH_BODY = new Set(ROUTES.filter((r) => r.body).map((r) => `${r.method} ${r.path}`));

/** Where Bull Board is served. */
export const QUEUE_BOARD_PATH = '/admin/queues';

/**
 * What a route asks of its caller.
 * @param pattern the route as Fastify knows it, e.g. `/v1/tasks/:id`; absent: no such route, which any key may learn
 */
export function accessTo(method: string, pattern: string | undefined): Access {
  return pattern === undefined ? 'any-key' : (ACCESS.get(nameOf(method, pattern)) ?? 'admin');
}

/** Whether a route of the table reads a body. @param pattern as of {@link accessTo} */
export function takesBody(method: string, pattern: string | undefined): boolean {
  return pattern !== undefined && WITH_BODY.has(nameOf(method, pattern));
}

/** `POST`, `/v1/runs/:id/tasks` → `post /v1/runs/{id}/tasks` */
function nameOf(method: string, pattern: string): string {
  const verb = method === 'HEAD' ? 'get' : method.toLowerCase();
  return `${verb} ${pattern.replaceAll(/:(\w+)/g, '{$1}')}`;
}
