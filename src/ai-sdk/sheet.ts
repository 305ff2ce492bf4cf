/**
 * The sheet that a message is written on: its steps, and which tool parts stand there.
 *
 * U2  A tool part is declared in a message before anything else is said of it there.
 * U3  A turn of the model is a step, and so are the calls of its code: a client that sends approvals by itself looks at
 *     the last step, where only those calls are.
 */
import type { UIChunk } from './chunks.ts'
import { ASK, type Asked, type Part, type Parts } from './parts.ts'

export class Sheet {
  readonly #parts: Parts
  /** U2. */
  readonly #declared = new Set<string>()
  /** Those of them that stand in the last step. */
  readonly #inStep = new Set<string>()
  #out: UIChunk[] = []
  /** Nothing stands in the last step yet. */
  #isFresh = false
  /** U3: code or an agent stands last in the step, and stays open while its calls are asked about. */
  #isAfterWork = false

  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** A message with these parts; `undefined`: those that were declared here. */
  begin(has: Iterable<string> | undefined): void {
    if (has !== undefined) this.#declared.clear()
    for (const id of has ?? []) this.#declared.add(id)
    this.#inStep.clear()
    this.#out = []
    this.#isFresh = false
  }

  has(part: Part | undefined): boolean {
    return part !== undefined && this.#declared.has(part.id)
  }

  /** U2, U3. */
  declare(part: Part): void {
    if (this.#declared.has(part.id)) return
    if (part.what !== 'code' && this.#isAfterWork) this.newStep()
    this.#declared.add(part.id)
    this.#inStep.add(part.id)
    this.#isAfterWork ||= part.what === 'code' || part.what === 'agent'
    this.tellInput(part)
  }

  /** Declares a part that has been streamed, or tells its input anew. */
  declareAgain(part: Part): void {
    this.#declared.delete(part.id)
    this.declare(part)
  }

  tellInput({ id: toolCallId, name: toolName, input }: Part): void {
    const own = toolName === ASK ? {} : { providerExecuted: true as const }
    this.put({ type: 'tool-input-available', toolCallId, toolName, input, dynamic: true, ...own })
  }

  ask({ id: approvalId, kind, part, message: reason }: Asked): void {
    this.declare(part)
    if (kind !== 'input') this.put({ type: 'tool-approval-request', approvalId, toolCallId: part.id, reason })
  }

  newStep(): void {
    this.#isAfterWork = false
    if (this.#isFresh) return
    this.#out.push({ type: 'finish-step' }, { type: 'start-step' })
    this.#inStep.clear()
    this.#isFresh = true
  }

  put(chunk: UIChunk): void {
    this.#out.push(chunk)
    if (ADDS.has(chunk.type)) this.#isFresh = false
    if (chunk.type === 'reset-step') this.#tellAgain()
  }

  take(): readonly UIChunk[] {
    const out = this.#out
    this.#out = []
    return out
  }

  /** The step was emptied: what else stood there is told again. */
  #tellAgain(): void {
    this.#isFresh = true
    const gone = [...this.#inStep]
    this.#inStep.clear()
    for (const id of gone) this.#declared.delete(id)
    for (const id of gone) {
      const part = this.#parts.get(id)
      if (part?.isOpen !== true) continue
      const asked = part.question === undefined ? undefined : this.#parts.asked(part.question)
      if (asked?.answer === undefined && asked !== undefined) this.ask(asked)
      else this.declare(part)
    }
  }
}

/** What puts something into the last step. */
const ADDS: ReadonlySet<UIChunk['type']> = new Set([
  'text-start',
  'reasoning-start',
  'tool-input-start',
  'tool-input-available',
  'steering-message',
  'data-output',
])
