/** The entries of a run, what was too large to stand in them, and its newest checkpoint. */
import { faultPoint } from '../../base/fault-point.ts'
import type { EntryKind, RunId } from '../entry.ts'
import { NARRATIVE } from '../entry.ts'
import type { BlobRow, CheckpointRow, CheckpointWrite, EntryRow } from '../store.ts'
import { keptMissing } from '../fence.ts'
import { bytesOf, limitOf, numberOf, textOf } from './database.ts'
import type { Database, Row } from './database.ts'
import { placeOf } from './place.ts'

export interface Journal {
  add(run: number, entries: readonly EntryRow[], blobs: readonly BlobRow[]): void
  setCheckpoint(run: number, checkpoint: CheckpointWrite | 'none'): void
  read(runId: RunId, after: number, limit: number, narrative: boolean): readonly EntryRow[]
  blob(runId: RunId, digest: string): BlobRow | undefined
  checkpoint(runId: RunId): CheckpointRow | undefined
}

const RUN = `(SELECT run FROM runs WHERE tenant = '' AND run_id = ?1)`
const ENTRY = 'e.place & 4294967295 AS seq, e.at, e.epoch, e.v, e.kind, e.key_id, e.chain, e.payload'
/** The entries of run ?1 after seq ?2, of which there are none before 1. */
const AFTER = `e.place > (r.run << 32) + CAST(?2 AS INTEGER) AND e.place < (r.run + 1) << 32
  WHERE r.tenant = '' AND r.run_id = ?1`

export function journalOf(db: Database): Journal {
  const insert =
    db.prepare(`INSERT INTO entries (place, at, epoch, v, kind, narrative, key_id, chain, payload)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const insertBlob = db.prepare(
    'INSERT INTO blobs (run, digest, key_id, payload) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  )
  const upsert =
    db.prepare(`INSERT INTO checkpoints (run, seq, chain, key_id, state) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO UPDATE SET seq = ?2, chain = ?3, key_id = ?4, state = ?5`)
  // A link is written once, whatever follows it.
  const insertImage = db.prepare('INSERT INTO images (run, link, position, payload) VALUES (?, ?, ?, ?)')
  const dropImages = db.prepare('DELETE FROM images WHERE run = ? AND link >= ?')
  const countImages = db.prepare('SELECT count(*) AS links FROM images WHERE run = ? AND link < ?')
  const dropCheckpoint = db.prepare('DELETE FROM checkpoints WHERE run = ?')
  const read = db.prepare(
    `SELECT ${ENTRY} FROM runs r CROSS JOIN entries e ON ${AFTER} ORDER BY e.place LIMIT ?3`,
  )
  const readNarrative = db.prepare(`SELECT ${ENTRY},
    (SELECT p.chain FROM entries p WHERE p.place = e.place - 1) AS before
    FROM runs r CROSS JOIN entries e INDEXED BY entries_narrative ON ${AFTER} AND e.narrative = 1
    ORDER BY e.place LIMIT ?3`)
  const blob = db.prepare(`SELECT digest, key_id, payload FROM blobs WHERE run = ${RUN} AND digest = ?2`)
  const checkpoint = db.prepare(`SELECT run, seq, chain, key_id, state FROM checkpoints WHERE run = ${RUN}`)
  const images = db.prepare('SELECT position, payload FROM images WHERE run = ? ORDER BY link')

  function setLinks(run: number, { kept, links }: CheckpointWrite): void {
    const stored = kept === 0 ? 0 : countImages.get(run, kept)?.['links']
    if (stored !== kept) throw keptMissing(kept)
    dropImages.run(run, kept)
    for (const [index, link] of links.entries())
      insertImage.run(run, kept + index, link.position, link.payload)
  }

  return {
    add(run, entries, blobs) {
      for (const entry of entries) {
        insert.run(
          placeOf(run, entry.seq),
          entry.at,
          entry.epoch,
          entry.v,
          entry.kind,
          NARRATIVE.has(entry.kind) ? 1 : 0,
          entry.keyId,
          entry.chain,
          entry.payload,
        )
      }
      for (const row of blobs) insertBlob.run(run, row.digest, row.keyId, row.payload)
    },
    setCheckpoint(run, value) {
      if (value === 'none') {
        dropCheckpoint.run(run)
        return
      }
      upsert.run(run, value.seq, value.chain, value.keyId, value.state)
      faultPoint('checkpoint-half-written')
      setLinks(run, value)
    },
    read(runId, after, limit, narrative) {
      const values = [runId, Math.max(0, after), limitOf(limit)] as const
      return narrative ? readNarrative.all(...values).map(toldOf) : read.all(...values).map(entryOf)
    },
    blob(runId, digest) {
      const row = blob.get(runId, digest)
      if (row === undefined) return undefined
      return { digest: textOf(row, 'digest'), payload: bytesOf(row, 'payload'), keyId: textOf(row, 'key_id') }
    },
    checkpoint(runId) {
      const row = checkpoint.get(runId)
      if (row === undefined) return undefined
      const links = images.all(numberOf(row, 'run'))
      return {
        seq: numberOf(row, 'seq'),
        chain: bytesOf(row, 'chain'),
        state: bytesOf(row, 'state'),
        links: links.map((link) => ({
          position: numberOf(link, 'position'),
          payload: bytesOf(link, 'payload'),
        })),
        keyId: textOf(row, 'key_id'),
      }
    },
  }
}

function toldOf(row: Row): EntryRow {
  return { ...entryOf(row), ...(row['before'] !== null && { before: bytesOf(row, 'before') }) }
}

/** The kind stays text until it is decoded: its digest is checked there. */
function entryOf(row: Row): EntryRow {
  return {
    seq: numberOf(row, 'seq'),
    at: numberOf(row, 'at'),
    epoch: numberOf(row, 'epoch'),
    v: numberOf(row, 'v'),
    kind: textOf(row, 'kind') as EntryKind,
    payload: bytesOf(row, 'payload'),
    chain: bytesOf(row, 'chain'),
    keyId: textOf(row, 'key_id'),
  }
}
