import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
  type IdGenerator,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import { randomBytes } from 'node:crypto';

/** A span that is over. */
export interface FinishedSpan {
  name: string;
  kind?: 'internal' | 'client' | 'consumer';
  /** W3C traceparent of the span itself; absent: an id of its own under `parent`. */
  self?: string;
  /** W3C traceparent of the span above; absent or malformed: the span begins its trace. */
  parent?: string | null;
  /** Unix time in ms. */
  startMs: number;
  endMs: number;
  attributes?: Attributes;
  /** Events at the end of the span. */
  events?: readonly { name: string; attributes: Attributes }[];
  /** What went wrong, for a person. */
  error?: string;
}

export interface TracingOptions {
  /** OTLP over HTTP, e.g. http://127.0.0.1:4318; absent: nothing is recorded and nothing leaves the machine. */
  endpoint?: string;
  /** `service.name`. */
  service: string;
  /** Whether prompts and answers may go into attributes. Default false. */
  withPrompts?: boolean;
  /** Where spans go instead of to `endpoint`. */
  exporter?: SpanExporter;
}

/**
 * OpenTelemetry spans of what is over, with the ids that the queue already gave to every hop: one trace follows
 * a task over all queues without a context of its own. Names and attributes: OpenTelemetry GenAI conventions.
 */
export class Tracing {
  private readonly ids = new GivenIds();
  private readonly provider: BasicTracerProvider | null;
  private readonly tracer: Tracer | null;
  /** Whether prompts and answers may go into attributes. */
  readonly withPrompts: boolean;

  constructor(options: TracingOptions) {
    this.withPrompts = options.withPrompts ?? false;
    const exporter = options.exporter ?? otlpExporter(options.endpoint);
    this.provider = exporter && openProvider(exporter, options.service, this.ids);
    this.tracer = this.provider?.getTracer('acrouter') ?? null;
  }

  /** Does nothing when tracing is off, or for a span that its trace's beginner did not sample. */
  record(span: FinishedSpan): void {
    if (!this.tracer) return;
    const parent = contextOf(span.parent);
    const self = contextOf(span.self);
    if (((self ?? parent)?.traceFlags ?? TraceFlags.SAMPLED) !== TraceFlags.SAMPLED) return;
    this.ids.next = self ?? null;
    const above = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    const kind = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, consumer: SpanKind.CONSUMER };
    const opened = this.tracer.startSpan(
      span.name,
      { kind: kind[span.kind ?? 'internal'], startTime: span.startMs, attributes: span.attributes },
      above,
    );
    this.ids.next = null;
    for (const event of span.events ?? []) opened.addEvent(event.name, event.attributes, span.endMs);
    if (span.error !== undefined) opened.setStatus({ code: SpanStatusCode.ERROR, message: span.error });
    opened.end(span.endMs);
  }

  /** Sends what is left; never rejects. */
  async close(): Promise<void> {
    await this.provider?.shutdown().catch(() => undefined);
  }
}

function otlpExporter(endpoint: string | undefined): SpanExporter | null {
  if (endpoint === undefined) return null;
  return new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
}

function openProvider(
  exporter: SpanExporter,
  service: string,
  idGenerator: IdGenerator,
): BasicTracerProvider {
  return new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `acrouter-${service}` }),
    idGenerator,
    spanProcessors: [new BatchSpanProcessor(exporter, { scheduledDelayMillis: 2_000 })],
  });
}

/** Gives a span the id that was decided before; others random ones. */
class GivenIds implements IdGenerator {
  next: SpanContext | null = null;

  generateTraceId = (): string => this.next?.traceId ?? randomBytes(16).toString('hex');
  generateSpanId = (): string => this.next?.spanId ?? randomBytes(8).toString('hex');
}

function contextOf(traceparent: string | null | undefined): SpanContext | undefined {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? '');
  const [, traceId, spanId, flags] = match ?? [];
  if (!traceId || !spanId || !flags) return undefined;
  return { traceId, spanId, traceFlags: parseInt(flags, 16) & TraceFlags.SAMPLED, isRemote: true };
}
