/**
 * What a process of the simulation has of the world: operations that travel, and on their way meet what the scenario has in
 * store for them. The store at the other end is a production store.
 *
 * O1  A process that is dead sends nothing; what it had sent before arrives, or does not.
 * O2  Hints are only hints: dropped, doubled, late, as the scenario says (T5).
 */
import { isPersistentAgentError } from '../../src/base/errors.ts'
import type { EntryKind } from '../../src/journal/entry.ts'
import type { Store } from '../../src/journal/store.ts'
import type { Journals } from './journal.ts'
import type { Fault, Scenario } from './scenario.ts'
import type { Process, World } from './world.ts'

/** Where the fault is: nothing of ours. A model's is one that may pass. */
export class Outage extends Error {
  readonly statusCode = 503
}

/** An operation on its way. */
export interface Operation<Reply> {
  readonly what: string
  readonly process: Process
  /** Most ms there, and back. What takes no time there is never late there: nobody could look whether it had happened. */
  readonly there: number
  readonly back: number
  apply(): Promise<Reply> | Reply
  /** For the coverage: what it means that the process died under way. */
  died?(applied: boolean): void
}

interface Watcher {
  readonly process: Process
  readonly onHint: () => void
  readonly abortSignal: AbortSignal
}

export class Wire {
  readonly #world: World
  readonly #scenario: Scenario
  readonly #journals: Journals
  readonly #kill: (process: Process, ms: number) => void
  readonly #watchers = new Set<Watcher>()
  #faults: Fault[]
  #wait: number
  #settledAt = 0

  constructor(
    world: World,
    scenario: Scenario,
    journals: Journals,
    kill: (process: Process, ms: number) => void,
  ) {
    this.#world = world
    this.#scenario = scenario
    this.#journals = journals
    this.#kill = kill
    this.#faults = [...scenario.faults]
    this.#wait = scenario.faults[0]?.gap ?? 0
  }

  /** No fault is left to strike. */
  get isQuiet(): boolean {
    return this.#faults.length === 0
  }

  /** By then, everything that a fault has held up has happened: who was stopped goes on, what was late has come. */
  get settledAt(): number {
    return this.#settledAt
  }

  heal(): void {
    this.#faults = []
  }

