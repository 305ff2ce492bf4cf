/**
 * A store in this process's memory: for tests, for trying things out, and as the plain reading of the port.
 *
 * M1  Every method decides and writes in one synchronous turn, and checks everything before it changes anything (T3).
 * M2  Bytes are copied on the way in and out: nobody changes what is stored.
 * M3  Nothing is durable: T1 holds for as long as the process does.
 */
import type { BootClock } from '../base/clock.ts'
import { StateNotFoundError, UsageError } from '../base/errors.ts'
import { NARRATIVE } from './entry.ts'
import type { RunId } from './entry.ts'
import { bootClock } from '../base/process-identity.ts'
import {
  checkFence,
  checkId,
  checkNewRun,
  checkSeq,
  checkWrite,
  doubtOf,
  expiryOf,
  ifHeld,
  instantsOf,
  isProgress,
  takeOver,
} from './fence.ts'
import type { HeldLease } from './fence.ts'
import {
  checkAsked,
  copyBlob,
  checkpointAfter,
  copyCheckpoint,
  copyEntry,
  copySignal,
  copyTold,
  isReady,
  keepBlobs,
  optional,
  refusal,
  signalRow,
  viewOf,
} from './memory/run.ts'
import type { Run } from './memory/run.ts'
import { isOf } from './rule.ts'
import type {
  BlobRow,
  Claimant,
  EntryRow,
  Lease,
  NewRun,
  QuestionFilter,
  QuestionRow,
  Receipt,
  RunFilter,
  RunRow,
  Signal,
  Store,
  Write,
} from './store.ts'

/** What a store in memory may be given of time. */
export interface MemoryClock {
  /** Ms since the epoch. */
  now(): number
  /** The machine's own time, for leases. Default: `now`. */
  readonly monotonic?: BootClock
}

const systemClocks: MemoryClock = { now: Date.now, monotonic: bootClock }

