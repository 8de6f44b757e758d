import { rawEnv } from './env';

/** What the `acr` command takes from the environment; all of it can be given as options too. */
export interface CliEnv {
  /** ACR_URL: gateway to talk to. Default: that of the stack in the data folder. */
  url: string | null;
  /** ACR_API_KEY: key sent to the gateway. */
  apiKey: string | null;
  /** ACR_DATA_DIR: folder of the embedded stack. Default `.acr`, here or in the nearest folder above. */
  dataDir: string | null;
  /** ACR_REPOSITORIES: folder with the repositories that tasks may name. */
  repositories: string | null;
  /** ACR_DEBUG: any value shows stack traces of unexpected errors. */
  debug: boolean;
  /** Colours: off with NO_COLOR or a dumb terminal, on with FORCE_COLOR, else on a terminal only. */
  colors: boolean;
}

/** Reads it; never throws. `isTerminal` says whether stdout is one. */
export function readCliEnv(isTerminal: boolean, env = rawEnv()): CliEnv {
  const forced = Boolean(env.FORCE_COLOR) && env.FORCE_COLOR !== '0';
  return {
    url: env.ACR_URL || null,
    apiKey: env.ACR_API_KEY || null,
    dataDir: env.ACR_DATA_DIR || null,
    repositories: env.ACR_REPOSITORIES || null,
    debug: Boolean(env.ACR_DEBUG),
    colors: !env.NO_COLOR && (forced || (isTerminal && env.TERM !== 'dumb')),
  };
}
