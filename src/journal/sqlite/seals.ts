/**
 * The seals of the runs in this file: their wraps, and what the store itself keeps under them.
 *
 * S1  What the store writes of a run (its view, questions, signals) is sealed like all else of it, together with all of
 *     the row that it stands in: a row that was edited or swapped is refused.
 * S2  A data key never changes, so a seal is opened once: a new state key stops no process that has the run open.
 */
import { StateCorruptError, UsageError } from '../../base/errors.ts'
import { parseJson, type Json } from '../../base/json.ts'
import { cipherOf, keyIdOf, NO_KEY, plainSeal, type Seal } from '../cipher.ts'
import type { RunId } from '../entry.ts'
import { openBytes, sealBytes } from '../envelope.ts'
import { newDataKey, type Keyring, type KeyWrap } from '../keys.ts'
import type { Seals } from '../store.ts'
import { bytesOf, textOf } from './database.ts'
import type { Database, Row } from './database.ts'

/** Columns that `sealIn` reads, of `runs r` and `wraps w`. */
export const SEAL = 'r.key_id AS data_key, w.key_id AS state_key, w.stretch, w.salt, w.wrapped'
export const WITH_WRAPS = 'LEFT JOIN wraps w ON w.run = r.run'

export interface SealsOf extends Seals {
  /** For a run that is being created with this wrap. */
  with(runId: RunId, wrap: KeyWrap | undefined): Promise<Seal>
  /** As `of`, without looking again: `update` compares the key. Holds for one lease. */
  forWriter(runId: RunId): Promise<Seal>
  /** Somebody claims a run: what is known of seals may be of runs before those that have their ids now. */
  forget(): void
  /** As `of`; undefined where the key is missing or another one. */
  tried(runId: RunId, row: Row): Promise<Seal | undefined>
  keep(run: number, wrap: KeyWrap | undefined): void
}

const MOST = 1_000

/** `read`: runs what it is given in a transaction, and with the errors of the store. */
export function sealsOf(db: Database, keyring: Keyring, read: <T>(work: () => T) => Promise<T>): SealsOf {
  const select = db.prepare(`SELECT ${SEAL} FROM runs r ${WITH_WRAPS} WHERE r.tenant = '' AND r.run_id = ?`)
  const newest = db.prepare(`SELECT stretch FROM wraps WHERE stretch <> '' ORDER BY run DESC LIMIT 1`)
  const insert = db.prepare('INSERT INTO wraps (run, key_id, stretch, salt, wrapped) VALUES (?, ?, ?, ?, ?)')
  const opened = new Map<RunId, Seal>()

  const writers = new Map<RunId, Seal>()

  async function of(runId: RunId): Promise<Seal> {
    const row = await read(() => select.get(runId))
    return row === undefined ? plainSeal(runId) : sealOf(runId, wrapIn(runId, row))
  }

  async function sealOf(runId: RunId, wrap: KeyWrap | undefined): Promise<Seal> {
    if (wrap === undefined) return plainSeal(runId)
    const known = opened.get(runId)
    if (known !== undefined && keyIdOf(known) === wrap.dataKeyId) return known
    const seal = { runId, cipher: cipherOf(await keyring.unwrap(runId, wrap)) }
    if (opened.size >= MOST) opened.clear()
    opened.set(runId, seal)
    return seal
  }

  return {
    async make(runId) {
      const near = await read(() => newest.get())
      const dataKey = newDataKey()
      const wrap = await keyring.wrap(
        runId,
        dataKey,
        near === undefined ? undefined : textOf(near, 'stretch'),
      )
      return wrap === undefined ? undefined : { wrap, seal: { runId, cipher: cipherOf(dataKey) } }
    },
    of,
    with: sealOf,
    async forWriter(runId) {
      const seal = writers.get(runId) ?? (await of(runId))
      if (writers.size >= MOST) writers.clear()
      writers.set(runId, seal)
      return seal
    },
    forget: () => writers.clear(),
    async tried(runId, row) {
      try {
        return await sealOf(runId, wrapIn(runId, row))
      } catch (error) {
        if (error instanceof UsageError) return undefined
        throw error
      }
    },
    keep(run, wrap) {
      if (wrap !== undefined) insert.run(run, wrap.keyId, wrap.stretch, wrap.salt, wrap.wrapped)
    },
  }
}

/** The run's wrap; undefined where it is kept in plain. @throws {StateCorruptError} its key is gone. */
export function wrapIn(runId: RunId, row: Row): KeyWrap | undefined {
  const dataKeyId = textOf(row, 'data_key')
  const isWrapped = row['wrapped'] !== null
  if (dataKeyId === NO_KEY && !isWrapped) return undefined
  if (dataKeyId === NO_KEY || !isWrapped)
    throw new StateCorruptError(`Run ${runId} is sealed, and its key is gone: nobody can read it any more.`)
  const [salt, wrapped] = [bytesOf(row, 'salt'), bytesOf(row, 'wrapped')]
  return { dataKeyId, keyId: textOf(row, 'state_key'), stretch: textOf(row, 'stretch'), salt, wrapped }
}

/** What a run with a key is given to keep in plain is refused. @throws {UsageError} */
export function checkSealed(seal: Seal, rows: readonly { readonly keyId: string }[]): void {
  if (seal.cipher === undefined || rows.every((row) => row.keyId === keyIdOf(seal))) return
  throw new UsageError(`Run ${seal.runId} is sealed, and this write is not.`)
}

/** S1: `value` for a row of the store. `place` is all of the row that must not change without it. */
export function sealRow(seal: Seal, what: string, place: readonly Json[], value: unknown): Uint8Array {
  return sealBytes(seal, contextOf(what, place), 0, Buffer.from(JSON.stringify(value)))
}

/** S1. @throws {StateCorruptError} it is damaged, or of another row. */
export function openRow(seal: Seal, what: string, place: readonly Json[], bytes: Uint8Array): Json {
  const opened = openBytes(seal, contextOf(what, place), 0, bytes)
  return parseJson(Buffer.from(opened).toString('utf8'), `The ${what} of run ${seal.runId}`)
}

function contextOf(what: string, place: readonly Json[]): string {
  return `${what} ${JSON.stringify(place)}`
}
