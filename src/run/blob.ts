/** Large text is kept beside the entries, once for each digest. */
import { StateCorruptError } from '../base/errors.ts'
import type { Encoded } from '../base/halt.ts'
import type { Stored } from '../journal/entry.ts'
import { keyIdOf, type Seal } from '../journal/cipher.ts'
import { nameOf, openBytes, sealBytes } from '../journal/envelope.ts'
import type { BlobRow, Store } from '../journal/store.ts'
import { sealOf } from './seal.ts'

/** Text longer than this is kept as a blob. */
const INLINE_CHARS = 32_768

/** The blob of a text, and what stands for it in an entry; undefined for text that stands there itself. */
export function blobOf(
  seal: Seal,
  text: Encoded,
): { readonly row: BlobRow; readonly stored: Stored } | undefined {
  if (text.length <= INLINE_CHARS) return undefined
  const bytes = Buffer.from(text)
  const name = nameOf(seal, bytes)
  return { row: blobNamed(seal, name, bytes), stored: { blob: name, size: bytes.length } }
}

/** A blob under a name that it has already: a copied entry speaks of it so. */
export function blobNamed(seal: Seal, name: string, bytes: Uint8Array): BlobRow {
  return { digest: name, payload: sealBytes(seal, `blob ${name}`, 0, bytes), keyId: keyIdOf(seal) }
}

/** The text of a blob. @throws {StateCorruptError} if it is missing, damaged, or another one. */
export async function readBlob(store: Store, runId: string, name: string): Promise<string> {
  const row = await store.blob(runId, name)
  if (row === undefined) throw new StateCorruptError(`Blob ${name.slice(0, 12)} of run ${runId} is missing.`)
  const seal = await sealOf(store, runId)
  return Buffer.from(openBytes(seal, `blob ${name}`, 0, row.payload, row.keyId)).toString('utf8')
}
