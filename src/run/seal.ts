/** How a run's payloads are sealed: as its store keeps keys, or in plain. */
import { plainSeal, type Seal } from '../journal/cipher.ts'
import type { RunId } from '../journal/entry.ts'
import type { KeyWrap } from '../journal/keys.ts'
import type { Store } from '../journal/store.ts'

/** Of a stored run. @throws {UsageError} its key is missing, or another one was given. @throws {StateCorruptError} */
export async function sealOf(store: Store, runId: RunId): Promise<Seal> {
  return store.seals === undefined ? plainSeal(runId) : store.seals.of(runId)
}

/** Of a run that is to be created: `wrap` goes into the run's row. */
export async function newSeal(
  store: Store,
  runId: RunId,
): Promise<{ readonly seal: Seal; readonly wrap?: KeyWrap }> {
  return (await store.seals?.make(runId)) ?? { seal: plainSeal(runId) }
}
