/** Large text is kept beside the entries, once for each digest. */
import { StateCorruptError } from '../base/errors.ts'
import type { Encoded } from '../base/halt.ts'
import { digestOf } from '../base/id.ts'
import type { Stored } from '../journal/entry.ts'
import { NO_KEY, openBytes, sealBytes } from '../journal/envelope.ts'
import type { BlobRow, Store } from '../journal/store.ts'

/** Text longer than this is kept as a blob. */
const INLINE_CHARS = 32_768

/** The blob of a text, and what stands for it in an entry; undefined for text that stands there itself. */
export function blobOf(
  runId: string,
  text: Encoded,
): { readonly row: BlobRow; readonly stored: Stored } | undefined {
  if (text.length <= INLINE_CHARS) return undefined
  const bytes = Buffer.from(text)
  const digest = digestOf(bytes)
  const row = { digest, payload: sealBytes(`blob ${digest}`, runId, 0, bytes), keyId: NO_KEY }
  return { row, stored: { blob: digest, size: bytes.length } }
}

/** The text of a blob. @throws {StateCorruptError} if it is missing or damaged. */
export async function readBlob(store: Store, runId: string, digest: string): Promise<string> {
  const row = await store.blob(runId, digest)
  if (row === undefined)
    throw new StateCorruptError(`Blob ${digest.slice(0, 12)} of run ${runId} is missing.`)
  const bytes = openBytes(`blob ${digest}`, runId, 0, row.payload, row.keyId)
  if (digestOf(bytes) !== digest)
    throw new StateCorruptError(`Blob ${digest.slice(0, 12)} of run ${runId} is damaged.`)
  return Buffer.from(bytes).toString('utf8')
}