/** A new, empty store. `clock` defaults to the system's. */
export function memoryStore(clock: MemoryClock = systemClocks): Store {
  const instant = instantsOf(() => clock.now(), clock.monotonic)
  const runs = new Map<RunId, Run>()
  const leases = new Map<RunId, HeldLease>()
  const watchers = new Set<() => void>()
  let closed = false

  function find(runId: RunId): Run | undefined {
    if (closed) throw new UsageError('The store is closed.')
    return runs.get(runId)
  }

  function get(runId: RunId): Run {
    const run = find(runId)
    if (run === undefined) throw new StateNotFoundError(`No run ${runId}.`)
    return run
  }

  function leaseOf(lease: Lease): HeldLease | undefined {
    return find(lease.runId)?.row.rootRunId === lease.rootRunId ? leases.get(lease.rootRunId) : undefined
  }

  function hint(): void {
    for (const onHint of watchers) queueMicrotask(onHint)
  }

  async function create(
    run: NewRun,
    entries: readonly EntryRow[],
    blobs: readonly BlobRow[],
    asked: readonly QuestionRow[] = [],
  ): Promise<'created' | 'exists'> {
    checkNewRun(run, entries, blobs, asked)
    if (find(run.runId) !== undefined) return 'exists'
    const now = clock.now()
    const { runId, rootRunId, agent, minReader, view } = run
    runs.set(runId, {
      row: {
        ...viewOf(view),
        runId,
        rootRunId,
        agent,
        minReader,
        createdAt: now,
        updatedAt: now,
        lastSeq: entries.length,
      },
      entries: entries.map(copyEntry),
      blobs: new Map(),
      questions: new Map(asked.map((row) => [row.id, { row: { ...row }, state: 'open' }])),
      inbox: new Map(),
      rules: new Map(),
      nonces: new Map(),
      checkpoint: undefined,
    })
    keepBlobs(get(runId), blobs)
    hint()
    return 'created'
  }

  async function append(lease: Lease, write: Write): Promise<void> {
    checkWrite(lease, write)
    checkFence(leaseOf(lease), lease, instant())
    const run = get(lease.runId)
    checkSeq(lease, run.row.lastSeq, write.expectedSeq)
    checkAsked(run, write.asked)
    const checkpoint = checkpointAfter(run.checkpoint, write.checkpoint)
    const { runId, rootRunId, agent, minReader, createdAt, lastSeq, status } = run.row
    run.row = {
      ...viewOf(write.view),
      runId,
      rootRunId,
      agent,
      minReader,
      createdAt,
      updatedAt: clock.now(),
      lastSeq: lastSeq + write.entries.length,
      lastWrite: write.nonce,
    }
    run.entries.push(...write.entries.map(copyEntry))
    for (const row of write.asked) run.questions.set(row.id, { row: { ...row }, state: 'open' })
    for (const id of write.closed) {
      const question = run.questions.get(id)
      if (question !== undefined) run.questions.set(id, { ...question, state: 'closed' })
    }
    for (const key of write.consumed) {
      const letter = run.inbox.get(key)
      if (letter !== undefined) run.inbox.set(key, { ...letter, consumed: true })
    }
    keepBlobs(run, write.blobs)
    run.checkpoint = checkpoint
    run.nonces.set(lease.epoch, write.nonce)
    const held = leases.get(rootRunId)
    if (held !== undefined && isProgress(write.entries)) leases.set(rootRunId, { ...held, deaths: 0 })
    // The driver knows of its own writes (T5); what else somebody may have to act on is hinted.
    if (write.view.status !== status) hint()
  }

  async function claim(runId: RunId, claimant: Claimant, ttl: number): Promise<Lease> {
    const { rootRunId } = get(runId).row
    const now = instant()
    const taken = takeOver(leases.get(rootRunId), now, claimant, runId, ttl)
    const { epoch, holder, deaths, before } = taken
    const times = { claimedAt: now.at, ...expiryOf(now, ttl) }
    leases.set(rootRunId, { epoch, holder, deaths, ...times, ...doubtOf(before) })
    return { rootRunId, ...taken }
  }

  async function renew(lease: Lease, ttl: number): Promise<void> {
    const now = instant()
    const stored = leaseOf(lease)
    checkFence(stored, lease, now)
    if (stored !== undefined) leases.set(lease.rootRunId, { ...stored, ...expiryOf(now, ttl) })
  }

  async function release(lease: Lease): Promise<void> {
    const stored = leaseOf(lease)
    if (stored?.epoch !== lease.epoch || stored.holder !== lease.holder) return
    leases.set(lease.rootRunId, { ...stored, holder: '' })
    hint()
  }

  async function signal(runId: RunId, key: string, sent: Signal): Promise<Receipt> {
    checkId(key, 'The key of a signal')
    const run = get(runId)
    const now = clock.now()
    const letter = run.inbox.get(key)
    if (letter !== undefined) return { accepted: false, why: 'taken', winner: letter.signal }
    if (sent.kind === 'answer') {
      const refused = refusal(run, sent.question, now)
      if (refused !== undefined) return refused
      const question = run.questions.get(sent.question)
      if (question !== undefined)
        run.questions.set(sent.question, { ...question, state: 'answered', winner: key })
      if (sent.rule !== undefined)
        run.rules.set(key, { row: { runId, question: key, at: now, rule: { ...sent.rule } }, stands: true })
    }
    run.inbox.set(key, { key, at: now, signal: copySignal(sent), consumed: false })
    hint()
    return { accepted: true }
  }

  async function due(claimant: Claimant, limit: number): Promise<readonly RunId[]> {
    find('')
    const now = instant()
    return [...runs.values()]
      .filter(
        (run) =>
          isReady(run, runs.get(run.row.rootRunId)?.row, now.at) &&
          ifHeld(leases.get(run.row.rootRunId), now, claimant) === undefined,
      )
      .toSorted((one, other) => one.row.updatedAt - other.row.updatedAt)
      .slice(0, Math.max(0, limit))
      .map((run) => run.row.runId)
  }

  async function page(filter: RunFilter, limit: number, cursor?: RunId): Promise<readonly RunRow[]> {
    if (cursor !== undefined) get(cursor)
    else find('')
    const all = [...runs.values()].map((run) => run.row).toReversed()
    const from = cursor === undefined ? 0 : all.findIndex((row) => row.runId === cursor) + 1
    return all
      .slice(from)
      .filter((row) => filter.status?.includes(row.status) ?? true)
      .filter((row) => filter.agent === undefined || row.agent === filter.agent)
      .filter((row) => filter.rootRunId === undefined || row.rootRunId === filter.rootRunId)
      .filter((row) => filter.roots !== true || row.rootRunId === row.runId)
      .slice(0, Math.max(0, limit))
  }

  async function questions(filter: QuestionFilter): Promise<readonly QuestionRow[]> {
    find('')
    return [...runs.values()]
      .filter((run) => filter.runId === undefined || run.row.runId === filter.runId)
      .filter((run) => filter.rootRunId === undefined || run.row.rootRunId === filter.rootRunId)
      .flatMap((run) => [...run.questions.values()])
      .filter(
        (question) => question.state === 'open' && (filter.id === undefined || question.row.id === filter.id),
      )
      .map((question) => ({ ...question.row }))
      .toSorted((one, other) => one.createdAt - other.createdAt)
  }

  async function read(
    runId: RunId,
    after: number,
    limit: number,
    narrative = false,
  ): Promise<readonly EntryRow[]> {
    const entries = find(runId)?.entries ?? []
    const from = entries.slice(Math.max(0, after))
    const told = narrative ? from.filter((entry) => NARRATIVE.has(entry.kind)) : from
    const rows = told.slice(0, Math.max(0, limit))
    return narrative ? rows.map((row) => copyTold(row, entries[row.seq - 2])) : rows.map(copyEntry)
  }

  async function remove(runId: RunId): Promise<void> {
    const run = find(runId)
    if (run === undefined) return
    const { rootRunId } = run.row
    runs.delete(runId)
    if (![...runs.values()].some((other) => other.row.rootRunId === rootRunId)) leases.delete(rootRunId)
    hint()
  }

  async function close(): Promise<void> {
    closed = true
    watchers.clear()
  }

  return {
    now: () => clock.now(),
    create,
    append,
    claim,
    renew,
    release,
    signal,
    due,
    rules: async (filter) =>
      [...runs.values()]
        .flatMap((run) => [...run.rules.values()])
        .flatMap(({ row, stands }) => (stands ? [row] : []))
        .filter(({ rule }) => isOf(rule, filter))
        .toSorted((one, other) => one.at - other.at),
    async withdraw(runId, question) {
      const { rules } = get(runId)
      const rule = rules.get(question)
      if (rule !== undefined) rules.set(question, { ...rule, stands: false })
      return rule !== undefined
    },
    questions,
    read,
    remove,
    close,
    runs: page,
    committed: async (lease, nonce) => find(lease.runId)?.nonces.get(lease.epoch) === nonce,
    run: async (runId) => find(runId)?.row,
    signals: async (runId) =>
      [...(find(runId)?.inbox.values() ?? [])].filter((letter) => !letter.consumed).map(signalRow),
    blob: async (runId, digest) => optional(find(runId)?.blobs.get(digest), copyBlob),
    checkpoint: async (runId) => optional(find(runId)?.checkpoint, copyCheckpoint),
    watch(onHint, abortSignal) {
      if (abortSignal.aborted || closed) return
      const once = (): void => {
        if (watchers.has(once)) onHint()
      }
      watchers.add(once)
      abortSignal.addEventListener('abort', () => watchers.delete(once), { once: true })
    },
    [Symbol.asyncDispose]: close,
  }
}
