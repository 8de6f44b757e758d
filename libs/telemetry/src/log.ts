import pino, { type Logger } from 'pino';

export type { Logger };

/**
 * JSON logs on stdout, one object a line: `time` (ISO), `level` (word), `service`, `msg`, and ids as fields.
 * Never a prompt, an answer or a key: those stay in Postgres.
 */
export function createLogger(service: string, level: string): Logger {
  return pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: ['*.apiKey', '*.authorization', '*.password', 'url'], censor: '[redacted]' },
  });
}

/** Nest's own messages, through the same logger. */
export function nestLogger(logger: Logger) {
  const at =
    (level: 'info' | 'error' | 'warn' | 'debug' | 'trace' | 'fatal') =>
    (message: unknown, ...rest: unknown[]) =>
      logger[level](
        { context: rest.at(-1), ...(level === 'error' && rest.length > 1 ? { stack: rest[0] } : {}) },
        String(message),
      );
  return {
    log: at('debug'),
    error: at('error'),
    warn: at('warn'),
    debug: at('debug'),
    verbose: at('trace'),
    fatal: at('fatal'),
  };
}
