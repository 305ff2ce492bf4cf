/**
 * What a tool says beside its result, to people who watch: lines of its log, and progress. It may say too much, at any
 * time, and things that nobody can show: that is its own matter, never its call's.
 */
import { inspect } from 'node:util'
import { decode, encode } from '../base/codec.ts'
import type { Secrets } from '../tool/secret.ts'

/** Characters of a line, and of a piece of progress. */
const LONGEST = 10_000
const LARGEST = 1_000_000
/** Lines and pieces of one attempt. */
const MOST = 10_000

/** Where it goes. */
export interface Listeners {
  readonly secrets: Pick<Secrets, 'clean'>
  log(line: string): void
  progress(value: unknown): void
}

/** What one attempt of a call says. */
export class Aside {
  readonly #to: Listeners
  #said = 0

  constructor(to: Listeners) {
    this.#to = to
  }

  /** A line, of parts of any kind. */
  log(...parts: readonly unknown[]): void {
    if (this.#mayGoOn()) this.#to.log(shortened(this.#to.secrets.clean(parts.map(textOf).join(' '))))
  }

  /** A copy goes on: what the tool does to the value afterwards is not seen. */
  progress(value: unknown): void {
    if (!this.#mayGoOn()) return
    const copied = copyOf(value, this.#to.secrets)
    if ('copy' in copied) this.#to.progress(copied.copy)
    else this.#to.log(`progress that cannot be shown: ${copied.why}`)
  }

  #mayGoOn(): boolean {
    this.#said++
    if (this.#said === MOST + 1) this.#to.log(`more than ${MOST} lines: the rest is not shown`)
    return this.#said <= MOST
  }
}

function textOf(part: unknown): string {
  if (typeof part === 'string') return part
  try {
    return JSON.stringify(part) ?? String(part)
  } catch {
    // A cycle, a BigInt, a getter that throws.
    return shownOf(part)
  }
}

function shownOf(part: unknown): string {
  try {
    return inspect(part, { breakLength: Infinity, maxStringLength: LONGEST })
  } catch {
    return `[${typeof part}]`
  }
}

function copyOf(
  value: unknown,
  secrets: Listeners['secrets'],
): { readonly copy: unknown } | { readonly why: string } {
  try {
    const text = secrets.clean(encode(value))
    if (text.length > LARGEST) return { why: `it has ${text.length} characters` }
    return { copy: decode(text) }
  } catch (error) {
    return { why: error instanceof Error ? error.message : 'it cannot be read' }
  }
}

function shortened(line: string): string {
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}… (${line.length} characters)`
}
