/**
 * A sandbox without an engine, so that thousands of scenarios run in a minute: its heap is plain data, and a program is
 * what `program.ts` put into its source. Like the real one it is a function of its image and of the deliveries since.
 */
import { decode, encode } from '../../src/base/codec.ts'
import type { CallId, Ending, GuestCall, Halt, Outcome } from '../../src/base/halt.ts'
import type { Guests } from '../../src/sandbox/guests.ts'
import type { Link, Moment, Opening, Program, Sandbox, Snapshot } from '../../src/sandbox/sandbox.ts'
import { HELPER, programIn, type Item, type Program as Script } from './program.ts'

interface Strand {
  readonly step: number
  readonly items: readonly Item[]
  at: number
  state: 'running' | 'done' | 'failed'
  call?: CallId
}

interface Heap {
  step: number
  ordinal: number
  strands: Strand[]
  running: (Pick<Script, 'join' | 'end'> & { readonly step: number }) | undefined
  heard: string[]
  open: CallId[]
}

export const fakeGuests: Guests = {
  create: () => new FakeGuest(),
  open: async (links) => ({ links, delta: new Uint8Array(0) }),
}

/** A chain that is longer begins anew. */
const LONGEST_CHAIN = 6

interface Mark {
  readonly position: number
  readonly heap: string
  /** So many links lead to it. */
  readonly links: number
}

class FakeGuest implements Sandbox {
  #heap: Heap | undefined
  /** Each holds the whole heap at its position. */
  #links: readonly Link[] = []
  #mark: Mark | undefined

  async open(opening: Opening): Promise<void> {
    this.#mark = undefined
    if (opening.from === 'seed') {
      this.#links = []
      this.#heap = { step: 0, ordinal: 0, strands: [], running: undefined, heard: [], open: [] }
      return
    }
    this.#links = opening.heap.links
    const last = this.#links.at(-1)
    this.#heap = last === undefined ? undefined : JSON.parse(textOf(last))
    const marked = opening.start === undefined ? undefined : this.#links[opening.start - 1]
    if (marked !== undefined && opening.start !== undefined)
      this.#mark = { position: marked.position, heap: textOf(marked), links: opening.start }
  }

  async run(step: number, program: Program, _moment: Moment): Promise<Halt> {
    const heap = this.#alive()
    const { strands, join, end } = programIn(program.body)
    heap.open = heap.open.filter((call) => program.forget?.includes(call) !== true)
    toStep(heap, step)
    heap.running = { step, join, end }
    const begun = strands.map((items): Strand => ({ step, items, at: 0, state: 'running' }))
    heap.strands.push(...begun)
    return this.#halt(heap, begun)
  }

  async settle(call: CallId, outcome: Outcome, moment: Moment): Promise<Halt> {
    const heap = this.#alive()
    toStep(heap, moment.step)
    if (!heap.open.includes(call)) return this.#halt(heap, [])
    heap.open = heap.open.filter((other) => other !== call)
    const strand = heap.strands.find((one) => one.call === call)
    if (strand === undefined) return this.#halt(heap, [])
    delete strand.call
    const item = strand.items[strand.at]
    const isCaught = item?.do === 'call' && item.caught
    if (outcome.ok) heap.heard.push('large' in outcome ? 'a handle' : String(decode(outcome.value)))
    else if (isCaught) heap.heard.push(outcome.error.name)
    else {
      strand.state = 'failed'
      return this.#halt(heap, [])
    }
    strand.at++
    return this.#halt(heap, [strand])
  }

  async grant(): Promise<void> {}

  async interrupt(): Promise<Halt> {
    const heap = this.#alive()
    if (heap.running === undefined) return { kind: 'waiting', calls: [], printed: '' }
    heap.running = undefined
    heap.open = []
    heap.strands = []
    const ending = { kind: 'error', error: { name: 'Interrupted', message: 'by a person' } } as const
    return { kind: 'ended', calls: [], printed: '', output: '', ending, open: [] }
  }

  async mark(position: number): Promise<void> {
    this.#mark = { position, heap: JSON.stringify(this.#alive()), links: this.#links.length }
  }

