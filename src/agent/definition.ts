/** An agent as the runtime sees it: what it is made of, checked once. The functions stay here; a run keeps their names. */
import type { CallbackKind, Decided, RunOptions } from '../journal/entry.ts'
import type { LanguageModelV4 } from '../model/ask.ts'
import type { ApprovalRule } from '../tool/approval.ts'
import type { Secrets } from '../tool/secret.ts'
import type { Tool } from '../tool/tools.ts'
import type { Price } from './budget.ts'
import type { Memory, WatchedStep } from './memory.ts'
import type { Content, TraceMode } from '../telemetry/trace.ts'
import type { SnapshotPolicy } from './snapshot-policy.ts'
import type { PromptTemplates } from './templates.ts'

export interface CallbackContext {
  /** The agent object that the author constructed. */
  readonly agent: unknown
  readonly memory: Memory
  /** How often this callback has been begun for this step: 1, or more after a crash in its middle. */
  readonly attempt: number
}

export interface NamedCallback {
  readonly name: string
  run(step: WatchedStep, context: CallbackContext): unknown
}

export interface CheckContext {
  readonly memory: Memory
  /** The agent object that the author constructed. */
  readonly agent: unknown
  /**
   * What came of the questions that this check has asked about this answer, oldest first: a person's decision
   * (`{ type: 'respond', value }`, `{ type: 'reject' }`), or `{ type: 'expired' }`.
   */
  readonly decisions: readonly Decided[]
}

export interface NamedCheck {
  readonly name: string
  run(answer: unknown, context: CheckContext): unknown
}

/** Where tools come from that are not there before a run is driven. */
export interface Sources {
  readonly names: readonly string[]
  /** Absent: they are open, and the definition has their tools. */
  readonly open?: (definition: Definition) => Promise<Definition>
  readonly close: () => Promise<void>
}

export interface Definition {
  readonly name: string
  readonly model: LanguageModelV4
  readonly modelName: string
  readonly tools: ReadonlyMap<string, Tool>
  readonly sources?: Sources
  readonly instructions: string
  readonly templates: PromptTemplates
  /** Tokens that the model takes in one request, where its catalog knows. The first question may take a while. */
  readonly window: () => number | undefined
  /** What it is for, for an agent that manages it. */
  readonly description: string
  /** A call of it gives `{ output, summary }`. */
  readonly provideRunSummary: boolean
  /** Agents that its code calls like tools, by name. Each of them is among the tools too. */
  readonly managed: ReadonlyMap<string, Definition>
  readonly options: RunOptions
  /** By the kind of step that they look at, in the order in which they run. */
  readonly callbacks: Readonly<Record<CallbackKind, readonly NamedCallback[]>>
  readonly checks: readonly NamedCheck[]
  /** TypeScript of what `finalAnswer` takes, for the prompt, where the output has a schema. */
  readonly answer?: string
  /** Validates and converts the output; a message for the model where it does not fit. */
  checkOutput?(
    output: unknown,
  ): Promise<
    { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly message: string }
  >
  /** Whether a step is checked against the tools' types before it runs, where TypeScript is installed. Absent: no. */
  readonly typeCheck?: boolean
  /** USD for a reply; it gives undefined where nothing is known of the model. */
  readonly price: Price
  /** Whether a person must approve a program before a line of it runs. */
  readonly codeApproval: ApprovalRule
  /** Secrets, tenant, loggers: reaches tools, is given again on resume, is never journaled. */
  readonly context: unknown
  /** Whether a run's trace is its caller's, or one of its own. */
  readonly trace: TraceMode
  readonly telemetry: {
    readonly content: Content
    /** Keys of the caller's baggage that a run keeps; absent: all. */
    readonly baggage?: readonly string[]
  }
  /** Given again on resume, never journaled: what is of them is taken out of all that is. */
  readonly secrets: Secrets
  /** The author's object, for callbacks. */
  readonly agent: unknown
  /** When a snapshot is taken beside those at rest; absent: when replay would cost more. Benchmarks give others. */
  readonly isWorthSnapshot?: SnapshotPolicy
}
