/** What the world outside saw: each effect with the call it was for. No process can change or forget it. */
import type { CallId } from '../../src/base/halt.ts'
import type { RunId } from '../../src/journal/entry.ts'
import type { ToolName } from './program.ts'

export interface Effect {
  readonly run: RunId
  readonly call: CallId
  readonly tool: ToolName
  readonly key: string
  readonly attempt: number
  /** Tool and arguments. */
  readonly asked: string
  readonly value: string
}

export class Ledger {
  readonly effects: Effect[] = []

  of(run: RunId, call: CallId, tool: string): readonly Effect[] {
    return this.effects.filter((effect) => effect.run === run && effect.call === call && effect.tool === tool)
  }

  /** A keyed system gives the same answer to the same key. */
  add(effect: Omit<Effect, 'value'>): Effect {
    const before = this.of(effect.run, effect.call, effect.tool).find((other) => other.key === effect.key)
    const value = effect.tool === 'keyed' && before !== undefined ? before.value : `v${this.effects.length}`
    const added = { ...effect, value }
    this.effects.push(added)
    return added
  }
}
