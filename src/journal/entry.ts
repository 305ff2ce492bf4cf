/**
 * READ 1st. The journal's vocabulary: one union, each entry one fact, noun and past participle.
 *
 * E1  An entry is written once and never changed. What follows from it is in `state.ts`.
 * E2  Entries hold data only: names of tools and models, never functions. Values of the guest are `Stored` text.
 * E3  A reader that does not know an entry's `v` refuses the run; it never guesses.
 * E4  `call-returned`, `step-interrupted` and `tools-changed` are the only entries, beside `step-started`, that are
 *     delivered to the guest, and their order here is the order of delivery. An answer, a timer and a pause that went on all arrive as one. (`run-forked`
 *     changes the randomness of the delivery after it.)
 */
import type { CallId, Encoded, GuestError, HeapSize, KillReason, ToldVariable } from '../base/halt.ts'

/** The version of this vocabulary. Written with every entry. */
export const ENTRY_VERSION = 1

export type RunId = string
export type QuestionId = string
export type Digest = string

/** Encoded text in place, or its digest where it was too large to stand in an entry. */
export type Stored = Encoded | { readonly blob: Digest; readonly size: number }

export type Effect = 'read' | 'idempotent' | 'keyed' | 'once'

/**
 * What a tool brings into a run: data that is nobody else's business, content that strangers wrote, a way out. All
 * three together let a stranger's words carry the data away.
 */
export type Touch = 'private' | 'untrusted' | 'outbound'

/** A tool as the run knows it: enough to read the run, and to recover a call, without the module. */
export interface ToolFact {
  readonly name: string
  readonly effect: Effect
  /** False where nobody said so and `once` was assumed. */
  readonly effectDeclared: boolean
  /** Digest of name, description and schemas. */
  readonly digest: Digest
  /** Absent: nothing. */
  readonly touches?: readonly Touch[]
}

/** Data options of a run; durations in ms, sizes in bytes. Functions are given again by name, they are not here. */
export interface RunOptions {
  readonly maxSteps: number
  readonly maxCost?: number
  readonly timeout?: number
  /** Which of these the task brought along: they stay, whatever the agent says later. Absent: none. */
  readonly ofTask?: readonly ('maxCost' | 'timeout')[]
  readonly onLimit: 'finish' | 'pause' | 'fail'
  readonly onUnknownOutcome: 'ask' | 'tell'
  readonly pauseGrace: number
  readonly stepTimeout: number
  readonly memory: number
  readonly callsPerStep: number
  readonly outputChars: number
  /** Calls of tools that are under way at the same time; further ones wait. */
  readonly callsInFlight: number
  /** Entries of the journal after which the run rests, until somebody grants it as many more. */
  readonly entries: number
  /** Questions to people after which the run rests, until somebody grants it as many more. */
  readonly questions: number
  /** Approvals and questions of the code that are open at the same time; further approvals wait their turn. Absent: 20. */
  readonly openQuestions?: number
  /** What touches the outside once private data and strangers' content have come in: asks a person (absent), or not. */
  readonly lethalCombination?: 'ask' | 'allow'
  /** Tokens that the model takes in one request, as the author says. */
  readonly contextWindow?: number
  /** Bytes of one result of a tool; absent in runs of before: 32 MB. */
  readonly resultSize?: number
  /** A plan is made before the first turn of a task, and again after so many. */
  readonly planningInterval?: number
  /** How the model hands over its code; absent: as calls of a tool. */
  readonly actionFormat?: 'tool' | 'text' | 'json'
  /** Go along with each request: settings of the AI SDK, and options by provider. */
  readonly modelSettings?: object
  readonly providerOptions?: Readonly<Record<string, object>>
  readonly maxRetries?: number
  readonly maxRetryWait?: number
  readonly modelIdleTimeout?: number
  /** Of the process that drives the run: all its runs that ask the same model share it. */
  readonly rateLimit?: { readonly requestsPerMinute?: number; readonly tokensPerMinute?: number }
}

/** The kinds of steps after which an author's callbacks run. */
export type CallbackKind = 'action' | 'planning' | 'finalAnswer'

/** What a person makes of a step that memory holds; `null` takes a thing away. */
export interface StepPatch {
  /** Of a task: its text, as the model is told it. */
  readonly task?: string
  /** Of a task or an action: the images that are shown with it (encoded); `null`: none. */
  readonly images?: Stored | null
  /** Of a plan: its text. */
  readonly plan?: string
  /** Of an action: what it printed, the value that it showed, its error. */
  readonly output?: string
  readonly value?: string | null
  readonly error?: null
}

/** Which step is edited, by its kind and its number, and how. */
export interface MemoryEdit {
  readonly of: 'task' | 'planning' | 'action'
  readonly number: number
  readonly patch: StepPatch
  readonly by?: string
}

