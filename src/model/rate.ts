/**
 * Rate limits of a model, kept by this process: all its runs that ask the same model share them.
 *
 * T1  Whoever comes first goes first. In any minute no more is sent than the limits say, as far as tokens can be guessed
 *     before a reply has counted them.
 * T2  A request that is larger than a minute's tokens goes alone, after a minute without any.
 */
import type { Clock } from '../base/clock.ts'
import { unlessAborted } from './unless-aborted.ts'

export interface RateLimit {
  readonly requestsPerMinute?: number
  /** Input and output together. */
  readonly tokensPerMinute?: number
}

/** A request that was let through. Whoever knows better what it took says so. */
export interface Turn {
  tokens: number
  readonly at: number
}

const MINUTE = 60_000
const lines = new Map<string, Line>()

/** Waits until a request of about `tokens` may go to `model`. @throws the abort reason, at once. */
export async function takeTurn(
  model: string,
  limit: RateLimit,
  tokens: number,
  { clock, abortSignal }: { readonly clock: Clock; readonly abortSignal: AbortSignal },
): Promise<Turn> {
  const line = lines.get(model) ?? new Line()
  lines.set(model, line)
  return line.take(limit, tokens, clock, abortSignal)
}

class Line {
  /** Sent within the last minute, oldest first. */
  #sent: Turn[] = []
  #last: Promise<unknown> = Promise.resolve()

  async take(limit: RateLimit, tokens: number, clock: Clock, abortSignal: AbortSignal): Promise<Turn> {
    const before = this.#last
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#last = promise
    try {
      await unlessAborted(before, abortSignal)
      for (;;) {
        const wait = this.#wait(limit, tokens, clock.now())
        if (wait <= 0) break
        await unlessAborted(
          new Promise<undefined>((done) => clock.after(wait, () => done(undefined), abortSignal)),
          abortSignal,
        )
      }
      const turn = { at: clock.now(), tokens }
      this.#sent.push(turn)
      return turn
    } finally {
      // Also who gave up keeps the place: those behind wait for those before.
      void before.then(() => resolve(undefined))
    }
  }

  /** ms; 0 or less: now. */
  #wait({ requestsPerMinute, tokensPerMinute }: RateLimit, tokens: number, now: number): number {
    this.#sent = this.#sent.filter(({ at }) => at + MINUTE > now)
    const sent = this.#sent
    let until = now
    if (requestsPerMinute !== undefined && sent.length >= requestsPerMinute)
      until = (sent[sent.length - requestsPerMinute]?.at ?? now) + MINUTE
    if (tokensPerMinute !== undefined) {
      let sum = sent.reduce((total, turn) => total + turn.tokens, tokens)
      for (const turn of sent) {
        if (sum <= tokensPerMinute) break
        sum -= turn.tokens
        until = Math.max(until, turn.at + MINUTE)
      }
    }
    return until - now
  }
}
