/** What a run is doing right now, in a few words, and what it has used so far: from its events. */
import { showDuration } from '../base/duration.ts'
import type { Usage } from '../journal/entry.ts'
import type { RunEvent } from '../run/event.ts'
import { nameOf } from './progress.ts'
import { counted } from './text.ts'
import { usedOf } from './used.ts'

/** What the model is asked for, where it is not a step. */
const FOR = {
  step: 'asks the model',
  plan: 'asks the model for a plan',
  summary: 'asks the model for a summary',
  answer: 'asks the model for its answer',
} as const

export class Doing {
  #what: string | undefined
  #since = 0
  #step = 0
  /** Characters of the reply so far. */
  #written = 0
  #usage: Usage = { inputTokens: 0, outputTokens: 0 }
  readonly #tools = new Map<string, string>()
  /** Calls in flight, and since when. */
  readonly #flying = new Map<string, number>()

  /** What happened before: what was used, and the names of calls. */
  learn(event: RunEvent): void {
    this.hear(event)
    this.#what = undefined
    this.#flying.clear()
  }

  hear(event: RunEvent): void {
    if (event.type === 'text' || event.type === 'reasoning' || event.type === 'code')
      this.#written += event.delta.length
    if (event.type !== 'entry') return
    const { entry } = event
    switch (entry.kind) {
      case 'model-called':
        this.#step = entry.step
        this.#begin(`${FOR[entry.purpose]}${entry.attempt > 1 ? `, attempt ${entry.attempt}` : ''}`, entry.at)
        break
      case 'model-replied':
      case 'plan-made':
      case 'context-compacted':
        this.#use(entry.usage)
        this.#what = undefined
        break
      case 'model-failed':
        if (entry.retryAt === undefined) this.#what = undefined
        else this.#begin('waits before the next attempt', entry.at)
        break
      case 'step-started':
        this.#begin('computes', entry.at)
        break
      case 'call-requested':
        this.#tools.set(entry.call, nameOf(entry.tool))
        break
      case 'call-started':
        this.#flying.set(entry.call, entry.at)
        break
      case 'call-returned':
        this.#flying.delete(entry.call)
        if (entry.usage !== undefined) this.#use(entry.usage)
        break
      case 'call-withdrawn':
      case 'call-failed':
        this.#flying.delete(entry.call)
        break
      case 'step-ended':
      case 'step-killed':
      case 'step-interrupted':
      case 'run-paused':
        this.#what = undefined
        break
      default:
    }
  }

  /** In one line; empty where nothing is going on. */
  told(now: number): string {
    const what = this.#flying.size > 0 ? this.#calls() : this.#what
    if (what === undefined) return ''
    const since = this.#flying.size > 0 ? Math.min(...this.#flying.values()) : this.#since
    const writes = this.#written > 0 && this.#flying.size === 0 ? [counted(this.#written, 'character')] : []
    const parts = [`step ${this.#step}: ${what}`, showDuration(Math.max(0, now - since)), ...writes]
    const { inputTokens, outputTokens } = this.#usage
    return [...parts, ...(inputTokens + outputTokens > 0 ? usedOf(this.#usage) : [])].join(' · ')
  }

  #begin(what: string, at: number): void {
    this.#what = what
    this.#since = at
    this.#written = 0
  }

  #calls(): string {
    const ids = [...this.#flying.keys()]
    const names = ids.slice(0, 3).map((id) => `${id} ${this.#tools.get(id) ?? ''}`.trim())
    return `${names.join(', ')}${ids.length > 3 ? ` and ${ids.length - 3} more` : ''}`
  }

  #use({ inputTokens, outputTokens, cost }: Usage): void {
    const { inputTokens: input, outputTokens: output, cost: spent } = this.#usage
    this.#usage = {
      inputTokens: input + inputTokens,
      outputTokens: output + outputTokens,
      ...(cost === undefined && spent === undefined ? {} : { cost: (spent ?? 0) + (cost ?? 0) }),
    }
  }
}
