/**
 * A sandbox whose heap is the list of what was delivered to it: two heaps are equal if and only if they heard the same
 * in the same order. What a delivery leads to is the test's to say.
 */
import type { CallId, GuestCall, Halt, Outcome } from '../../src/base/halt.ts'
import { parseJson } from '../../src/base/json.ts'
import type { Image, Moment, Opening, Program, Sandbox } from '../../src/sandbox/sandbox.ts'

export class FakeSandbox implements Sandbox {
  heap: readonly string[] = []
  /** Everything that was asked of it, in order. */
  readonly log: string[] = []
  /** Most requests that were ever under way at once. */
  most = 0
  /** Runs before a delivery is answered. */
  hold: (what: string) => Promise<void> = async () => undefined
  readonly #script: (delivery: string, heap: readonly string[]) => Halt
  #alive = false
  #now = 0

  constructor(script: (delivery: string, heap: readonly string[]) => Halt) {
    this.#script = script
  }

  async open(opening: Opening): Promise<void> {
    await this.#one(`open ${opening.from}`)
    this.heap =
      opening.from === 'seed'
        ? []
        : (parseJson(Buffer.from(opening.image.bytes).toString(), 'An image') as readonly string[])
    this.#alive = true
  }

  async run(step: number, program: Program, moment: Moment): Promise<Halt> {
    return this.#deliver(`run ${step}${program.variables === undefined ? '' : ' with variables'}`, moment)
  }

  async settle(call: CallId, outcome: Outcome, moment: Moment): Promise<Halt> {
    return this.#deliver(`settle ${call} ${outcome.ok ? outcome.value : outcome.error.name}`, moment)
  }

  async image(): Promise<Image> {
    await this.#one('image')
    if (!this.#alive) throw new Error('No guest is open')
    return { bytes: Buffer.from(JSON.stringify(this.heap)) }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.log.push('dispose')
  }

  async #deliver(delivery: string, { clock }: Moment): Promise<Halt> {
    if (!this.#alive) throw new Error('No guest is open')
    await this.#one(delivery)
    this.heap = [...this.heap, `${delivery} at ${clock}`]
    const halt = this.#script(delivery, this.heap)
    if (halt.kind === 'killed') this.#alive = false
    return halt
  }

  async #one(what: string): Promise<void> {
    this.#now++
    this.most = Math.max(this.most, this.#now)
    this.log.push(what)
    await this.hold(what)
    this.#now--
  }
}

export function waiting(...calls: readonly GuestCall[]): Halt {
  return { kind: 'waiting', calls, printed: '' }
}

export function ended(...calls: readonly GuestCall[]): Halt {
  return { kind: 'ended', calls, printed: '', output: '', ending: { kind: 'value' }, open: [] }
}

export const KILLED: Halt = { kind: 'killed', reason: 'timeout', message: 'too long' }