  async back(): Promise<void> {
    if (this.#mark === undefined) throw new Error('There is no mark')
    this.#heap = JSON.parse(this.#mark.heap)
    this.#links = this.#links.slice(0, this.#mark.links)
  }

  async snapshot(position: number, marked: boolean): Promise<{ readonly packed: Promise<Snapshot> }> {
    if (!marked) this.#mark = undefined
    if (this.#links.length > LONGEST_CHAIN) {
      this.#links = []
      if (this.#mark !== undefined) this.#mark = { ...this.#mark, links: 0 }
    }
    if (this.#mark !== undefined && this.#mark.links === this.#links.length) {
      this.#link(this.#mark.position, this.#mark.heap)
      this.#mark = { ...this.#mark, links: this.#links.length }
    }
    this.#link(position, JSON.stringify(this.#alive()))
    const start = this.#mark?.links
    return { packed: Promise.resolve({ links: this.#links, ...(start === undefined ? {} : { start }) }) }
  }

  #link(position: number, heap: string): void {
    if (this.#links.at(-1)?.position === position) return
    this.#links = [...this.#links, { position, payload: Buffer.from(heap) }]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#heap = undefined
  }

  #alive(): Heap {
    if (this.#heap === undefined) throw new Error('No guest is open')
    return this.#heap
  }

  /** Lets these strands go on as far as they can. */
  #halt(heap: Heap, strands: readonly Strand[]): Halt {
    const calls: GuestCall[] = []
    for (const strand of strands) {
      const item = strand.items[strand.at]
      if (item === undefined) strand.state = 'done'
      else if (item.do === 'spin') {
        this.#heap = undefined
        return { kind: 'killed', reason: 'timeout', message: 'The code computed for too long.' }
      } else calls.push(request(heap, strand, item))
    }
    const ending = endingOf(heap)
    if (ending === undefined) return { kind: 'waiting', calls, printed: '' }
    heap.running = undefined
    // A final answer ends the step where it stands: its code goes on no more.
    if (ending.kind === 'answer') heap.strands = heap.strands.filter((strand) => strand.step !== heap.step)
    return { kind: 'ended', calls, printed: '', output: '', ending, open: heap.open }
  }
}

function textOf(link: Link): string {
  return Buffer.from(link.payload).toString()
}

/** Calls are numbered within the step in which they are made. */
function toStep(heap: Heap, step: number | undefined): void {
  if (step === undefined || step === heap.step) return
  heap.step = step
  heap.ordinal = 0
}

function request(heap: Heap, strand: Strand, item: Exclude<Item, { do: 'spin' }>): GuestCall {
  const id = `${heap.step}.${++heap.ordinal}`
  strand.call = id
  heap.open.push(id)
  switch (item.do) {
    case 'call':
      return { id, name: item.tool, input: encode(inputOf(item.tool, strand, heap)) }
    case 'sleep':
      return { id, name: '$sleep', input: encode(item.ms) }
    case 'ask':
      return { id, name: '$ask', input: encode(['Which?']) }
    default:
      return item satisfies never
  }
}

/** What was heard before is an argument of every call: another order would be another call. */
function inputOf(tool: string, strand: Strand, { heard }: Heap): unknown {
  return tool === HELPER ? `Help with ${heard.length}` : { strand: strand.step, heard: heard.join() }
}

/** How the program ends, if it does. */
function endingOf({ running, strands, heard }: Heap): Ending | undefined {
  if (running === undefined) return undefined
  const mine = strands.filter((strand) => strand.step === running.step)
  const settled = mine.filter((strand) => strand.state !== 'running')
  const failed = settled.some((strand) => strand.state === 'failed')
  if (!failed && settled.length < (running.join === 'race' ? 1 : mine.length)) return undefined
  const error = { name: 'Error', message: 'thrown' }
  if (failed || running.end === 'throw') return { kind: 'error', error }
  return running.end === 'answer'
    ? { kind: 'answer', value: encode(heard.length) }
    : { kind: 'value', shown: String(heard.length) }
}
