/**
 * The engine by its name: the digest that images and journals carry, since a heap is only valid for the very engine
 * that made it.
 */
import { createHash } from 'node:crypto'
import { CODEC_VERSION } from '../base/codec-version.ts'
import { readSources } from './sources.ts'
import { TELL_TALE } from './tell-tale.ts'

export { engineParts } from './sources.ts'

let digest: string | undefined

/** The engine as it is on disk. A fresh heap holds much of it: the best dictionary to compress heaps with. */
export function engineBytes(): Uint8Array {
  return readSources().wasm
}

/** sha256 (hex) over the engine's bytes, how they are changed, the prelude and the codec's version. */
export function engineDigest(): string {
  if (digest === undefined) {
    const { wasm, prelude } = readSources()
    const hash = createHash('sha256').update(wasm).update('\0').update(prelude.join('\0'))
    digest = hash.update(`\0${TELL_TALE}\0codec ${CODEC_VERSION}`).digest('hex')
  }
  return digest
}
