/** What driving a run takes, and what it leaves behind. */
import type { Clock } from '../base/clock.ts'
import type { Definition } from '../agent/definition.ts'
import type { Entry, Fact, RunId } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import type { Store } from '../journal/store.ts'
import type { CallId } from '../base/halt.ts'
import type { Secrets } from '../tool/secret.ts'
import type { Guests } from '../sandbox/guests.ts'
import type { KeptLease, TakenLease } from './lease.ts'
import type { FamilyPurse } from './purse.ts'
import type { Recovered } from './recover.ts'

/** What the model has said since the last one. */
export interface Delta {
  readonly kind: 'text' | 'reasoning' | 'code'
  readonly text: string
}

/** For people who watch: not facts, except `committed`. */
export interface Live {
  committed(entry: Entry): void
  delta(delta: Delta): void
  printed(text: string): void
  logged(call: string, line: string): void
  progressed(call: string, value: unknown): void
  /** Of a run below this one, whose last fact so far is `seq`. */
  below(run: RunId, agent: string, seq: number): Live
}

/** The same, without the values of secrets. What is committed has none. */
export function withoutSecrets(live: Live, secrets: Secrets): Live {
  if (secrets.isEmpty) return live
  return {
    ...live,
    printed: (text) => live.printed(secrets.clean(text)),
    logged: (call, line) => live.logged(call, secrets.clean(line)),
  }
}

/** What one request to the model brings, as it comes and without the values of secrets. `end`: nothing more comes. */
export function deltasOf(live: Live, secrets: Secrets): { hear: Live['delta']; end(): void } {
  if (secrets.isEmpty) return { hear: (delta) => live.delta(delta), end: () => undefined }
  const pieces = secrets.pieces()
  let kind: Delta['kind'] = 'text'
  const tell = (text: string): void => {
    if (text !== '') live.delta({ kind, text })
  }
  return {
    hear: (delta) => {
      if (delta.kind !== kind) tell(pieces.end())
      kind = delta.kind
      tell(pieces.hear(delta.text))
    },
    end: () => tell(pieces.end()),
  }
}

export interface Drive {
  readonly store: Store
  readonly lease: TakenLease
  readonly recovered: Recovered
  readonly definition: Definition
  readonly clock: Clock
  /** Where the guest comes from. Default: a thread of its own. */
  readonly guests?: Guests
  /** Why this segment begins; `resume` lets a paused run go on. */
  readonly why: 'start' | 'resume' | 'wake' | 'take-over'
  /** The store's time when this segment was asked for, before the lease was taken. */
  readonly askedAt: number
  /** Facts that come before all else: changed options, tools, a new task. */
  readonly first: readonly Fact[]
  /** An OpenTelemetry Context or carrier that this segment goes on under, in place of the stored one. */
  readonly otelContext?: unknown
  /** The OpenTelemetry Context of whoever asked for this segment. */
  readonly caller?: unknown
  /** Fires: the run pauses at the next safe point. */
  readonly abortSignal?: AbortSignal
  /** Stay in the process through timers, however far. */
  readonly wait?: boolean
  /** Present for a run that is driven below its parent, under its parent's lease. */
  readonly parent?: Parent
  readonly live: Live
}

export interface Parent {
  /** The family's lease: kept and given back by the root's driver. */
  readonly kept: KeptLease
  /** What the family may still spend, and the call whose agent this run is. */
  readonly purse: FamilyPurse
  readonly call: CallId
  /** How many runs are above this one. */
  readonly depth: number
  /** A person resumed the family: pauses from before that are lifted. */
  readonly isResumed: boolean
  /** Fires: the run is stopped. */
  readonly stop: AbortSignal
  /** Fires: it is let go of where it stands, as if its process had died. */
  readonly cut: AbortSignal
}

/** How a segment ended. */
export interface Rest {
  readonly state: State
  readonly resumedFrom?: 'snapshot' | 'replay'
  readonly inFlight: readonly { readonly call: string; readonly tool: string }[]
}

/** A driver that was let go of says nothing more. */
export class Cut extends Error {
  constructor() {
    super('The driver above has come to its end.')
    this.name = 'Cut'
  }
}
