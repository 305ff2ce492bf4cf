/** Edits of a run's memory: facts, recorded by whoever drives the run, or alone where nobody does. */
import { UsageError } from '../base/errors.ts'
import type { MemoryEdit, RunId } from '../journal/entry.ts'
import type { Store } from '../journal/store.ts'
import { releaseLease, takeLease } from './lease.ts'
import { recover } from './recover.ts'
import { recordAlone, sendSignal } from './signal.ts'

/** For a run that this process drives: durable when this resolves, and told with the next request to the model. */
export async function sendEdit(store: Store, runId: RunId, edit: MemoryEdit): Promise<void> {
  await sendSignal(store, runId, { kind: 'edit', edit })
}

/**
 * For a run that nobody drives.
 * @throws {RunBusyError} another process drives it. @throws {UsageError} it was stopped, for good.
 */
export async function editAlone(store: Store, runId: RunId, edit: MemoryEdit): Promise<void> {
  const { state } = await recover(store, runId)
  if (state.ended?.status === 'stopped')
    throw new UsageError(`Run ${runId} is stopped: nothing of it changes any more.`, { hint: 'Fork it.' })
  const lease = await takeLease(store, runId)
  try {
    await recordAlone(store, lease, () => ({
      kind: 'signalled',
      rows: [{ key: '', at: store.now(), signal: { kind: 'edit', edit } }],
    }))
  } finally {
    await releaseLease(store, lease)
  }
}
