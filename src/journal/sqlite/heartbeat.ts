/**
 * Leases that stay alive whatever this thread does: a tool that computes for minutes without a pause keeps its run.
 *
 * B1  One thread for all leases of a store. It starts with the first effect that a driver begins, or soon after the
 *     lease was taken: not while a run is being resumed, when there is better use for the processor.
 * B2  Until when a lease is good stands in shared memory, by the machine's monotonic time: it is read without a
 *     message, also by a thread that has stood still.
 * B3  The thread holds no process. Whoever drives a run does.
 */
import { Worker } from 'node:worker_threads'
import { systemClock } from '../../base/clock.ts'
import { LeaseLostError } from '../../base/errors.ts'
import { bootClock } from '../../base/process-identity.ts'
import type { Hold, HoldTerms, Lease } from '../store.ts'

/** What the thread is asked. `good`: see B2, one number, in ns of `process.hrtime`. */
export type HeartRequest =
  | {
      readonly op: 'hold'
      readonly id: number
      readonly lease: Lease
      readonly boot: string
      readonly ttl: number
      readonly good: BigInt64Array
    }
  | { readonly op: 'drop'; readonly id: number }

/** The lease `id` is lost; `error`: what SQLite said, where it is not simply somebody else's. */
export interface HeartReply {
  readonly id: number
  readonly error?: { readonly message: string; readonly errcode?: number }
}

export interface HeartSetup {
  readonly path: string
}

export interface Heartbeat {
  hold(lease: Lease, terms: HoldTerms): Hold
  stop(): Promise<void>
}

/** B1: when the thread starts at the latest, as a part of the ttl. */
const PATIENCE = 1 / 6
const NS = 1_000_000

/** `explained`: the typed error for one of SQLite. */
export function heartbeatOf(path: string, explained: (error: unknown) => unknown): Heartbeat {
  const holds = new Map<number, { readonly request: HeartRequest; readonly lose: (error: unknown) => void }>()
  let [ids, worker, isStopped]: [number, Worker | undefined, boolean] = [0, undefined, false]

  function start(): void {
    if (worker !== undefined || isStopped || holds.size === 0) return
    const setup: HeartSetup = { path }
    worker = new Worker(new URL(`./heartbeat-worker${import.meta.url.slice(-3)}`, import.meta.url), {
      workerData: setup,
      env: {},
      execArgv: [],
      stdout: true,
      stderr: true,
    })
    worker
      .on('message', ({ id, error }: HeartReply) => lose(id, error))
      .on('error', (error) => loseAll(error))
      .on('exit', () => loseAll(new Error('Its thread has ended.')))
      .unref()
    for (const { request } of holds.values()) worker.postMessage(request)
  }

  function lose(id: number, error: HeartReply['error']): void {
    const known = error === undefined ? undefined : Object.assign(new Error(error.message), error)
    holds.get(id)?.lose(known === undefined ? undefined : explained(known))
    holds.delete(id)
  }

  function loseAll(cause: unknown): void {
    worker = undefined
    const lost = [...holds.values()]
    holds.clear()
    for (const { lose: loseOne } of lost)
      loseOne(new LeaseLostError('The lease cannot be renewed any more.', { cause }))
  }

  function hold(lease: Lease, { ttl, msLeft, abortSignal, onLost }: HoldTerms): Hold {
    const good = new BigInt64Array(new SharedArrayBuffer(8))
    Atomics.store(good, 0, process.hrtime.bigint() + BigInt(Math.round(msLeft * NS)))
    const id = ids++
    const request: HeartRequest = { op: 'hold', id, lease, boot: bootClock.boot, ttl, good }
    const lost = new LeaseLostError(`Run ${lease.runId} was taken over, given back or removed.`)
    holds.set(id, { request, lose: (error) => onLost(error ?? lost) })
    worker?.postMessage(request)
    abortSignal.addEventListener('abort', () => drop(id), { once: true })
    if (worker === undefined) systemClock.after(ttl * PATIENCE, start, abortSignal, false)
    return {
      msLeft() {
        start()
        return isStopped ? 0 : Number(Atomics.load(good, 0) - process.hrtime.bigint()) / NS
      },
    }
  }

  function drop(id: number): void {
    if (!holds.delete(id)) return
    const request: HeartRequest = { op: 'drop', id }
    worker?.postMessage(request)
  }

  async function stop(): Promise<void> {
    isStopped = true
    holds.clear()
    await worker?.terminate()
  }

  return { hold, stop }
}
