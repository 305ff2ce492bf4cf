/**
 * Rows to entries and back: the only place that knows older versions of the vocabulary.
 * `openEntry` has checked the chain before anything here reads a payload.
 */
import { StateCorruptError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import type { Seal } from './cipher.ts'
import { ENTRY_VERSION, type Entry, type Fact } from './entry.ts'
import { openEntry, sealEntry } from './envelope.ts'
import type { EntryRow } from './store.ts'

/** An entry as a row, chained to the row before it. */
export function rowOf(seal: Seal, entry: Entry, previousChain: Uint8Array): EntryRow {
  const { seq, at, epoch, v, kind, ...body } = entry
  const place = { seq, at, epoch, v }
  return { ...place, kind, ...sealEntry(seal, place, kind, JSON.stringify(body), previousChain) }
}

/** The entry of a row. @throws {StateCorruptError} if the chain breaks here, or a newer version wrote it. */
export function entryOf(seal: Seal, row: EntryRow, previousChain: Uint8Array): Entry {
  const { runId } = seal
  const body = parseJson(openEntry(row, seal, previousChain), `Entry ${row.seq} of run ${runId}`)
  if (row.v > ENTRY_VERSION) {
    throw new StateCorruptError(
      `Entry ${row.seq} of run ${runId} was written by a newer version (${row.v}; this one reads ${ENTRY_VERSION}).`,
      {
        hint: 'Update persistent-code-agent.',
      },
    )
  }
  // The chain says that we wrote this row; version 1 needs no upcast.
  return Object.assign(body as object, {
    seq: row.seq,
    at: row.at,
    epoch: row.epoch,
    v: row.v,
    kind: row.kind,
  }) as Entry
}

/** A fact with its place. */
export function placed(fact: Fact, seq: number, at: number, epoch: number): Entry {
  return { ...fact, seq, at, epoch, v: ENTRY_VERSION }
}
