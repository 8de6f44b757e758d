/** Injection tokens of what is not a class: `@Inject(DATABASE) db: Database`. */
export const ENV = Symbol('env');
export const LOGGER = Symbol('logger');
export const DATABASE = Symbol('database');
export const QUEUE = Symbol('queue');
export const MODELS = Symbol('models');
export const READINESS = Symbol('readiness');
/** Functions awaited before every /metrics answer; a service pushes its own (gauges read on demand). */
export const SCRAPE_HOOKS = Symbol('scrape-hooks');
/** Functions awaited before every /metrics answer. */
export type ScrapeHook = () => Promise<void>;
