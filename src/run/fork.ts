/**
 * A fork: a new run that shares another's past up to one place, and goes on by itself from there.
 *
 * W1  The past is copied, whole entries and their blobs, in one commit: a fork is there or it is not, and nothing of
 *     the parent's has to be kept for it. The parent is only read.
 * W2  A place is the end of a turn of the driver: what was recorded together is shared together.
 */
import { answerFacts } from '../agent/question-facts.ts'
import type { Definition } from '../agent/definition.ts'
import type { CheckedAnswer, Desk } from '../agent/desk.ts'
import { forkedId, forkFacts, restFacts, type ForkBegun } from '../agent/fork-facts.ts'
import { encode } from '../base/codec.ts'
import { UsageError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { checkRunId, digestOf, newRunId, randomText } from '../base/id.ts'
import { placed, rowOf } from '../journal/decode.ts'
import { ENTRY_VERSION, type Decision, type Entry, type Fact, type RunId } from '../journal/entry.ts'
import type { Seal } from '../journal/cipher.ts'
import { GENESIS } from '../journal/envelope.ts'
import type { KeyWrap } from '../journal/keys.ts'
import type { OpenQuestion, State } from '../journal/shape.ts'
import { fold } from '../journal/state.ts'
import type { BlobRow, Store } from '../journal/store.ts'
import { isOneWith } from '../journal/together.ts'
import { viewOf } from '../journal/view.ts'
import { compile } from '../sandbox/compile.ts'
import { startTrace, type TraceCarrier } from '../telemetry/trace.ts'
import { again } from './again.ts'
import { blobNamed, blobOf, readBlob } from './blob.ts'
import { programOf } from './program.ts'
import { questionRow, schemasOf } from './question-row.ts'
import { readJournal } from './recover.ts'
import { newSeal, sealOf } from './seal.ts'
import { checkAnswer, checkDecision } from './signal.ts'

/** What is to be different in the fork: one of them. */
export type ForkEdit =
  /** Another decision on a question of the parent's, open or answered. The fork begins where it was open. */
  | { readonly answer: { readonly question: string; readonly decision: Decision } }
  /** Another result of a call of the parent's. The fork begins where it had none. */
  | { readonly result: { readonly call: string; readonly value: unknown } }
  /** Another program for `step`. The fork begins where the model was asked for it. */
  | { readonly code: string }

export interface ForkOptions {
  /** The last step to share. Default: all that happened (but for a stop). */
  readonly step?: number
  /** The last entry to share, in place of a step. */
  readonly entry?: number
  readonly edit?: ForkEdit
  /** The fork's id. Default: a new one. */
  readonly runId?: string
}

/**
 * Makes the fork; resolves with its id when it is durable. It rests until somebody resumes it. `seed`: of its randomness
 * and its keys, for tests that repeat a run.
 * @throws {UsageError} the run has no such place, call or question, the edit does not fit, or the id is taken.
 * @throws {StateNotFoundError} @throws {StateCorruptError}
 */
export async function forkRun(
  store: Store,
  runId: RunId,
  given: ForkOptions & { readonly seed?: string },
  definition?: Definition,
): Promise<RunId> {
  const forkId = given.runId === undefined ? newRunId(store.now()) : checkRunId(given.runId)
  const entries = await readJournal(store, runId)
  const past = entries.slice(0, wholeCut(entries, cutOf(entries, given)))
  // Not before what is shared, also where that was written a moment ago, or under another clock.
  const now = Math.max(store.now(), past.at(-1)?.at ?? 0)
  const made = await newSeal(store, forkId)
  if (made.wrap === undefined && (await sealOf(store, runId)).cipher !== undefined)
    throw new UsageError(`Run ${runId} is sealed, and there is no state key to seal its fork with.`)
  const copy = new Copy(store, runId, made, now)
  await copy.take(past)
  const { agent: name, traceparent } = copy.state.run
  const begun: ForkBegun = {
    from: { run: runId, seq: past.length },
    seed: given.seed ?? randomText(26),
    ...carrierOf(startTrace({ name, runId: forkId, forkedFrom: { traceparent } })),
    ...(given.edit === undefined ? {} : { edited: editOf(given.edit) }),
  }
  const { edit } = given
  const settled = edit !== undefined && 'result' in edit ? edit.result.call : undefined
  copy.add(forkFacts(copy.state, past, begun, now, settled))
  if (edit !== undefined)
    copy.add(await editFacts(copy, entries, given, { edit, definition, forkedAt: begun.from.seq + 1 }))
  copy.add(restFacts(copy.state, begun.from))
  if (!(await copy.create(definition)))
    throw new UsageError(`A run ${forkId} exists already.`, { hint: 'Choose another id for the fork.' })
  return forkId
}

/** The caller's baggage is not the run's. */
function carrierOf({ traceparent, tracestate }: TraceCarrier): Pick<ForkBegun, 'traceparent' | 'tracestate'> {
  return { traceparent, ...(tracestate === undefined ? {} : { tracestate }) }
}

/** How many entries are shared. */
function cutOf(entries: readonly Entry[], { step, entry, edit }: ForkOptions): number {
  if (step !== undefined && entry !== undefined) throw new UsageError('Give a step or an entry, not both.')
  if (edit !== undefined && Object.keys(edit).length !== 1)
    throw new UsageError('A fork takes one edit: an answer, a result, or code.')
  if (edit !== undefined && 'code' in edit) {
    const acted = entries.findIndex((one) => one.kind === 'step-started' && one.step === step)
    if (acted < 0) throw new UsageError(noStep(entries, step))
    return entries.findLastIndex((one, index) => index < acted && one.kind === 'model-replied')
  }
  if (edit !== undefined && (step !== undefined || entry !== undefined))
    throw new UsageError('An edit of an answer or a result says itself where the fork begins.')
  if (edit !== undefined && 'answer' in edit) return beforeAnswer(entries, edit.answer.question)
  if (edit !== undefined) return beforeResult(entries, edit.result.call)
  if (entry !== undefined) {
    if (Number.isSafeInteger(entry) && entry >= 1 && entry <= entries.length) return entry
    throw new UsageError(`The run has entries 1 to ${entries.length}; there is no entry ${entry}.`)
  }
  if (step !== undefined) return afterStep(entries, step)
  const stopped = entries.findIndex((one) => one.kind === 'run-stopped')
  return stopped < 0 ? entries.length : stopped
}

/** W2. A run begins with its first task. */
function wholeCut(entries: readonly Entry[], cut: number): number {
  for (let end = cut; ; end++) {
    const [before, next] = [entries[end - 1], entries[end]]
    const isWhole = before === undefined || next === undefined || !isOneWith(next, before)
    if (isWhole && entries.slice(0, end).some((entry) => entry.kind === 'task-added')) return end
    if (next === undefined) return end
  }
}

function afterStep(entries: readonly Entry[], step: number): number {
  const ended = entries.findIndex(
    (one) => (one.kind === 'step-ended' || one.kind === 'step-killed') && one.step === step,
  )
  if (ended < 0) throw new UsageError(noStep(entries, step))
  const called = entries.findLastIndex(
    (one) => one.kind === 'callbacks-ran' && one.step === step && one.of === undefined,
  )
  return Math.max(ended, called) + 1
}

function noStep(entries: readonly Entry[], step: number | undefined): string {
  const last = entries.findLast((one) => one.kind === 'step-started')
  const has = last?.kind === 'step-started' ? `steps 1 to ${last.step}` : 'no steps'
  return step === undefined
    ? 'Say with `step` which step the code is for.'
    : `The run has ${has}; there is no finished step ${step}.`
}

function beforeAnswer(entries: readonly Entry[], question: string): number {
  if (!entries.some((one) => one.kind === 'question-asked' && one.question === question))
    throw new UsageError(`The run never asked the question ${question}.`)
  const answered = entries.findIndex((one) => one.kind === 'question-answered' && one.question === question)
  return answered < 0 ? entries.length : answered
}

function beforeResult(entries: readonly Entry[], call: string): number {
  if (!entries.some((one) => one.kind === 'call-requested' && one.call === call))
    throw new UsageError(`The run never made the call ${call}.`)
  const returned = entries.findIndex((one) => one.kind === 'call-returned' && one.call === call)
  // What a person said of it goes with its result.
  const cut = returned < 0 ? entries.length : returned
  const before = entries[cut - 1]
  return before?.kind === 'question-answered' ? cut - 1 : cut
}

function editOf(edit: ForkEdit): 'answer' | 'result' | 'code' {
  return 'answer' in edit ? 'answer' : 'result' in edit ? 'result' : 'code'
}

async function editFacts(
  copy: Copy,
  entries: readonly Entry[],
  given: ForkOptions,
  {
    edit,
    definition,
    forkedAt,
  }: { readonly edit: ForkEdit; readonly definition: Definition | undefined; readonly forkedAt: number },
): Promise<readonly Fact[]> {
  if ('code' in edit) return codeFacts(copy, given.step ?? 0, edit.code)
  if ('result' in edit) return resultFacts(copy, edit.result.call, edit.result.value)
  const { question: id, decision } = edit.answer
  const asked = entries.find((one) => one.kind === 'question-asked' && one.question === id)
  const call = asked?.kind === 'question-asked' ? asked.call : undefined
  const forked = forkedId(copy.state, forkedAt, call, id)
  const question = Object.values(copy.state.questions).find((one) =>
    call === undefined ? one.id === forked || one.kind === 'approval' : one.call === call,
  )
  if (question === undefined) throw new UsageError(`The question ${id} cannot be answered in a fork.`)
  await checkDecision(await copy.row(question, definition), decision)
  const tool = definition?.tools.get(copy.state.calls[call ?? '']?.tool ?? '')
  const checked = tool === undefined ? undefined : await checkAnswer(tool, decision)
  return answerFacts(copy.state, question, decision, 'fork', copy.desk(checked))
}

function resultFacts(copy: Copy, id: string, value: unknown): readonly Fact[] {
  const call = copy.state.calls[id]
  const desk = copy.desk()
  if (call === undefined) throw new UsageError(`The call ${id} is not open where the fork begins.`)
  const question = call.at.is === 'asking' ? call.at.question : undefined
  return [
    ...(question === undefined
      ? []
      : [
          {
            kind: 'question-answered' as const,
            question,
            decision: { type: 'respond' as const, value },
            by: 'fork',
          },
        ]),
    {
      kind: 'call-returned',
      call: id,
      attempt: call.attempt,
      outcome: { ok: true, value: desk.stow(desk.encode(value)) },
    },
  ]
}

async function codeFacts(copy: Copy, step: number, source: string): Promise<readonly Fact[]> {
  const compiled = compile(step, source)
  if (!compiled.ok) throw new UsageError(`The code does not compile: ${compiled.error.message}`)
  const desk = copy.desk()
  const text = `A person put this program in the place of the one before:\n\`\`\`ts\n${source}\n\`\`\``
  return [
    {
      kind: 'model-replied',
      step,
      attempt: copy.state.phase.at === 'thinking' ? copy.state.phase.attempt : 1,
      parts: desk.stow(encode([{ type: 'text', text }])),
      text,
      acts: true,
      usage: { inputTokens: 0, outputTokens: 0 },
      finishReason: 'edited',
    },
    {
      kind: 'step-started',
      step,
      source,
      program: programOf(copy.state, compiled.program),
    },
  ]
}

/** The fork as it grows: the copied past, its blobs, and the facts of its own. */
class Copy {
  readonly #store: Store
  readonly #parent: RunId
  readonly #runId: RunId
  readonly #seal: Seal
  readonly #wrap: KeyWrap | undefined
  readonly #now: number
  readonly #rows: ReturnType<typeof rowOf>[] = []
  readonly #blobs = new Map<string, BlobRow>()
  readonly #texts = new Map<string, string>()
  #state: State | undefined

  constructor(store: Store, parent: RunId, { seal, wrap }: Awaited<ReturnType<typeof newSeal>>, now: number) {
    this.#store = store
    this.#parent = parent
    this.#runId = seal.runId
    this.#seal = seal
    this.#wrap = wrap
    this.#now = now
  }

  get state(): State {
    if (this.#state === undefined) throw new TypeError('A fork begins with a past')
    return this.#state
  }

  async take(past: readonly Entry[]): Promise<void> {
    for (const entry of past) this.#put({ ...entry, epoch: 0 })
    for (const digest of blobsIn(past)) {
      // A person's own words may look like the name of a blob.
      if ((await this.#store.blob(this.#parent, digest)) === undefined) continue
      const text = await readBlob(this.#store, this.#parent, digest)
      this.#texts.set(digest, text)
      this.#blobs.set(digest, blobNamed(this.#seal, digest, Buffer.from(text)))
    }
  }

  add(facts: readonly Fact[]): void {
    for (const fact of facts) this.#put(placed(fact, this.state.seq + 1, this.#now, 0))
  }

  desk(checked?: CheckedAnswer): Desk {
    return {
      now: this.#now,
      stow: (text) => this.#stow(text),
      encode,
      digest: digestOf,
      ...(checked === undefined ? {} : { checked: () => checked }),
    }
  }

  async text(stored: Parameters<Desk['stow']>[0] | { readonly blob: string }): Promise<string> {
    if (typeof stored === 'string') return stored
    return this.#texts.get(stored.blob) ?? readBlob(this.#store, this.#parent, stored.blob)
  }

  async row(
    question: OpenQuestion,
    definition: Definition | undefined,
  ): Promise<ReturnType<typeof questionRow>> {
    const call = this.state.calls[question.call ?? '']
    const input = call === undefined ? '' : await this.text(call.input)
    return questionRow(this.state, question, () => input, schemasOf(definition))
  }

  /** False if there is another run of that id. */
  async create(definition: Definition | undefined): Promise<boolean> {
    const { state } = this
    const asked = await Promise.all(
      Object.values(state.questions).map(async (question) => this.row(question, definition)),
    )
    const run = {
      runId: this.#runId,
      rootRunId: this.#runId,
      agent: state.run.agent,
      definitionDigest: digestOf(JSON.stringify(state.run.tools)),
      minReader: ENTRY_VERSION,
      view: viewOf(state),
      ...(this.#wrap === undefined ? {} : { wrap: this.#wrap }),
    }
    const blobs = [...this.#blobs.values()]
    faultPoint('fork-unwritten')
    const created = await again(async () => this.#store.create(run, this.#rows, blobs, asked))
    faultPoint('fork-written')
    if (created === 'created') return true
    // After a lost reply it may be this very one.
    const last = this.#rows.at(-1)
    const [stored] = await this.#store.read(this.#runId, state.seq - 1, 1)
    return last !== undefined && stored !== undefined && Buffer.compare(stored.chain, last.chain) === 0
  }

  #put(entry: Entry): void {
    this.#rows.push(rowOf(this.#seal, entry, this.#rows.at(-1)?.chain ?? GENESIS))
    this.#state = fold(this.#state, entry, this.#runId)
  }

  #stow(text: string): ReturnType<Desk['stow']> {
    const blob = blobOf(this.#seal, text)
    if (blob === undefined) return text
    this.#blobs.set(blob.row.digest, blob.row)
    this.#texts.set(blob.row.digest, text)
    return blob.stored
  }
}

/** The digests of all blobs that the entries name. */
function blobsIn(entries: readonly Entry[]): ReadonlySet<string> {
  const found = JSON.stringify(entries).matchAll(/"blob":"([0-9a-f]{64})"/g)
  return new Set(Array.from(found, ([, digest = '']) => digest))
}
