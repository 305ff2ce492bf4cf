/**
 * The shape of the state: what decides what happens next, and nothing of what is over.
 *
 * Every alternative is a union that the compiler checks; all of it is plain JSON, since a checkpoint is this object.
 */
import type { CallId } from '../base/halt.ts'
import type {
  Decided,
  Effect,
  Fact,
  OutputReason,
  PauseCause,
  QuestionId,
  QuestionKind,
  Resumption,
  RunId,
  Stored,
  TaskLimit,
  Touch,
  Usage,
} from './entry.ts'

/** The version of the state's shape, as a checkpoint keeps it. */
export const STATE_VERSION = 1

export type CallPlace =
  /** The author's function is asked whether a person must approve. */
  | { readonly is: 'judging' }
  /** A person must approve, and is asked when fewer questions are open. */
  | { readonly is: 'unasked'; readonly message?: string; readonly expiresIn?: number }
  /** It waits for a person. */
  | { readonly is: 'asking'; readonly question: QuestionId }
  /** It may be dispatched. */
  | { readonly is: 'ready' }
  /** Dispatched; its result is awaited. */
  | { readonly is: 'started' }
  /** Dispatched by a driver that is gone, and it must not be sent again without a word. Until `until` it may yet send. */
  | { readonly is: 'lost'; readonly probed: boolean; readonly until?: number }
  | { readonly is: 'sleeping'; readonly due: number }
  /** An attempt failed; the next one is dispatched at `due`. */
  | { readonly is: 'retrying'; readonly due: number }
  /** Its tool paused the run: it returns `undefined` when the run goes on. */
  | { readonly is: 'parked' }

export interface OpenCall {
  readonly id: CallId
  readonly tool: string
  readonly sent: string
  readonly input: Stored
  readonly digest: string
  readonly effect: Effect
  /** Dispatches so far. */
  readonly attempt: number
  readonly at: CallPlace
  /** The call of a managed agent: a run of its own. */
  readonly child?: true
  /** A person has approved it. The author's policy may yet refuse. */
  readonly approved?: true
  /** What came of it in a process that had lost the run, in words. */
  readonly late?: string
  /** A person's answers, in the order of asking, for a tool that is called again with them. */
  readonly answered?: { readonly values: readonly unknown[]; readonly state?: Stored }
}

export interface OpenQuestion {
  readonly id: QuestionId
  readonly kind: QuestionKind
  readonly message: string
  readonly createdAt: number
  readonly call?: CallId
  readonly schema?: string
  readonly expiresAt?: number
  readonly resumption?: Resumption
  /** Who asked, where no call did, and its name. */
  readonly by?: Fact<'question-asked'>['by']
  readonly asker?: string
}

export interface Answer {
  readonly value: Stored
  readonly reason: OutputReason
}

/** What a person decided for a check, by the check's place among the checks and its name. */
export interface Signed {
  readonly index: number
  readonly check: string
  readonly decision: Decided
}

export type Phase =
  /** The model is to be asked, or is being asked (`called`). */
  | {
      readonly at: 'thinking'
      readonly step: number
      readonly attempt: number
      readonly purpose: 'step' | 'plan' | 'summary' | 'answer'
      readonly called: boolean
      /** When it was asked, ms since the epoch. */
      readonly since?: number
      /** Attempts in which the model paused, with a question or without: no failures. */
      readonly asked?: number
      /** Why it is asked for its last word. */
      readonly limit?: TaskLimit
      /** What the request may cost, in USD, where the run has a limit. */
      readonly reserved?: number
      /** Not before this time, ms since the epoch: the attempt before failed. */
      readonly retryAt?: number
    }
  /** A program waits for approval: of the author's function, of its turn to be asked about, of a person's word. */
  | {
      readonly at: 'approving'
      readonly step: number
      readonly source: string
      readonly program: string
      readonly digest: string
      /** A person has approved it. The author's policy may yet refuse. */
      readonly approved?: true
      readonly place:
        | { readonly is: 'judging' }
        | { readonly is: 'unasked'; readonly message?: string; readonly expiresIn?: number }
        | { readonly is: 'asking'; readonly question: QuestionId }
        | { readonly is: 'approved' }
    }
  /** A step's program runs. `since`: the seq of its `step-started`. */
  | {
      readonly at: 'acting'
      readonly step: number
      readonly since: number
      /** False where the source did not compile: nothing ran. */
      readonly compiled: boolean
      /** Calls of earlier steps whose results were delivered since the step began. */
      readonly late: readonly CallId[]
      /** What the guest forgot at its start: again, if the step is undone. */
      readonly forgot: readonly CallId[]
      /** A person has interrupted it: it is about to end, and nothing is sent for it any more. */
      readonly interrupted?: true
    }
  /** A turn is over: callbacks run one by one, then the checks of its answer if it gave one. */
  | {
      readonly at: 'reviewing'
      readonly step: number
      readonly callbacksRan: number
      readonly checksPassed: number
      /** It was a plan that was made, not an action. */
      readonly of?: 'planning'
      readonly answer?: Answer
      /** What came of the questions of its checks, oldest first. */
      readonly decisions?: readonly Signed[]
    }
  /** The output stands; calls that were started may still come home. */
  | { readonly at: 'closing'; readonly output: Answer; readonly callbacksRan?: number }
  | { readonly at: 'ended' }

