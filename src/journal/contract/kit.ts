/** What the rules of the contract are made of: small runs, writes and claimants, and a look at all of a run. */
import assert from 'node:assert/strict'
import type { BootClock } from '../../base/clock.ts'
import type { EntryKind, RunId } from '../entry.ts'
import type {
  Claimant,
  EntryRow,
  Lease,
  NewRun,
  QuestionRow,
  RunView,
  Signal,
  Store,
  Write,
} from '../store.ts'

/** Clocks that the rules move. The store that `open` gives must tell the time of both. */
export interface HandClock {
  /** The wall's, ms since the epoch. */
  now(): number
  /** The machine's own. */
  readonly monotonic: BootClock
  /** Time passes on both. */
  advance(ms: number): void
  /** Somebody sets the clock on the wall. */
  set(ms: number): void
  /** The machine starts anew: another boot, whose time begins at 0. */
  reboot(): void
}

/** Clocks that start at `now`. */
export function handClock(now: number = 1_700_000_000_000): HandClock {
  let [wall, boots, inBoot] = [now, 1, 5_000]
  return {
    now: () => wall,
    monotonic: {
      get boot() {
        return `boot ${boots}`
      },
      now: () => inBoot,
    },
    advance(ms) {
      wall += ms
      inBoot += ms
    },
    set(ms) {
      wall = ms
    },
    reboot() {
      boots++
      inBoot = 0
    },
  }
}

/** One sentence that every store keeps. `open` gives a new, empty store each time. */
export interface Rule {
  readonly says: string
  holds(open: () => Promise<Store>, clock: HandClock): Promise<void>
}

export const MINUTE = 60_000
export const RUN: RunId = 'run-1'
const RUNNING: RunView = { status: 'running', task: 'count the ships', stepCount: 0 }

/** A rule over one store. */
export function rule(says: string, check: (store: Store, clock: HandClock) => Promise<void>): Rule {
  return {
    says,
    async holds(open, clock) {
      await using store = await open()
      await check(store, clock)
    },
  }
}

export function newRun(runId: RunId, change: Partial<NewRun> = {}): NewRun {
  const run = {
    runId,
    rootRunId: runId,
    agent: 'sailor',
    definitionDigest: 'd1',
    minReader: 1,
    view: RUNNING,
  }
  return { ...run, ...change }
}

export function entry(seq: number, epoch: number, change: Partial<EntryRow> = {}): EntryRow {
  const kind: EntryKind = 'call-returned'
  return {
    seq,
    at: 1_000 + seq,
    epoch,
    v: 1,
    kind,
    payload: bytes(seq),
    chain: bytes(seq, 7),
    keyId: '',
    ...change,
  }
}

/** A write of one entry after `after`, unless `change` says otherwise. */
export function write(lease: Lease, after: number, change: Partial<Write> = {}): Write {
  return {
    expectedSeq: after,
    nonce: `nonce-${lease.epoch}-${after}`,
    entries: [entry(after + 1, lease.epoch)],
    view: RUNNING,
    asked: [],
    closed: [],
    consumed: [],
    blobs: [],
    ...change,
  }
}

export function view(change: Partial<RunView>): RunView {
  return { ...RUNNING, ...change }
}

export function question(id: string, createdAt: number, change: Partial<QuestionRow> = {}): QuestionRow {
  return { runId: RUN, id, kind: 'approval', message: `May I ${id}?`, createdAt, ...change }
}

export function answer(id: string, value: unknown): Signal {
  return { kind: 'answer', question: id, decision: { type: 'respond', value } }
}

export function bytes(...values: readonly number[]): Uint8Array {
  return Uint8Array.from(values)
}

/** Someone who asks for a lease and knows which holders are dead. */
export function claimant(holder: string, dead: readonly string[] = []): Claimant {
  return { holder, isDead: (other) => dead.includes(other) }
}

/** A run with one entry, driven by `holder`. */
export async function driven(store: Store, holder: string = 'ann', runId: string = RUN): Promise<Lease> {
  assert.equal(await store.create(newRun(runId), [entry(1, 0)], []), 'created')
  return store.claim(runId, claimant(holder), MINUTE)
}

/** A run that waits for `asked`, held by nobody any more. */
export async function waiting(
  store: Store,
  asked: readonly QuestionRow[],
  change: Partial<RunView> = {},
): Promise<void> {
  const lease = await driven(store)
  const rests = view({ status: 'paused', cause: 'waiting', ...change })
  await store.append(lease, write(lease, 1, { asked, view: rests }))
  await store.release(lease)
}

/** `promise` is refused with the error of this code. */
export async function refused(promise: Promise<unknown>, code: string): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof Error && 'code' in error, `refused with ${String(error)}, not with ${code}`)
    assert.equal(error.code, code)
    return true
  })
}

/** All that can be seen of a run. */
export async function seen(store: Store, runId: string = RUN): Promise<unknown> {
  const [run, entries, signals] = await Promise.all([
    store.run(runId),
    store.read(runId, 0, 1_000),
    store.signals(runId),
  ])
  const [questions, checkpoint] = await Promise.all([store.questions({ runId }), store.checkpoint(runId)])
  return { run, entries, signals, questions, checkpoint }
}
