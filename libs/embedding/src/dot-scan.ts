/**
 * dot-scan.wat, compiled (1273 bytes). WebAssembly because its SIMD is several times as fast as the best
 * plain loop (docs/decisions/0004-vector-index.md), and because it runs wherever Node does, with nothing to download.
 */
export const DOT_SCAN_WASM =
  'AGFzbQEAAAABIwRgBn9/f39/fwBgBHt7e3sBe2AGf3t/f39/AGAEf39/fwF9AhEBBWFyZW5hBm1lbW9yeQIAAQMFBAABAgMHCAEEc2Nh' +
  'bgAACqUJBNEFAgd/DXsgBEEANgIEIAVBADYCBCAEKAIA/REhDSAFKAIA/REhDiAEQSBqIAJqIQkCQANAIAYgAU8NASAEQSBqIQcgBUEg' +
  'aiEIIAAgAmohCiAKIAJqIQsgCyACaiEM/QwAAAAAAAAAAAAAAAAAAAAAIRL9DAAAAAAAAAAAAAAAAAAAAAAhE/0MAAAAAAAAAAAAAAAA' +
  'AAAAACEU/QwAAAAAAAAAAAAAAAAAAAAAIRX9DAAAAAAAAAAAAAAAAAAAAAAhFv0MAAAAAAAAAAAAAAAAAAAAACEX/QwAAAAAAAAAAAAA' +
  'AAAAAAAAIRj9DAAAAAAAAAAAAAAAAAAAAAAhGQNAIAf9AAQAIQ8gCP0ABAAhECAA/QAEACERIBIgESAP/boB/a4BIRIgEyARIBD9ugH9' +
  'rgEhEyAK/QAEACERIBQgESAP/boB/a4BIRQgFSARIBD9ugH9rgEhFSAL/QAEACERIBYgESAP/boB/a4BIRYgFyARIBD9ugH9rgEhFyAM' +
  '/QAEACERIBggESAP/boB/a4BIRggGSARIBD9ugH9rgEhGSAH/QAEECEPIAj9AAQQIRAgAP0ABBAhESASIBEgD/26Af2uASESIBMgESAQ' +
  '/boB/a4BIRMgCv0ABBAhESAUIBEgD/26Af2uASEUIBUgESAQ/boB/a4BIRUgC/0ABBAhESAWIBEgD/26Af2uASEWIBcgESAQ/boB/a4B' +
  'IRcgDP0ABBAhESAYIBEgD/26Af2uASEYIBkgESAQ/boB/a4BIRkgAEEgaiEAIApBIGohCiALQSBqIQsgDEEgaiEMIAdBIGohByAIQSBq' +
  'IQggByAJSQ0ACyASIBQgFiAYEAEhESARIA39P/1TBEAgBCARIAYgACACayACIAMQAgsgEyAVIBcgGRABIREgESAO/T/9UwRAIAUgESAG' +
  'IAAgAmsgAiADEAILIAwhACAGQQRqIQYMAAsLC5MBACAAIAH9DQABAgMQERITBAUGBxQVFhcgACAB/Q0ICQoLGBkaGwwNDg8cHR4f/a4B' +
  'IQAgAiAD/Q0AAQIDEBESEwQFBgcUFRYXIAIgA/0NCAkKCxgZGhsMDQ4PHB0eH/2uASECIAAgAv0NAAECAwQFBgcQERITFBUWFyAAIAL9' +
  'DQgJCgsMDQ4PGBkaGxwdHh/9rgELewEDfyAAIAH9CwQQIAAoAgQhBwNAIAAgBkECdGooAhAgACgCAE4EQCAAIARBA2xqIAdBA3RqIQgg' +
  'CCACIAZqNgIgIAggAyAGIARsaiAEIAUgAEEgaiAEahADOAIkIAdBAWohBwsgBkEBaiEGIAZBBEkNAAsgACAHNgIEC74BAgF/BHsgACAB' +
  'aiEEA0AgAP0ABAAhBSAAIAJq/QAEACEGIAcgA/0ABAAgBf2nAf36AUMAAIA/QwD+f0eV/RMgBv2nAf36Af3mAf3kAf3mAf3kASEHIAgg' +
  'A/0ABBAgBf2oAf36AUMAAIA/QwD+f0eV/RMgBv2oAf36Af3mAf3kAf3mAf3kASEIIABBEGohACADQSBqIQMgACAESQ0ACyAHIAj95AEh' +
  'ByAH/R8AIAf9HwGSIAf9HwIgB/0fA5KSCw==';

/**
 * `scan(block, count, rowBytes, planeBytes, a, b)` for two query slots at once; addresses and bytes in the arena, `count`
 * in rows, rounded up to a multiple of 4. What a slot and a block look like: dot-scan.wat.
 */
export type DotScan = (
  block: number,
  count: number,
  rowBytes: number,
  planeBytes: number,
  a: number,
  b: number,
) => void;

const compiled = new WebAssembly.Module(Buffer.from(DOT_SCAN_WASM, 'base64'));

/** The scan over `memory`. */
export function dotScan(memory: WebAssembly.Memory): DotScan {
  return new WebAssembly.Instance(compiled, { arena: { memory } }).exports['scan'] as DotScan;
}
