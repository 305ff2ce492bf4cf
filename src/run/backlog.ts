/**
 * Live events that wait for one reader, a run's own.
 *
 * B1  It holds so much and no more: neighbours of a kind become one, then the oldest go, and `missed` says so.
 * B2  What is taken comes in the order in which it was put in.
 */
import { encode } from '../base/codec.ts'
import type { RunId } from '../journal/entry.ts'
import type { LiveEvent, LiveGiven } from './event.ts'

/** Characters, and events, that wait for one reader. */
const MOST_CHARS = 262_144
const MOST_EVENTS = 2_000
/** What grows longer is told in parts. */
const MOST_JOINED = 16_384

interface Waiting {
  readonly event: LiveEvent
  readonly chars: number
}

export class Backlog {
  #waiting: Waiting[] = []
  #chars = 0

  put(event: LiveEvent, chars: number = charsOf(event)): void {
    const last = this.#waiting.at(-1)
    const both = last === undefined || last.chars > MOST_JOINED ? undefined : joined(last.event, event)
    if (last === undefined || both === undefined) this.#waiting.push({ event, chars })
    else this.#waiting[this.#waiting.length - 1] = { event: both, chars: last.chars + chars }
    this.#chars += chars
    while (this.#waiting.length > MOST_EVENTS || this.#chars > MOST_CHARS) this.#dropOldest()
  }

  /** The next one, which stays. */
  get first(): LiveEvent | undefined {
    return this.#waiting[0]?.event
  }

  take(): LiveEvent | undefined {
    const waiting = this.#waiting.shift()
    this.#chars -= waiting?.chars ?? 0
    return waiting?.event
  }

  clear(): void {
    this.#waiting = []
    this.#chars = 0
  }

  /** Everything that waits, for another reader. */
  copyTo(other: Backlog): void {
    for (const { event, chars } of this.#waiting) other.put(event, chars)
  }

  #dropOldest(): void {
    if (this.first?.type === 'missed') this.take()
    const dropped = this.take()
    if (dropped === undefined) return
    const { run, path, after } = dropped
    const event = { type: 'missed' as const, run, after, ...(path === undefined ? {} : { path }) }
    this.#waiting.unshift({ event, chars: 0 })
  }
}

/** The live events of one reader, by run. */
export class Backlogs {
  readonly #byRun = new Map<RunId, Backlog>()

  of(run: RunId): Backlog {
    const known = this.#byRun.get(run) ?? new Backlog()
    this.#byRun.set(run, known)
    return known
  }
}

/** Characters of what it says. */
export function charsOf(event: LiveGiven | LiveEvent): number {
  if (event.type === 'missed') return 0
  if (event.type === 'progress') return encode(event.value).length
  return 'delta' in event ? event.delta.length : event.text.length
}

/** Two that may be told as one. */
function joined(one: LiveEvent, other: LiveEvent): LiveEvent | undefined {
  if (one.after !== other.after) return undefined
  if ('delta' in one && 'delta' in other && one.type === other.type)
    return { ...other, delta: one.delta + other.delta }
  if (one.type === 'printed' && other.type === 'printed') return { ...other, text: one.text + other.text }
  return undefined
}