  /** The store as a process has it. */
  connect(process: Process): Store {
    const { store } = this.#journals
    const world = this.#world
    const tell = (): void => this.#hint()
    const send = <Reply>(what: string, apply: () => Promise<Reply>, more: Partial<Operation<Reply>> = {}) =>
      this.operate({ what, process, there: this.#scenario.wire, back: this.#scenario.wire, apply, ...more })
    // Leases are renewed by the simulated clock.
    const rest = { ...store }
    delete rest.hold
    delete rest.seals
    return {
      ...rest,
      now: () => store.now(),
      create: (run, entries, blobs, asked) =>
        send(
          `create ${run.runId}`,
          async () => {
            const outcome = await store.create(run, entries, blobs, asked)
            world.reached(`create: ${outcome}`)
            await this.#journals.look(run.runId)
            tell()
            return outcome
          },
          { died: () => world.reached('C0: killed while it began a run') },
        ),
      append: (lease, write) =>
        send(
          `append ${write.entries.map((row) => row.kind).join()}`,
          async () => {
            const before = this.#journals.of(lease.runId).state
            await store.append(lease, write)
            await this.#journals.look(lease.runId)
            if (this.#journals.of(lease.runId).state?.pause?.cause !== before?.pause?.cause) tell()
          },
          {
            died: (applied) =>
              this.#diedWriting(
                write.entries.map((row) => row.kind),
                applied,
                write.checkpoint !== undefined,
              ),
          },
        ),
      committed: (lease, nonce) =>
        send('committed', async () => {
          const committed = await store.committed(lease, nonce)
          world.reached(`C8: a reply was lost, the write was ${committed ? '' : 'not '}committed`)
          return committed
        }),
      claim: (runId, _claimant, ttl) =>
        send(`claim ${runId}`, async () => {
          const isDead = (holder: string): boolean => this.#isDead(holder)
          const lease = await store.claim(runId, { holder: process.name, isDead }, ttl)
          if (lease.before !== undefined) world.reached('take-over')
          return lease
        }),
      renew: (lease, ttl) => send('renew', async () => store.renew(lease, ttl)),
      release: (lease) =>
        send('release', async () => {
          await store.release(lease)
          tell()
        }),
      signal: (runId, key, signal) =>
        send(
          `signal ${signal.kind}`,
          async () => {
            const receipt = await store.signal(runId, key, signal)
            world.note(`  ${runId} receipt ${receipt.accepted ? 'accepted' : receipt.why}`)
            world.reached(receipt.accepted ? `accepted: ${signal.kind}` : `refused: ${receipt.why}`)
            tell()
            return receipt
          },
          { died: () => world.reached('C0: killed while it sent a signal') },
        ),
      signals: (runId) => send('signals', async () => store.signals(runId)),
      due: (_claimant, limit) =>
        send('due', async () =>
          store.due({ holder: process.name, isDead: (holder) => this.#isDead(holder) }, limit),
        ),
      rules: (filter) => send('rules', async () => store.rules(filter)),
      withdraw: (runId, question) => send('withdraw', async () => store.withdraw(runId, question)),
      run: (runId) => send('run', async () => store.run(runId)),
      runs: (filter, limit, cursor) => send('runs', async () => store.runs(filter, limit, cursor)),
      questions: (filter) => send('questions', async () => store.questions(filter)),
      read: (runId, after, limit, narrative) =>
        send('read', async () => store.read(runId, after, limit, narrative)),
      blob: (runId, digest) => send('blob', async () => store.blob(runId, digest)),
      checkpoint: (runId) => send('checkpoint', async () => store.checkpoint(runId)),
      watch: (onHint, abortSignal) => {
        const watcher = { process, onHint, abortSignal }
        this.#watchers.add(watcher)
        abortSignal.addEventListener('abort', () => this.#watchers.delete(watcher), { once: true })
      },
    }
  }

  /** Sends an operation through the world and its faults. */
  operate<Reply>(operation: Operation<Reply>): Promise<Reply> {
    const world = this.#world
    const { what, process, there, back, died } = operation
    return new Promise((resolve, reject) => {
      if (!process.isAlive) return // O1
      const fault = this.#strike(operation)
      if (fault !== undefined) {
        this.#settledAt = Math.max(this.#settledAt, world.now + fault.ms)
        world.reached(`fault: ${fault.kind}`)
        world.note(`${process.name} ${what}: ${fault.kind} ${fault.ms}`)
      }
      const answer = (settle: () => void): void => {
        const isLate = fault?.kind === 'slow reply' || (fault?.kind === 'slow' && there === 0)
        const late = isLate ? fault.ms : 0
        const run = (): void => {
          settle()
          if (fault?.kind === 'kill after')
            world.after(0, `${process.name} dies`, () => this.#kill(process, fault.ms))
        }
        world.after(this.#delay(back) + late, `${process.name} ${what} replied`, run, process)
      }
      if (fault?.kind === 'fail') {
        answer(() => reject(new Outage('The operation failed.')))
        return
      }
      const arrive = async (): Promise<void> => {
        // O1
        if (!process.isAlive && world.random.chance(0.5)) {
          died?.(false)
          return
        }
        const reply = Promise.try(operation.apply)
        const [outcome] = await Promise.allSettled([reply])
        if (!process.isAlive) died?.(true)
        answer(() => {
          if (fault?.kind === 'lost') reject(new Outage('The reply was lost.'))
          else resolve(reply)
          if (outcome.status === 'rejected' && isPersistentAgentError(outcome.reason))
            world.reached(`refused: ${outcome.reason.code} to ${what.split(' ')[0]}`)
        })
      }
      const late = fault?.kind === 'slow' && there > 0 ? fault.ms : 0
      world.after(this.#delay(there) + late, `${process.name} ${what}`, arrive)
      if (fault?.kind === 'kill') this.#kill(process, fault.ms)
      if (fault?.kind === 'stop') {
        process.stop()
        world.after(fault.ms, `${process.name} is to go on`, () => process.goOn())
      }
    })
  }

  #isDead(holder: string): boolean {
    return this.#scenario.oneHost && this.#dead.has(holder)
  }

  readonly #dead = new Set<string>()

  /** The process is known to be dead on its own host. */
  buried(process: Process): void {
    this.#dead.add(process.name)
  }

  #delay(most: number): number {
    return this.#world.random.below(most + 1)
  }

  #strike({ what, there }: Pick<Operation<unknown>, 'what' | 'there'>): Fault | undefined {
    const [next] = this.#faults
    if (next === undefined || this.#wait-- > 0) return undefined
    if (next.on === 'append' && !what.startsWith('append')) return undefined
    if (next.on === 'intent' && !what.includes('call-started')) return undefined
    if (next.on === 'effect' && there > 0) return undefined
    this.#faults.shift()
    this.#wait = this.#faults[0]?.gap ?? 0
    return next
  }

  /** O2. */
  #hint(): void {
    const { hints } = this.#scenario
    for (const { process, onHint, abortSignal } of this.#watchers) {
      const run = (): void => {
        if (!abortSignal.aborted) onHint()
      }
      const lot = hints === 'good' ? 0 : this.#world.random.below(4)
      if (hints === 'none' || lot === 1) continue
      this.#world.after(lot === 2 ? 4_000 : 1, `${process.name} hint`, run, process)
      if (lot === 3) this.#world.after(50, `${process.name} hint`, run, process)
    }
  }

  #diedWriting(kinds: readonly EntryKind[], applied: boolean, checkpoint: boolean): void {
    const reached = (row: string): void => this.#world.reached(row)
    if (kinds.includes('call-started'))
      reached(applied ? 'C1: killed after the intent' : 'C0: killed before the intent')
    if (kinds.includes('model-called'))
      reached(applied ? 'C1: killed after the request was written' : 'C0: killed before it')
    if (kinds.includes('call-returned'))
      reached(applied ? 'C4: killed after the result' : 'C3: killed before the result')
    if (kinds.includes('question-answered') && applied) reached('C12: killed between decision and dispatch')
    if (checkpoint) reached(applied ? 'C7: killed after the checkpoint' : 'C6: killed before the checkpoint')
  }
}
