/**
 * Results that are too large to be put into the guest whole: the code gets a handle, and reads of it what it needs.
 *
 * V1  What the code gets follows from the journaled result and the run's own limits, nothing else: replay gives the same.
 * V2  A read is a call of the code like any other, journaled with what it gave. It is done as soon as it is asked for.
 * V3  What a read gives is small enough for the guest, or a handle in turn.
 */
import { decode, encode } from '../base/codec.ts'
import type { Encoded, LargeValue, Outcome } from '../base/halt.ts'
import { parseJson } from '../base/json.ts'
import type { CallOutcome, Stored } from '../journal/entry.ts'

/** The guest's call for a read. Input: `[handle, part, from, to]`. */
export const READ = '$read'
/** A guest that is given more than this part of its memory as text has no room left to work. */
const PART_OF_MEMORY = 8
const PARTS = ['slice', 'lines', 'keys', 'get', 'json'] as const

type Part = (typeof PARTS)[number]
interface Read {
  readonly of: LargeValue
  readonly part: Part
  readonly from: unknown
  readonly to: unknown
}

export class LargeValues {
  readonly #limit: number
  readonly #text: (stored: Stored) => Promise<string>
  /** What was read last is mostly what is read next. */
  #last: { readonly blob: string; readonly value: unknown } | undefined

  /** `memory`: the guest's, in bytes. `text`: of a stored value. */
  constructor(memory: number, text: (stored: Stored) => Promise<string>) {
    this.#limit = givenAtOnce(memory)
    this.#text = text
  }

