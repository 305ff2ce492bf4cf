/**
 * The contract on a bad line: between the store and its caller every operation takes turns, replies overtake each other,
 * hints come twice, and every third reply is lost though the operation was applied. The caller does what the port says of a
 * lost reply, and no more; every rule must hold for him as it does beside the store.
 *
 * B1  Requests arrive in the order in which they were sent; only replies overtake.
 * B2  A caller has one write of a lease under way at a time, as `committed` wants it.
 * B3  The turns are drawn from a counter: the same rule sees the same line every time.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Lease, Receipt, Store } from '../store.ts'
import type { Rule } from './kit.ts'

/** The operation may have been applied: nobody heard. */
class LostReply extends Error {}

/** The rule, with the store at the end of a bad line. */
export function onBadLine(rule: Rule): Rule {
  return {
    says: `${rule.says} (on a line that loses replies)`,
    holds: (open, clock) => rule.holds(async () => caller(line(await open())), clock),
  }
}

/** The store as the caller sees it: slow, out of order, and now and then silent. */
function line(store: Store): Store {
  const draw = drawer()
  let sent = Promise.resolve()

  async function carry<Reply>(operation: () => Promise<Reply>): Promise<Reply> {
    const turn = sent.then(async () => turns(draw(4)))
    sent = turn
    await turn
    const reply = operation()
    await Promise.allSettled([reply])
    await turns(draw(8))
    return reply
  }

  async function lose<Reply>(operation: () => Promise<Reply>): Promise<Reply> {
    const [outcome] = await Promise.allSettled([carry(operation)])
    if (draw(3) === 0) throw new LostReply('Nobody heard the reply.')
    if (outcome.status === 'rejected') throw outcome.reason
    return outcome.value
  }

  return {
    ...same(store),
    create: (run, entries, blobs, asked) => lose(async () => store.create(run, entries, blobs, asked)),
    append: (lease, write) => lose(async () => store.append(lease, write)),
    committed: (lease, nonce) => lose(async () => store.committed(lease, nonce)),
    // Whose reply is lost has a lease that he knows nothing of: it ends by its expiry, as another holder's would.
    claim: (runId, claimant, ttl) => carry(async () => store.claim(runId, claimant, ttl)),
    renew: (lease, ttl) => lose(async () => store.renew(lease, ttl)),
    release: (lease) => lose(async () => store.release(lease)),
    signal: (runId, key, signal) => lose(async () => store.signal(runId, key, signal)),
    signals: (runId) => lose(async () => store.signals(runId)),
    rules: (filter) => lose(async () => store.rules(filter)),
    withdraw: (runId, question) => lose(async () => store.withdraw(runId, question)),
    due: (claimant, limit) => lose(async () => store.due(claimant, limit)),
    run: (runId) => lose(async () => store.run(runId)),
    runs: (filter, limit, cursor) => lose(async () => store.runs(filter, limit, cursor)),
    questions: (filter) => lose(async () => store.questions(filter)),
    read: (runId, after, limit, narrative) => lose(async () => store.read(runId, after, limit, narrative)),
    blob: (runId, digest) => lose(async () => store.blob(runId, digest)),
    checkpoint: (runId) => lose(async () => store.checkpoint(runId)),
    remove: (runId) => lose(async () => store.remove(runId)),
    watch(onHint, abortSignal) {
      const again = async (): Promise<void> => {
        await turns(draw(4))
        if (!abortSignal.aborted) onHint()
      }
      store.watch(() => {
        onHint()
        void again()
      }, abortSignal)
    },
  }
}

/** Who calls over such a line: what was not heard is asked again, as the port says that it may be. */
function caller(store: Store): Store {
  /** Signals of which a reply was heard: that they are taken is no news of a lost one. */
  const heard = new Set<string>()
  const writing = new Map<string, Promise<unknown>>()

  async function append(...[lease, write]: Parameters<Store['append']>): Promise<void> {
    try {
      await store.append(lease, write)
    } catch (error) {
      if (!(error instanceof LostReply)) throw error
      const committed = await repeated(async () => store.committed(lease, write.nonce))
      if (!committed) await append(lease, write)
    }
  }

  /** B2. */
  function inTurn(lease: Lease, work: () => Promise<void>): Promise<void> {
    const key = `${lease.runId} ${lease.epoch}`
    const turn = (writing.get(key) ?? Promise.resolve()).then(work, work)
    writing.set(key, turn)
    return turn
  }

  async function create(
    ...[run, entries, ...more]: Parameters<Store['create']>
  ): Promise<'created' | 'exists'> {
    try {
      return await store.create(run, entries, ...more)
    } catch (error) {
      if (!(error instanceof LostReply)) throw error
      const outcome = await repeated(async () => store.create(run, entries, ...more))
      if (outcome === 'created') return outcome
      const stored = await repeated(async () => store.read(run.runId, 0, entries.length))
      return isDeepStrictEqual(stored, entries) ? 'created' : 'exists'
    }
  }

  async function signal(...[runId, key, sent]: Parameters<Store['signal']>): Promise<Receipt> {
    const receipt = await repeated(async () => store.signal(runId, key, sent))
    const mine = JSON.stringify([runId, key, sent])
    const wasKnown = heard.has(mine)
    heard.add(mine)
    if (wasKnown || receipt.accepted || receipt.why !== 'taken') return receipt
    return isDeepStrictEqual(receipt.winner, sent) ? { accepted: true } : receipt
  }

  return {
    ...same(store),
    create,
    signal,
    append: (lease, write) => inTurn(lease, async () => append(lease, write)),
    committed: (lease, nonce) => repeated(async () => store.committed(lease, nonce)),
    claim: (runId, claimant, ttl) => store.claim(runId, claimant, ttl),
    renew: (lease, ttl) => repeated(async () => store.renew(lease, ttl)),
    release: (lease) => repeated(async () => store.release(lease)),
    signals: (runId) => repeated(async () => store.signals(runId)),
    rules: (filter) => repeated(async () => store.rules(filter)),
    withdraw: (runId, question) => repeated(async () => store.withdraw(runId, question)),
    due: (claimant, limit) => repeated(async () => store.due(claimant, limit)),
    run: (runId) => repeated(async () => store.run(runId)),
    runs: (filter, limit, cursor) => repeated(async () => store.runs(filter, limit, cursor)),
    questions: (filter) => repeated(async () => store.questions(filter)),
    read: (runId, after, limit, narrative) =>
      repeated(async () => store.read(runId, after, limit, narrative)),
    blob: (runId, digest) => repeated(async () => store.blob(runId, digest)),
    checkpoint: (runId) => repeated(async () => store.checkpoint(runId)),
    remove: (runId) => repeated(async () => store.remove(runId)),
  }
}

/** What the line leaves alone. */
function same(store: Store): Pick<Store, 'now' | 'watch' | 'close' | typeof Symbol.asyncDispose> {
  return {
    now: () => store.now(),
    watch: (onHint, abortSignal) => store.watch(onHint, abortSignal),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
  }
}

async function repeated<Reply>(operation: () => Promise<Reply>): Promise<Reply> {
  for (;;) {
    try {
      return await operation()
    } catch (error) {
      if (!(error instanceof LostReply)) throw error
    }
  }
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await Promise.resolve()
}

/** Whole numbers below `limit`, the same in every process (B3). */
function drawer(): (limit: number) => number {
  let state = 1
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647
    return state % limit
  }
}
