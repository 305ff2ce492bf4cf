/**
 * The audit of a run: for every call, and every program and every answer that a person was to approve, what was proposed,
 * what was decided and by whom, when it was sent, and what came of it. Read from the journal alone.
 */
import { isWithin } from '../agent/lineage.ts'
import { decode } from '../base/codec.ts'
import { digestOf } from '../base/id.ts'
import { StateNotFoundError } from '../base/errors.ts'
import type { Decision, Effect, Entry, QuestionId, QuestionKind, RunId, Stored } from '../journal/entry.ts'
import type { Store } from '../journal/store.ts'
import { stepOf } from '../journal/view.ts'
import { RUN_CODE } from '../base/run-code.ts'
import { readBlob } from './blob.ts'
import { familyOf } from './family.ts'
import { readJournal } from './recover.ts'

/** A question about the call, and what became of it. */
export interface AuditedQuestion {
  readonly question: QuestionId
  readonly kind: QuestionKind
  readonly askedAt: Date
  readonly decision?: Decision['type'] | 'expired'
  readonly decidedAt?: Date
  readonly by?: string
  readonly reason?: string
  /** What was answered, where the decision is `respond`. */
  readonly answer?: unknown
}

export interface AuditedCall {
  readonly runId: RunId
  /** Absent for a program (`tool` is `run_code`), and for an answer of the task (`finalAnswer`). */
  readonly call?: string
  readonly step: number
  readonly tool: string
  readonly effect: Effect
  readonly args: unknown
  /** Of the arguments that it was sent with, or is to be. */
  readonly digest: string
  readonly proposedAt: Date
  /** What the policy said, and the remembered decision that spoke for a person. */
  readonly policy: readonly { readonly said: string; readonly at: Date; readonly decision?: QuestionId }[]
  readonly questions: readonly AuditedQuestion[]
  /** Each attempt. `key`: its idempotency key, where it has one. */
  readonly sent: readonly { readonly attempt: number; readonly at: Date; readonly key?: string }[]
  readonly outcome?: {
    readonly is: 'returned' | 'threw' | 'withdrawn' | 'started' | 'refused'
    readonly at: Date
    readonly error?: string
  }
}

interface Draft {
  readonly base: Omit<AuditedCall, 'args' | 'digest' | 'policy' | 'questions' | 'sent' | 'outcome'>
  input: Stored | { readonly code: string }
  digest: string
  readonly policy: AuditedCall['policy'][number][]
  readonly questions: AuditedQuestion[]
  readonly sent: AuditedCall['sent'][number][]
  outcome?: AuditedCall['outcome']
}

/** In the order in which they were proposed, those of the runs below it too. @throws {StateNotFoundError} no such run. */
export async function auditRun(store: Store, runId: RunId): Promise<readonly AuditedCall[]> {
  const row = await store.run(runId)
  if (row === undefined) throw new StateNotFoundError(`There is no run ${runId}.`)
  const family = (await familyOf(store, row.rootRunId, 'all')).map((one) => one.runId)
  const below = family.filter((id) => id !== runId && isWithin(id, runId))
  const audited: AuditedCall[] = []
  for (const id of [runId, ...below]) {
    for (const draft of draftsOf(id, await readJournal(store, id))) audited.push(await finished(store, draft))
  }
  return audited.toSorted((one, other) => one.proposedAt.getTime() - other.proposedAt.getTime())
}

async function finished(store: Store, draft: Draft): Promise<AuditedCall> {
  const { base, input, digest, policy, questions, sent, outcome } = draft
  const args = await argsOf(store, base.runId, input)
  return { ...base, args, digest, policy, questions, sent, ...(outcome === undefined ? {} : { outcome }) }
}

async function argsOf(store: Store, runId: RunId, input: Draft['input']): Promise<unknown> {
  if (typeof input === 'string') return decode(input)
  return 'code' in input ? input : decode(await readBlob(store, runId, input.blob))
}

