/**
 * The thread that renews leases (B1–B3 of `heartbeat.ts`), on a connection of its own.
 *
 * One statement renews one lease: it is checked and written at once (T2), and a thread that is ended in the middle
 * leaves nothing open. A renewal need not outlive a power loss, after which every holder is dead: so the log is synced
 * only where it begins anew, or has become long and is brought into the file.
 */
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import type { HeartReply, HeartRequest, HeartSetup } from './heartbeat.ts'

type Held = Extract<HeartRequest, { op: 'hold' }>

/** How long another process may hold the lock before a renewal is tried again, in ms. */
const TIMEOUT_MS = 500
const NS = 1_000_000

const { path } = workerData as HeartSetup
const url = pathToFileURL(path)
// A file that is gone is not made anew.
url.search = '?mode=rw'
const db = new DatabaseSync(url, { timeout: TIMEOUT_MS, defensive: true, allowExtension: false })
db.exec('PRAGMA trusted_schema = OFF; PRAGMA synchronous = NORMAL')
const extend = db.prepare(`UPDATE leases SET expires_at = ?1, expires_in_boot = ?2
  WHERE tenant = '' AND root_run_id = ?3 AND epoch = ?4 AND holder = ?5 AND boot = ?6 AND expires_in_boot > ?7`)
const timers = new Map<number, NodeJS.Timeout>()

parentPort?.on('message', (request: HeartRequest) => {
  if (request.op === 'hold') beatLater(request, msLeft(request) - (request.ttl * 2) / 3)
  else drop(request.id)
})

function beatLater(held: Held, ms: number): void {
  timers.set(
    held.id,
    setTimeout(() => beat(held), Math.max(0, ms)),
  )
}

function beat(held: Held): void {
  const { lease, boot, ttl, good } = held
  try {
    const began = process.hrtime.bigint()
    const inBoot = Number(began) / NS
    const { rootRunId, epoch, holder } = lease
    const renewed = extend.run(Date.now() + ttl, inBoot + ttl, rootRunId, epoch, holder, boot, inBoot)
    if (Number(renewed.changes) === 0) return lose(held, {})
    Atomics.store(good, 0, began + BigInt(Math.round(ttl * NS)))
    beatLater(held, ttl / 3)
  } catch (error) {
    // A lock that somebody holds, a full disk: it may pass while the lease is good.
    if (msLeft(held) > 0) return beatLater(held, ttl / 20)
    const errcode = error instanceof Error && 'errcode' in error ? Number(error.errcode) : undefined
    lose(held, { error: { message: String(error), ...(errcode === undefined ? {} : { errcode }) } })
  }
}

function lose({ id, good }: Held, why: Omit<HeartReply, 'id'>): void {
  Atomics.store(good, 0, 0n)
  drop(id)
  const reply: HeartReply = { id, ...why }
  parentPort?.postMessage(reply)
}

function drop(id: number): void {
  clearTimeout(timers.get(id))
  timers.delete(id)
}

function msLeft({ good }: Held): number {
  return Number(Atomics.load(good, 0) - process.hrtime.bigint()) / NS
}
