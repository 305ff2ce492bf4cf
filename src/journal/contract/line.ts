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
export function onBadLine({ says, holds }: Rule): Rule {
  return {
    says: `${says} (on a line that loses replies)`,
    holds: (open, clock) => holds(async () => caller(line(await open())), clock),
  }
}

/** The store as the caller sees it: slow, out of order, and now and then silent. */
function line(store: Store): Store {
  const draw = drawer()
  let sent = Promise.resolve()

  function carry<Args extends readonly unknown[], Result>(
    operation: (...args: Args) => Promise<Result>,
    keeps = false,
  ): (...args: Args) => Promise<Result> {
    return async (...args) => {
      const turn = sent.then(() => turns(draw(4)))
      sent = turn
      await turn
      const reply = operation(...args)
      const settled = await reply.then(
        () => true,
        () => false,
      )
      await turns(draw(8))
      if (!keeps && draw(3) === 0) throw new LostReply(settled ? 'The reply was lost.' : 'The refusal was lost.')
      return reply
    }
  }

  return {
    ...store,
    create: carry(store.create),
    append: carry(store.append),
    committed: carry(store.committed),
    // Whose reply is lost has a lease that he knows nothing of: it ends by its expiry, as another holder's would.
    claim: carry(store.claim, true),
    renew: carry(store.renew),
    release: carry(store.release),
    signal: carry(store.signal),
    signals: carry(store.signals),
    due: carry(store.due),
    run: carry(store.run),
    runs: carry(store.runs),
    questions: carry(store.questions),
    read: carry(store.read),
    blob: carry(store.blob),
    checkpoint: carry(store.checkpoint),
    remove: carry(store.remove),
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
      if (!(await repeated(store.committed)(lease, write.nonce))) await append(lease, write)
    }
  }

  /** B2. */
  function inTurn(lease: Lease, work: () => Promise<void>): Promise<void> {
    const key = `${lease.runId} ${lease.epoch}`
    const turn = (writing.get(key) ?? Promise.resolve()).then(work, work)
    writing.set(key, turn)
    return turn
  }

  async function create(...[run, entries, blobs]: Parameters<Store['create']>): Promise<'created' | 'exists'> {
    try {
      return await store.create(run, entries, blobs)
    } catch (error) {
      if (!(error instanceof LostReply)) throw error
      const outcome = await repeated(store.create)(run, entries, blobs)
      if (outcome === 'created') return outcome
      const stored = await repeated(store.read)(run.runId, 0, entries.length)
      return isDeepStrictEqual(stored, entries) ? 'created' : 'exists'
    }
  }

  async function signal(...[runId, key, sent]: Parameters<Store['signal']>): Promise<Receipt> {
    const receipt = await repeated(store.signal)(runId, key, sent)
    const mine = JSON.stringify([runId, key, sent])
    const wasKnown = heard.has(mine)
    heard.add(mine)
    if (wasKnown || receipt.accepted || receipt.why !== 'taken') return receipt
    return isDeepStrictEqual(receipt.winner, sent) ? { accepted: true } : receipt
  }

  return {
    ...store,
    create,
    signal,
    append: (lease, write) => inTurn(lease, () => append(lease, write)),
    committed: repeated(store.committed),
    renew: repeated(store.renew),
    release: repeated(store.release),
    signals: repeated(store.signals),
    due: repeated(store.due),
    run: repeated(store.run),
    runs: repeated(store.runs),
    questions: repeated(store.questions),
    read: repeated(store.read),
    blob: repeated(store.blob),
    checkpoint: repeated(store.checkpoint),
    remove: repeated(store.remove),
  }
}

function repeated<Args extends readonly unknown[], Result>(
  operation: (...args: Args) => Promise<Result>,
): (...args: Args) => Promise<Result> {
  return async (...args) => {
    for (;;) {
      try {
        return await operation(...args)
      } catch (error) {
        if (!(error instanceof LostReply)) throw error
      }
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