export type Ended =
  | { readonly status: 'completed'; readonly output: Stored; readonly reason: OutputReason }
  | { readonly status: 'failed'; readonly code: string; readonly message: string; readonly phase: Phase }
  | { readonly status: 'stopped'; readonly message: string }

export interface TaskState {
  readonly number: number
  readonly text: string
  readonly maxSteps: number
  /** Turns of the model since the task began (or since a person granted another round). */
  readonly turns: number
  /** Replies in a row, up to the last one, that could not be used; absent: none. */
  readonly mistakes?: number
  /** How long the task has been driven, up to the last entry (ms): what counts against its timeout. */
  readonly driven: number
  readonly additionalArgs?: Stored
  /** The turns that there were when the last plan was made. */
  readonly plannedAt?: number
  /** The output of the task before, for the code. */
  readonly lastOutput?: Stored
  /** The arguments (and the last output) are variables of the guest: a step that was given them has ended. */
  readonly argsGiven: boolean
}

export interface Pause {
  readonly cause: PauseCause
  readonly message: string
}

export interface State {
  readonly seq: number
  /** `at` of the last entry. */
  readonly at: number
  /** `epoch` of the last entry. */
  readonly epoch: number
  readonly runId: RunId
  readonly run: Fact<'run-started'>
  /** Of a fork: the seed that its guest began with. Absent: that of `run`. */
  readonly firstSeed?: string
  readonly createdAt: number
  /** The seq at which somebody last granted the run more than its limits, and the questions that it has asked since. */
  readonly grantedAt: number
  readonly asked: number
  readonly task: TaskState
  readonly phase: Phase
  readonly ended?: Ended
  readonly pause?: Pause
  readonly stepCount: number
  readonly segments: number
  /** The span of the newest segment. */
  readonly span?: string
  /** When it began, ms since the epoch. */
  readonly spanAt?: number
  readonly calls: Readonly<Record<CallId, OpenCall>>
  readonly questions: Readonly<Record<QuestionId, OpenQuestion>>
  /** What has come into the run through its calls; absent: nothing yet. */
  readonly touched?: readonly Touch[]
  /** Results that wait for the next step's start. */
  readonly held: readonly CallId[]
  /** Calls that the guest must forget at the next step's start: nobody will settle them. */
  readonly forgotten: readonly CallId[]
  /** How many narrative entries there are: a story with a hole is noticed. */
  readonly told: number
  /** Calls that were withdrawn while in flight: a late result of theirs is kept as evidence. */
  readonly strays: readonly {
    readonly call: CallId
    readonly tool: string
    readonly attempt: number
    /** A person interrupted its step: it is to end. */
    readonly cut?: true
  }[]
  /** Older steps: the last that a summary covers, and where none could be had the step up to which nobody asks again. */
  readonly summarised?: { readonly upTo?: number; readonly triedAt?: number }
  /** So many messages were said since the model was last asked. */
  readonly unheard?: number
  /** One of them was said to steer the run: an answer that was given without knowing it does not stand. */
  readonly steered?: true
  /** The newest settled calls of the open step, for the word to the model when the step is killed. */
  readonly settled: {
    readonly count: number
    readonly recent: readonly { readonly call: CallId; readonly tool: string; readonly ok: boolean }[]
  }
  readonly usage: Usage
  /** What `maxCost` asks beside the usage. USD. */
  readonly money: {
    /** Reserved by requests whose reply was lost: they may have been billed. */
    readonly lost: number
    /** What had been spent when somebody last granted as much again. */
    readonly granted: number
    /** The dearest reply so far. */
    readonly dearest: number
    /** Nobody said what the last reply cost. */
    readonly isUnknown: boolean
  }
  /** How long the next request is: tokens of the last one with its reply, and characters since. */
  readonly prompt: { readonly tokens: number; readonly chars: number }
}