export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  /** USD; absent where no price is known. */
  readonly cost?: number
  /** How many replies the model's provider counted no tokens of: the totals are without them. Absent: none. */
  readonly uncounted?: number
}

/**
 * A decision on a call that counts for later ones of the same tool too, as it is declared now: of this run (with all
 * that belong to it), or of every run of this agent in the store; with any arguments, or only with the same.
 */
export interface Remember {
  readonly scope: 'run' | 'agent'
  readonly sameArgs?: boolean
}

export type Decision =
  | { readonly type: 'approve'; readonly remember?: Remember }
  | { readonly type: 'edit'; readonly args: unknown }
  | { readonly type: 'reject'; readonly reason?: string; readonly remember?: Remember }
  | { readonly type: 'respond'; readonly value: unknown }

/** What came of a question: `expired` where nobody answered in time. */
export type Decided = Decision | { readonly type: 'expired' }

export type QuestionKind = 'approval' | 'input' | 'unknownOutcome' | 'budget' | 'diverged'

export type PauseCause =
  /** Every open call waits; an answer or a timer is enough to go on. */
  | 'waiting'
  /** `pause()`, an abort signal, Ctrl-C, another process. */
  | 'requested'
  /** The replayed code differs from the journal; a person decides. */
  | 'diverged'
  /** It killed its process again and again; a person decides. */
  | 'poisoned'
  /** AgentPausedException without a question, from a tool, a callback, a check or the model. */
  | 'tool'
  | 'callback'
  | 'check'
  | 'model'
  /** A managed agent's run was paused. */
  | 'child'
  /** The run of the agent that called it was paused. */
  | 'parent'
  /** `onLimit: 'pause'`. */
  | 'limit'

/** What a task may use up. */
export type TaskLimit = 'maxSteps' | 'maxCost' | 'timeout'

export type OutputReason = 'finalAnswer' | 'text' | TaskLimit

export type CallOutcome =
  | { readonly ok: true; readonly value: Stored }
  | { readonly ok: false; readonly error: GuestError }

/** What a paused call keeps for the moment of its answer. */
export interface Resumption {
  /** `value`: the answer is the result. `call`: `execute` runs again with the answer. */
  readonly onAnswer: 'value' | 'call'
  readonly state?: Stored
}

