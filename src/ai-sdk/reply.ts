/** What the model is saying, as it says it, and once more where the fact says otherwise (U1). */
import type { Entry, Stored } from '../journal/entry.ts'
import type { UIChunk } from './chunks.ts'
import { RUN_CODE } from '../base/run-code.ts'

type Kind = 'text' | 'reasoning' | 'code'
type Ended = Entry<'model-replied'> | Entry<'plan-made'> | Entry<'context-compacted'> | Entry<'model-failed'>

export interface ReplyOptions {
  readonly sendReasoning?: boolean
  readonly sendCode?: boolean
}

export class Reply {
  readonly #options: ReplyOptions
  readonly #put: (chunk: UIChunk) => void
  #called: Entry<'model-called'> | undefined
  /** What was streamed. */
  #streamed: Record<Kind, string> = { text: '', reasoning: '', code: '' }
  #open: { readonly kind: Kind; readonly id: string } | undefined
  #count = 0

  constructor(options: ReplyOptions, put: (chunk: UIChunk) => void) {
    this.#options = options
    this.#put = put
  }

  /** The model was asked and has not answered. */
  get isOpen(): boolean {
    return this.#called !== undefined
  }

  begin(called: Entry<'model-called'>): void {
    this.drop()
    this.#called = called
  }

  hear(kind: Kind, delta: string): void {
    const shown = this.#shownAs(kind)
    if (this.#called === undefined || shown === undefined || delta === '') return
    this.#streamed[shown] += delta
    if (this.#open?.kind !== shown) this.#start(shown)
    this.#delta(delta)
  }

  /** As `end`, of a reply that nobody was shown. */
  pass(): void {
    this.#forget()
  }

  async end(entry: Ended, value: (stored: Stored) => Promise<unknown>): Promise<void> {
    const wanted = await this.#wantedOf(entry, value)
    if (wanted === undefined || !this.#isStreamed(wanted)) {
      this.#takeBack()
      for (const kind of ['reasoning', 'text'] as const) {
        const text = wanted?.[kind] ?? ''
        if (text.trim() === '') continue
        this.#start(kind)
        this.#delta(text)
      }
    }
    this.#close()
    this.#forget()
  }

  /** Takes back what was streamed of a reply that did not come. */
  drop(): void {
    this.#takeBack()
    this.#called = undefined
  }

  #takeBack(): void {
    if (this.#count > 0) this.#put({ type: 'reset-step' })
    this.#streamed = { text: '', reasoning: '', code: '' }
    this.#open = undefined
    this.#count = 0
  }

  /** Of a plan, what is said is what is thought; a summary is nothing to watch. */
  #shownAs(kind: Kind): Kind | undefined {
    const purpose = this.#called?.purpose
    if (purpose === 'summary') return undefined
    const as = purpose === 'plan' && kind === 'text' ? 'reasoning' : kind
    if (as === 'reasoning' && this.#options.sendReasoning === false) return undefined
    return as === 'code' && this.#options.sendCode === false ? undefined : as
  }

  /** What a fact says that was said; undefined: nothing. */
  async #wantedOf(
    entry: Ended,
    value: (stored: Stored) => Promise<unknown>,
  ): Promise<{ readonly reasoning: string; readonly text: string } | undefined> {
    const sendsReasoning = this.#options.sendReasoning !== false
    if (entry.kind === 'plan-made') return sendsReasoning ? { reasoning: entry.plan, text: '' } : undefined
    if (entry.kind !== 'model-replied') return undefined
    return { reasoning: sendsReasoning ? reasoningIn(await value(entry.parts)) : '', text: entry.text }
  }

  #isStreamed({ reasoning, text }: { readonly reasoning: string; readonly text: string }): boolean {
    return this.#streamed.reasoning.trim() === reasoning.trim() && this.#streamed.text.trim() === text.trim()
  }

  #start(kind: Kind): void {
    this.#close()
    const { step = 0, attempt = 0 } = this.#called ?? {}
    const id = kind === 'code' ? `step_${step}` : `${kind}_${step}_${attempt}_${this.#count}`
    this.#count++
    this.#open = { kind, id }
    if (kind !== 'code') return this.#put({ type: `${kind}-start`, id })
    const part = { toolCallId: id, toolName: RUN_CODE, dynamic: true, providerExecuted: true } as const
    this.#put({ type: 'tool-input-start', ...part })
    // A client reads the input as JSON that grows.
    this.#put({ type: 'tool-input-delta', toolCallId: id, inputTextDelta: '{"code":"' })
  }

  #delta(delta: string): void {
    if (this.#open === undefined) return
    const { kind, id } = this.#open
    if (kind === 'code')
      this.#put({
        type: 'tool-input-delta',
        toolCallId: id,
        inputTextDelta: JSON.stringify(delta).slice(1, -1),
      })
    else this.#put({ type: `${kind}-delta`, id, delta })
  }

  #close(): void {
    if (this.#open !== undefined && this.#open.kind !== 'code')
      this.#put({ type: `${this.#open.kind}-end`, id: this.#open.id })
    this.#open = undefined
  }

  #forget(): void {
    this.#called = undefined
    this.#streamed = { text: '', reasoning: '', code: '' }
    this.#count = 0
  }
}

/** What the provider's parts hold of it. */
function reasoningIn(parts: unknown): string {
  if (!Array.isArray(parts)) return ''
  return parts
    .map((part: { readonly type?: unknown; readonly text?: unknown }) =>
      part.type === 'reasoning' && typeof part.text === 'string' ? part.text : '',
    )
    .join('')
}