  /** What the code gets for a journaled outcome (V1). */
  async deliver(outcome: CallOutcome): Promise<Outcome> {
    if (!outcome.ok) return outcome
    const { value } = outcome
    const text = await this.#text(value)
    if (text.length <= this.#limit || typeof value === 'string') return { ok: true, value: text }
    const large = handleOf(decode(text), { ref: value, path: [], size: text.length })
    // What is neither text nor a list nor a record (a huge Map) cannot be read in parts.
    return large === undefined ? { ok: true, value: text } : { ok: true, large }
  }

  /** What the code gets of values that were given with a task: those that are too large together, as handles (V1). */
  async give(stored: Stored): Promise<GivenVariables> {
    const text = await this.#text(stored)
    if (text.length <= this.#limit || typeof stored === 'string') return { variables: text }
    const values = decode(text) as Readonly<Record<string, unknown>>
    const large = largeAmong(values, this.#limit)
    const whole = Object.entries(values).filter(([name]) => !large.has(name))
    const handles = Array.from(large, ([name, size]): [string, LargeValue | undefined] => [
      name,
      handleOf(values[name], { ref: stored, path: [name], size }),
    ])
    return {
      variables: encode(Object.fromEntries(whole)),
      large: Object.fromEntries(handles.filter((one): one is [string, LargeValue] => one[1] !== undefined)),
    }
  }

  /** V2. `input` is what the code sent. Never rejects: what cannot be read is told to the code. */
  async read(input: Encoded): Promise<CallOutcome> {
    try {
      const read = mustBeRead(decode(input))
      return { ok: true, value: this.#given(take(await this.#open(read.of), read), read) }
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) }
      return { ok: false, error: { name, message } }
    }
  }

  /** The value that the handle stands for. */
  async #open({ ref, path }: LargeValue): Promise<unknown> {
    if (this.#last?.blob !== ref.blob) this.#last = { blob: ref.blob, value: decode(await this.#text(ref)) }
    let at = this.#last.value
    for (const step of path) {
      if (step !== null) at = isRecord(at) ? at[step] : Array.isArray(at) ? at[Number(step)] : undefined
      else at = parseJson(String(at), 'The text')
    }
    return at
  }

  /** V3. */
  #given(value: unknown, { of, part, from }: Read): Encoded {
    const text = encode({ value })
    if (text.length <= this.#limit) return text
    const step = part === 'json' ? null : part === 'get' ? String(from) : undefined
    const large =
      step === undefined
        ? undefined
        : handleOf(value, { ref: of.ref, path: [...of.path, step], size: text.length })
    if (large !== undefined) return encode({ large })
    throw new RangeError(
      `This part has ${text.length} characters, and ${this.#limit} fit in at once: read less at a time`,
    )
  }
}

/** Variables of a step's program: see `Program`. */
export interface GivenVariables {
  readonly variables: Encoded
  readonly large?: Readonly<Record<string, LargeValue>>
}

/** Characters that a guest of so much memory (bytes) is given at once. */
export function givenAtOnce(memory: number): number {
  return Math.floor(memory / PART_OF_MEMORY)
}

/** The largest of some values, by name, with their encoded sizes: without them the others fit. None, if all of them fit. */
export function largeAmong(
  values: Readonly<Record<string, unknown>>,
  limit: number,
): ReadonlyMap<string, number> {
  const sizes = Object.entries(values).map(([name, value]) => ({ name, size: encode(value).length }))
  const large = new Map<string, number>()
  let rest = sizes.reduce((sum, { size }) => sum + size, 0)
  for (const { name, size } of sizes.toSorted((a, b) => b.size - a.size)) {
    if (rest <= limit) break
    // What is neither text nor a list nor a record cannot be read in parts: it is given whole, whatever comes of it.
    if (handleOf(values[name], { ref: NOWHERE, path: [], size }) === undefined) continue
    large.set(name, size)
    rest -= size
  }
  return large
}

const NOWHERE: LargeValue['ref'] = { blob: '', size: 0 }

function handleOf(value: unknown, place: Pick<LargeValue, 'ref' | 'path' | 'size'>): LargeValue | undefined {
  if (typeof value === 'string') return { ...place, is: 'text', length: value.length }
  if (Array.isArray(value)) return { ...place, is: 'list', length: value.length }
  return isRecord(value) ? { ...place, is: 'record', length: Object.keys(value).length } : undefined
}

function take(value: unknown, { part, from, to }: Read): unknown {
  switch (part) {
    case 'slice':
      if (typeof value === 'string') return value.slice(index(from), index(to))
      if (Array.isArray(value)) return value.slice(index(from), index(to))
      break
    case 'lines':
      if (typeof value === 'string') return value.split(/\r?\n/).slice(index(from), index(to))
      break
    case 'keys':
      if (isRecord(value)) return Object.keys(value)
      break
    case 'get':
      if (isRecord(value)) return Object.hasOwn(value, String(from)) ? value[String(from)] : undefined
      if (Array.isArray(value)) return value.at(index(from) ?? 0)
      break
    case 'json':
      if (typeof value === 'string') return parsed(value)
      break
    default:
      part satisfies never
  }
  throw new TypeError(
    `A value that is no ${part === 'lines' || part === 'json' ? 'text' : 'list'} has no ${part}`,
  )
}

function parsed(text: string): unknown {
  try {
    return parseJson(text, 'The text')
  } catch (error) {
    const why = error instanceof Error && error.cause instanceof Error ? error.cause.message : ''
    throw new SyntaxError(`The text is no JSON: ${why}`, { cause: error })
  }
}

function index(given: unknown): number | undefined {
  if (given === undefined) return undefined
  if (typeof given === 'number' && !Number.isNaN(given)) return Math.trunc(given)
  throw new TypeError(`A place is a number, not ${typeof given}`)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const proto: unknown = Object.getPrototypeOf(value)
  return proto === Object.prototype || proto === null
}

/** The code may have made it up. A blob's name is a digest: who does not know it reads nothing. */
function mustBeRead(input: unknown): Read {
  const [of, part, from, to]: readonly unknown[] = isList(input) ? input : []
  const known = PARTS.find((one) => one === part)
  if (known === undefined || !isHandle(of)) throw new TypeError('This is no handle of a large value')
  return { of, part: known, from, to }
}

function isList(given: unknown): given is readonly unknown[] {
  return Array.isArray(given)
}

function isHandle(given: unknown): given is LargeValue {
  if (!isRecord(given) || !isRecord(given['ref']) || !Array.isArray(given['path'])) return false
  return (
    typeof given['ref']['blob'] === 'string' &&
    given['path'].every((step) => step === null || typeof step === 'string')
  )
}
