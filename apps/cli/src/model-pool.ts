import { rawEnv } from '@acrouter/config/env';
import { readModelsFile, type ModelsFile } from '@acrouter/config/models-file';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { findDataDir, readLiveStack } from './stack/stack-file';

/** The pool's file: the option, else ACR_MODELS_FILE, else models.yaml here; `null` = the simulated pool. Absolute. */
export function chosenPoolFile(option?: string): string | null {
  const file = option ?? (rawEnv().ACR_MODELS_FILE || (existsSync('models.yaml') ? 'models.yaml' : null));
  return file === null ? null : resolve(file);
}

/** The pool that a command means: the option, else that of the running stack, else as `acr up` would choose. */
export function poolFile(options: { models?: string; dataDir?: string }): string | null {
  const running = options.models ? null : readLiveStack(findDataDir(options.dataDir));
  return running ? running.modelsFile : chosenPoolFile(options.models);
}

/** Reads a pool whether or not its keys are there, for commands that are about the keys. @throws ACR_CONFIG_INVALID */
export function readPoolWithoutKeys(path: string | null): ModelsFile {
  const everyKeySet = new Proxy<Record<string, string>>({}, { get: () => 'set' });
  return readModelsFile(path, everyKeySet);
}
