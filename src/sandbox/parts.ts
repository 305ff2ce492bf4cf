/**
 * The engine by its name: the digest that images and journals carry, since a heap is only valid for the very engine
 * that made it.
 */
import { createHash } from 'node:crypto'
import { CODEC_VERSION } from '../base/codec-version.ts'
import { readSources } from './sources.ts'
import { TELL_TALE } from './tell-tale.ts'

let digest: string | undefined

/** sha256 (hex) over the engine's bytes, how they are changed, the base (and with it the prelude) and the codec's version. */
export function engineDigest(): string {
  if (digest === undefined) {
    const { wasm, base } = readSources()
    const hash = createHash('sha256').update(wasm).update('\0').update(base)
    digest = hash.update(`\0${TELL_TALE}\0codec ${CODEC_VERSION}`).digest('hex')
  }
  return digest
}