function draftsOf(runId: RunId, entries: readonly Entry[]): readonly Draft[] {
  const drafts: Draft[] = []
  const calls = new Map<string, Draft>()
  const asked = new Map<QuestionId, Draft>()
  let program: Draft | undefined
  const answers = new Answers(runId)
  for (const entry of entries) {
    const at = new Date(entry.at)
    const answer = answers.hear(entry, at)
    if (answer !== undefined && !drafts.includes(answer)) drafts.push(answer)
    if (entry.kind === 'call-requested' && !entry.tool.startsWith('$')) {
      const { call, tool, effect, input, sent, digest = sent } = entry
      const base = { runId, call, step: stepOf(call), tool, effect, proposedAt: at }
      const draft: Draft = { base, input, digest, policy: [], questions: [], sent: [] }
      calls.set(call, draft)
      drafts.push(draft)
      continue
    }
    if (entry.kind === 'code-proposed') {
      const { step, source, digest } = entry
      const base = { runId, step, tool: RUN_CODE, effect: 'read' as const, proposedAt: at }
      program = { base, input: { code: source }, digest, policy: [], questions: [], sent: [] }
      drafts.push(program)
      continue
    }
    if (entry.kind === 'question-asked') {
      const draft =
        answer ??
        (entry.call === undefined ? (entry.asks === 'approval' ? program : undefined) : calls.get(entry.call))
      if (draft === undefined) continue
      draft.questions.push({ question: entry.question, kind: entry.asks, askedAt: at })
      asked.set(entry.question, draft)
      continue
    }
    if (entry.kind === 'question-answered') {
      decided(asked.get(entry.question), entry)
      continue
    }
    const draft =
      'call' in entry && entry.call !== undefined
        ? calls.get(entry.call)
        : entry.kind === 'code-judged' || entry.kind === 'step-started'
          ? program
          : undefined
    if (draft !== undefined) went(draft, entry)
    if (entry.kind === 'step-started') program = undefined
  }
  return drafts
}

/** Answers of the task that a check has put before a person. */
class Answers {
  readonly #runId: RunId
  #given: { readonly step: number; readonly value: Stored; readonly at: Date } | undefined
  #draft: Draft | undefined

  constructor(runId: RunId) {
    this.#runId = runId
  }

  /** The answer that the entry is about, if a person was asked about it. */
  hear(entry: Entry, at: Date): Draft | undefined {
    switch (entry.kind) {
      case 'model-replied':
        this.#give(entry.step, entry.answer?.value, at)
        return undefined
      case 'step-ended':
        this.#give(entry.step, entry.answer, at)
        return undefined
      case 'check-passed':
        // As the check made it.
        if (this.#given !== undefined && entry.value !== undefined)
          this.#given = { ...this.#given, value: entry.value }
        return undefined
      case 'question-asked':
        return entry.by === 'check' ? (this.#draft ??= this.#begun()) : undefined
      case 'output-refused':
        return this.#ended('refused', at)
      case 'output-given':
        return this.#ended('returned', at)
      default:
        return undefined
    }
  }

  #give(step: number, value: Stored | undefined, at: Date): void {
    this.#given = value === undefined ? undefined : { step, value, at }
    this.#draft = undefined
  }

  #begun(): Draft | undefined {
    if (this.#given === undefined) return undefined
    const { step, value, at: proposedAt } = this.#given
    const base = { runId: this.#runId, step, tool: 'finalAnswer', effect: 'read' as const, proposedAt }
    const digest = typeof value === 'string' ? digestOf(value) : value.blob
    return { base, input: value, digest, policy: [], questions: [], sent: [] }
  }

  #ended(is: 'refused' | 'returned', at: Date): Draft | undefined {
    const draft = this.#draft
    this.#draft = undefined
    if (draft !== undefined) draft.outcome = { is, at }
    return draft
  }
}

function decided(draft: Draft | undefined, entry: Entry<'question-answered'>): void {
  const place = draft?.questions.findIndex(({ question }) => question === entry.question) ?? -1
  const question = draft?.questions[place]
  if (draft === undefined || question === undefined) return
  const { decision, by, edited, code } = entry
  const reason = decision.type === 'reject' ? decision.reason : undefined
  draft.questions[place] = {
    ...question,
    decision: decision.type,
    decidedAt: new Date(entry.at),
    ...(by === undefined ? {} : { by }),
    ...(reason === undefined ? {} : { reason }),
    ...(decision.type === 'respond' ? { answer: decision.value } : {}),
  }
  if (edited !== undefined) [draft.input, draft.digest] = [edited.input, edited.digest]
  if (code !== undefined) [draft.input, draft.digest] = [{ code: code.source }, code.digest]
}

function went(draft: Draft, entry: Entry): void {
  const at = new Date(entry.at)
  switch (entry.kind) {
    case 'verdict-given':
      if (entry.about === 'approval')
        draft.policy.push({
          said: entry.said,
          at,
          ...(entry.rule === undefined ? {} : { decision: entry.rule }),
        })
      return
    case 'code-judged':
      draft.policy.push({ said: entry.said, at })
      return
    case 'step-started':
      draft.outcome = { is: entry.program === undefined ? 'refused' : 'started', at }
      return
    case 'call-started': {
      const { attempt, key } = entry
      draft.sent.push({ attempt, at, ...(key === undefined ? {} : { key }) })
      return
    }
    case 'call-returned':
      draft.outcome = entry.outcome.ok
        ? { is: 'returned', at }
        : { is: 'threw', at, error: `${entry.outcome.error.name}: ${entry.outcome.error.message}` }
      return
    case 'call-withdrawn':
      draft.outcome = { is: 'withdrawn', at }
      return
    default:
  }
}
