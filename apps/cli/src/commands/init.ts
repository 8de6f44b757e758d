import { templateModelsFile } from '@acrouter/config/models-template';
import { AcrError } from '@acrouter/domain/errors';
import type { Command } from 'commander';
import { existsSync } from 'node:fs';
import { note, printJson } from '../output';
import { writeOutputFile } from '../output-file';

/** `acr init` */
export function registerInit(program: Command): void {
  program
    .command('init')
    .summary('write a models.yaml to start from')
    .description('Writes a models.yaml with simulated models and a commented example of every provider.')
    .argument('[file]', 'where to write it', 'models.yaml')
    .option('--force', 'replace a file that is there')
    .option('--json', 'print {"file"} as JSON')
    .action((file: string, options: { force?: boolean; json?: boolean }) => {
      if (existsSync(file) && !options.force)
        throw new AcrError(
          'ACR_CONFIG_INVALID',
          `${file} is there already and was left alone. Replace it with --force, or name another file.`,
        );
      writeOutputFile(null, file, templateModelsFile());
      if (options.json) printJson({ file });
      note(`Wrote ${file}. Put your models in, then: acr up --models ${file}`);
    });
}
