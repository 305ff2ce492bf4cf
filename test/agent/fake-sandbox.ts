/**
 * A sandbox whose heap is the list of what was delivered to it: two heaps are equal if and only if they heard the same
 * in the same order. What a delivery leads to is the test's to say.
 */
import type { CallId, GuestCall, Halt, Outcome } from '../../src/base/halt.ts'
import { parseJson } from '../../src/base/json.ts'
import type { Heap, Link, Moment, Opening, Program, Sandbox, Snapshot } from '../../src/sandbox/sandbox.ts'

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
  /** Each holds the deliveries since the one before it. */
  #links: readonly Link[] = []
  #mark: { readonly position: number; readonly heap: readonly string[]; readonly links: number } | undefined

  constructor(script: (delivery: string, heap: readonly string[]) => Halt) {
    this.#script = script
  }

  async open(opening: Opening): Promise<void> {
    await this.#one(`open ${opening.from}`)
    this.#links = opening.from === 'seed' ? [] : opening.heap.links
    this.heap = heapOf(this.#links)
    if (opening.from === 'heap' && opening.start !== undefined) {
      const heap = heapOf(this.#links.slice(0, opening.start))
      this.#mark = { position: 0, heap, links: opening.start }
    }
    this.#alive = true
  }

  async run(step: number, program: Program, moment: Moment): Promise<Halt> {
    return this.#deliver(`run ${step}${program.variables === undefined ? '' : ' with variables'}`, moment)
  }

  async settle(call: CallId, outcome: Outcome, moment: Moment): Promise<Halt> {
    const given = outcome.ok ? ('large' in outcome ? 'a handle' : outcome.value) : outcome.error.name
    return this.#deliver(`settle ${call} ${given}`, moment)
  }

  async grant(tools: readonly string[]): Promise<void> {
    await this.#one(`grant ${tools.join()}`)
  }

  async interrupt(moment: Moment): Promise<Halt> {
    return this.#deliver('interrupt', moment)
  }

  async mark(position: number): Promise<void> {
    await this.#one('mark')
    if (!this.#alive) throw new Error('No guest is open')
    this.#mark = { position, heap: this.heap, links: this.#links.length }
  }

  async back(): Promise<void> {
    await this.#one('back')
    if (this.#mark === undefined) throw new Error('There is no mark')
    this.heap = this.#mark.heap
    this.#links = this.#links.slice(0, this.#mark.links)
    this.#alive = true
  }

  async snapshot(position: number, marked: boolean): Promise<{ readonly packed: Promise<Snapshot> }> {
    await this.#one('snapshot')
    if (!this.#alive) throw new Error('No guest is open')
    if (!marked) this.#mark = undefined
    const mark = this.#mark
    if (mark !== undefined && mark.links === this.#links.length) {
      this.#link(mark.position, mark.heap)
      this.#mark = { ...mark, links: this.#links.length }
    }
    this.#link(position, this.heap)
    const start = this.#mark?.links
    return { packed: Promise.resolve({ links: this.#links, ...(start === undefined ? {} : { start }) }) }
  }

  #link(position: number, heap: readonly string[]): void {
    const since = heap.slice(heapOf(this.#links).length)
    if (since.length > 0)
      this.#links = [...this.#links, { position, payload: Buffer.from(JSON.stringify(since)) }]
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

/** What the links say that was delivered. */
export function heapOf(links: readonly Link[]): readonly string[] {
  return links.flatMap(
    ({ payload }) => parseJson(Buffer.from(payload).toString(), 'A link') as readonly string[],
  )
}

export function heapFrom(links: readonly Link[]): Heap {
  return { links, delta: new Uint8Array(0) }
}

export function waiting(...calls: readonly GuestCall[]): Halt {
  return { kind: 'waiting', calls, printed: '' }
}

export function ended(...calls: readonly GuestCall[]): Halt {
  return { kind: 'ended', calls, printed: '', output: '', ending: { kind: 'value' }, open: [] }
}

export const KILLED: Halt = { kind: 'killed', reason: 'timeout', message: 'too long' }
