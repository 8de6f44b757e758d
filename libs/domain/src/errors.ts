/**
 * Every error that leaves the product, in one place; docs/errors.md explains each to its user and a test
 * keeps the two together. `retryable`: the same request may succeed later without being changed.
 */
export const ERRORS = {
  ACR_INVALID_REQUEST: { httpStatus: 400, retryable: false, message: 'The request is not valid' },
  ACR_UNAUTHENTICATED: { httpStatus: 401, retryable: false, message: 'No valid API key was given' },
  ACR_FORBIDDEN: { httpStatus: 403, retryable: false, message: 'The API key does not allow this' },
  ACR_RATE_LIMITED: { httpStatus: 429, retryable: true, message: 'Too many requests with this API key' },
  ACR_BACKLOG_FULL: { httpStatus: 429, retryable: true, message: 'Too many tasks are queued already' },
  ACR_NOT_FOUND: { httpStatus: 404, retryable: false, message: 'There is no such thing here' },
  ACR_TOO_LARGE: { httpStatus: 413, retryable: false, message: 'The request body is too large' },
  ACR_UNSUPPORTED_MEDIA_TYPE: {
    httpStatus: 415,
    retryable: false,
    message: 'The request body is not JSON',
  },
  ACR_RUN_CANCELLED: { httpStatus: 409, retryable: false, message: 'The run was cancelled' },
  ACR_CONFLICT: { httpStatus: 409, retryable: true, message: 'The same request is still being handled' },
  ACR_IDEMPOTENCY_MISMATCH: {
    httpStatus: 422,
    retryable: false,
    message: 'This Idempotency-Key was used with another body',
  },
  ACR_UNKNOWN_MODEL: { httpStatus: 422, retryable: false, message: 'The model is not in the pool' },
  ACR_INVALID_MESSAGE: { httpStatus: 500, retryable: false, message: 'A queue message did not parse' },
  ACR_NO_HANDLER: { httpStatus: 500, retryable: false, message: 'A queue has no handler, or has two' },
  ACR_PROVIDER_OUTAGE: { httpStatus: 502, retryable: true, message: 'The provider did not answer' },
  ACR_PROVIDER_REFUSED: { httpStatus: 502, retryable: false, message: 'The provider refused the request' },
  ACR_OVER_BUDGET: { httpStatus: 402, retryable: false, message: 'The budget does not allow the call' },
  ACR_SANDBOX_UNAVAILABLE: {
    httpStatus: 503,
    retryable: false,
    message: 'No sandbox on this machine can run the check',
  },
  ACR_SANDBOX_FAULT: { httpStatus: 503, retryable: true, message: 'The sandbox could not start the check' },
  ACR_DATABASE_UNAVAILABLE: { httpStatus: 503, retryable: true, message: 'Postgres does not answer' },
  ACR_GATEWAY_UNREACHABLE: { httpStatus: 503, retryable: true, message: 'The gateway does not answer' },
  ACR_QUEUE_UNAVAILABLE: { httpStatus: 503, retryable: true, message: 'The queue does not answer' },
  ACR_STALE_WRITE: {
    httpStatus: 409,
    retryable: false,
    message: 'A newer state exists; the write was refused',
  },
  ACR_CONFIG_INVALID: { httpStatus: 500, retryable: false, message: 'The configuration is not valid' },
  ACR_DISK_FULL: { httpStatus: 507, retryable: true, message: 'The disk is full or cannot be written' },
  ACR_PORT_TAKEN: { httpStatus: 500, retryable: false, message: 'The port is in use' },
  ACR_INTERNAL: { httpStatus: 500, retryable: true, message: 'Something unexpected happened' },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/**
 * A fault with a code of the table. `detail` says what happened here and what to do; `fields` carries ids.
 */
export class AcrError extends Error {
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    detail?: string,
    options: { cause?: unknown; fields?: Record<string, unknown> } = {},
  ) {
    super(detail ?? ERRORS[code].message, { cause: options.cause });
    this.name = 'AcrError';
    this.code = code;
    this.fields = options.fields ?? {};
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get httpStatus(): number {
    return ERRORS[this.code].httpStatus;
  }
}