interface Bodies {
  'run-started': {
    readonly agent: string
    readonly options: RunOptions
    readonly model: string
    /** The rendered system prompt, and what the run was granted. */
    readonly system: Stored
    readonly tools: readonly ToolFact[]
    readonly seed: string
    /** Digest of engine, prelude, and the host's libraries that guests ask: a replay with another is told of it. */
    readonly engine: Digest
    readonly traceparent: string
    readonly tracestate?: string
    /** W3C baggage of whoever started it: tools have it in every segment. */
    readonly baggage?: string
    readonly parent?: { readonly run: RunId; readonly call: CallId }
    /** The tools that it may call at most, by name, with all runs below it; absent: those of its agent. */
    readonly grants?: readonly string[]
    /** What had come into the run that called it. */
    readonly touched?: readonly Touch[]
  }
  'task-added': {
    readonly task: string
    readonly number: number
    readonly maxSteps: number
    readonly additionalArgs?: Stored
    /** Those of them that are too large for the guest: its code reads them in parts. */
    readonly large?: readonly string[]
    readonly images?: Stored
  }
  'segment-started': {
    readonly holder: string
    /** `wake`: it was due, and nobody asked for more than that. */
    readonly why: 'start' | 'resume' | 'wake' | 'take-over'
    readonly heap: 'fresh' | 'snapshot' | 'replay'
    /** The segment's own span, for the link of the segment after it. */
    readonly span: string
    /** Until then the driver before, whose lease ran out, may still be at work (ms since the epoch). */
    readonly quarantine?: number
  }
  'model-called': {
    readonly step: number
    readonly attempt: number
    readonly purpose: 'step' | 'plan' | 'summary' | 'answer'
    /** Why it is asked for its last word. */
    readonly limit?: TaskLimit
    /** What it may cost, in USD, where the run has a limit. */
    readonly reserved?: number
  }
  'model-replied': {
    readonly step: number
    readonly attempt: number
    /** Who said it: another model does not get its reasoning. */
    readonly model?: string
    /** The provider's parts verbatim (encoded), for the next prompt. */
    readonly parts: Stored
    readonly text: string
    /** The reply holds code: `step-started` follows in the same commit. */
    readonly acts: boolean
    /** A reply without code that is itself the answer. */
    readonly answer?: { readonly value: Stored; readonly reason: OutputReason }
    /** Why the reply could not be used; told to the model. */
    readonly mistake?: string
    /** So many messages were said since the request went out: the reply does not know them. */
    readonly unheard?: number
    readonly usage: Usage
    readonly finishReason: string
    /** Ms from the request to the reply. */
    readonly took?: number
  }
  /** The model was asked for a plan instead of a step. */
  'plan-made': {
    readonly step: number
    readonly attempt: number
    readonly model?: string
    /** The provider's parts verbatim (encoded), for the next prompt. */
    readonly parts: Stored
    readonly plan: string
    readonly usage: Usage
    readonly finishReason: string
    readonly unheard?: number
    readonly took?: number
  }
  /** The model was asked for a summary, which takes the place of older steps in its prompts. */
  'context-compacted': {
    readonly step: number
    readonly attempt: number
    readonly model?: string
    /** The last step that it covers. */
    readonly upTo: number
    readonly summary: string
    /** Characters of the prompt that is left, about. */
    readonly left: number
    readonly usage: Usage
    readonly finishReason: string
    readonly took?: number
    readonly unheard?: number
  }
  'model-failed': {
    readonly step: number
    readonly attempt: number
    readonly error: { readonly code: string; readonly message: string }
    /** When the next attempt may go out, ms since the epoch; absent: there will be none. */
    readonly retryAt?: number
  }
  'step-started': {
    readonly step: number
    readonly source: string
    /** The compiled program (JSON); absent where the source did not compile, and `step-ended` follows at once. */
    readonly program?: string
  }
  'call-requested': {
    readonly call: CallId
    readonly tool: string
    /** Digest of the bytes that the guest sent: compared on replay. */
    readonly sent: Digest
    /** The validated input, encoded; these bytes are what is approved and what the tool gets. */
    readonly input: Stored
    /** Digest of `input`; absent where it is `sent`. */
    readonly digest?: Digest
    readonly effect: Effect
    /** Whether a person must approve: known at once, or for the author's function to say. */
    readonly approval: 'never' | 'always' | 'judge'
    /** The call of a managed agent: a run of its own. */
    readonly child?: true
  }
  /**
   * What a function of the author said of a call: whether a person must approve it, or whether it had happened. `again`:
   * it is to be asked once more, since time has passed.
   */
  'verdict-given': {
    readonly call: CallId
    readonly about: 'approval' | 'probe'
    readonly said: 'required' | 'free' | 'refused' | 'again' | 'happened' | 'not' | 'unknown'
    readonly message?: string
    /** Ms that a person has, from the question on. */
    readonly expiresIn?: number
    /** The remembered decision that said it, by its question. */
    readonly rule?: QuestionId
  }
  /** A program that a person may have to approve before a line of it runs. `step-started` follows, or a refusal. */
  'code-proposed': {
    readonly step: number
    readonly source: string
    /** The compiled program (JSON). */
    readonly program: string
    /** Of `source`. */
    readonly digest: Digest
    readonly approval: 'always' | 'judge'
  }
  /** What the author's function said of it, or that it is to be asked once more. */
  'code-judged': {
    readonly step: number
    readonly said: 'required' | 'free' | 'again'
    readonly message?: string
    /** Ms that a person has, from the question on. */
    readonly expiresIn?: number
  }
  'question-asked': {
    readonly question: QuestionId
    /** What sort of question; `kind` is the entry's own. */
    readonly asks: QuestionKind
    readonly message: string
    readonly call?: CallId
    /** JSON Schema of the answer's value (JSON text). */
    readonly schema?: string
    readonly expiresAt?: number
    readonly resumption?: Resumption
    /** Who asks where no call does: the run waits for the answer. Absent in runs of before, and for an approval. */
    readonly by?: 'callback' | 'check' | 'model'
    /** The name of that callback, check or model. */
    readonly asker?: string
  }
  'question-answered': {
    readonly question: QuestionId
    readonly decision: Decided
    readonly by?: string
    /** For `edit`: the new validated input and its digest. */
    readonly edited?: { readonly input: Stored; readonly digest: Digest }
    /** For `edit` of a program: the new one. */
    readonly code?: { readonly source: string; readonly program: string; readonly digest: Digest }
  }
  /** `key`: the idempotency key, for the classes that may need it again. */
  'call-started': { readonly call: CallId; readonly attempt: number; readonly key?: string }
  /** An attempt failed, and the tool's author wants another one. Not before `retryAt`, ms since the epoch. */
  'call-failed': {
    readonly call: CallId
    readonly attempt: number
    readonly error: GuestError
    readonly retryAt: number
  }
  'call-returned': {
    readonly call: CallId
    readonly attempt: number
    readonly outcome: CallOutcome
    /** What the run of a managed agent has used: it counts for this run too. */
    readonly usage?: Usage
    /** What had come into that run. */
    readonly touched?: readonly Touch[]
  }
  'call-withdrawn': { readonly call: CallId; readonly why: 'ended' | 'stopped' | 'killed' | 'interrupted' }
  /** A result that nobody waits for any more, or that came from a driver that had lost the run: evidence, no result. */
  'call-orphaned': {
    readonly call: CallId
    readonly attempt: number
    readonly outcome: CallOutcome
    readonly why: string
    /** What the run of a managed agent had used by then: it counts for this run too. */
    readonly usage?: Usage
    /** The outcome in words, for whoever decides about the call. */
    readonly shown?: string
  }
  'sleep-started': { readonly call: CallId; readonly due: number }
  'step-ended': {
    readonly step: number
    readonly printed: string
    readonly shown?: string
    readonly error?: GuestError
    readonly answer?: Stored
    readonly open: readonly CallId[]
    /** What is new or has changed among the session's variables; of very many the first, and how many more. */
    readonly variables?: readonly ToldVariable[]
    readonly moreVariables?: number
    /** Notes that the code has pinned. */
    readonly pins?: readonly string[]
    /** The guest's memory then: all of it (which never shrinks), and what is in use. */
    readonly heap?: HeapSize
  }
  /** A person interrupts the step: its program goes on no more. `step-ended` follows, with what it had printed. */
  'step-interrupted': {
    readonly step: number
    /** What became of the calls that were open, in words for the model. */
    readonly calls: string
  }
  'step-killed': {
    readonly step: number
    readonly reason: KillReason
    readonly message: string
    /** What became of its calls, in words for the model. */
    readonly calls: string
  }
  'callbacks-ran': {
    readonly step: number
    readonly index: number
    readonly name: string
    /** What they looked at; absent: the action. */
    readonly of?: Exclude<CallbackKind, 'action'>
  }
  'output-given': { readonly value: Stored; readonly reason: OutputReason }
  'output-refused': { readonly check: string; readonly why: string }
  /** `value`: the answer as the check made it (defaults, conversions of `outputSchema`). */
  'check-passed': { readonly index: number; readonly check: string; readonly value?: Stored }
  'message-said': {
    readonly text: string
    readonly by?: string
    /** An answer that was given without knowing it does not stand. */
    readonly steers?: true
  }
  'memory-edited': MemoryEdit
  'options-changed': {
    readonly options: Partial<RunOptions>
    readonly model?: string
    /** The system prompt, where it is another one now. */
    readonly system?: Stored
  }
  'tools-changed': {
    readonly tools: readonly ToolFact[]
    readonly system: Stored
    /** Those that are declared anew, and those that are new. */
    readonly changed: readonly string[]
    /** Of these, those that are new. */
    readonly added?: readonly string[]
    /** Those that were taken away. */
    readonly removed?: readonly string[]
  }
  'run-paused': {
    readonly cause: PauseCause
    readonly message: string
    /** The call whose tool paused the run: its `await` gets `undefined` when the run goes on. */
    readonly call?: CallId
    /** A carrier that the author gave with the pause; it overrides the run's own. */
    readonly traceparent?: string
    readonly tracestate?: string
    readonly baggage?: string
  }
  'run-resumed': { readonly why: string }
  /** All before it is a copy of another run's past; what comes after it is this run's own. */
  'run-forked': {
    readonly from: { readonly run: RunId; readonly seq: number }
    /** The guest's randomness and the keys of calls are others than the parent's from here on. */
    readonly seed: string
    readonly traceparent: string
    readonly tracestate?: string
    /** What the person who forked it wanted to be different. */
    readonly edited?: 'answer' | 'result' | 'code'
  }
  'run-retried': { readonly why: string }
  'task-completed': { readonly output: Stored; readonly reason: OutputReason; readonly usage: Usage }
  'task-failed': { readonly code: string; readonly message: string }
  'run-stopped': { readonly message: string; readonly by?: string }
}

export type EntryKind = keyof Bodies
type OneFact = { readonly [K in EntryKind]: { readonly kind: K } & Bodies[K] }

/** What happened, without its place. `Fact<'call-returned'>` narrows to one kind. */
export type Fact<K extends EntryKind = EntryKind> = OneFact[K]

/** Where and when: `seq` from 1 without gaps; `at` in ms since the epoch by the store's clock; `epoch` of the lease. */
export interface Place {
  readonly seq: number
  readonly at: number
  readonly epoch: number
  readonly v: number
}

export type Entry<K extends EntryKind = EntryKind> = Place & Fact<K>

/** The entries that tell the story of a run: enough to render its messages. Indexed, so that calls are skipped. */
export const NARRATIVE: ReadonlySet<EntryKind> = new Set<EntryKind>([
  'task-added',
  'model-replied',
  'plan-made',
  'context-compacted',
  'step-started',
  'step-ended',
  'step-interrupted',
  'step-killed',
  'output-given',
  'output-refused',
  'message-said',
  'memory-edited',
  'tools-changed',
  'task-completed',
  'task-failed',
  'run-stopped',
])
