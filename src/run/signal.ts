/**
 * Signals: what reaches a run from outside. Their commit in the inbox is the acknowledgement; the driver turns them
 * into entries.
 */
import { encode } from '../base/codec.ts'
import { AlreadyAnsweredError, RunBusyError, StateNotFoundError, UsageError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { digestOf, randomText } from '../base/id.ts'
import { parseJson } from '../base/json.ts'
import { isDeepStrictEqual } from 'node:util'
import { isWithin } from '../agent/lineage.ts'
import { guestError } from '../agent/thrown.ts'
import type { CheckedAnswer } from '../agent/desk.ts'
import { factsOf } from '../agent/facts.ts'
import { codeIn, questionOf } from '../agent/question-facts.ts'
import type { Definition } from '../agent/definition.ts'
import type { Happening } from '../agent/happening.ts'
import type { Decision, MemoryEdit, QuestionKind } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import type { Lease, QuestionRow, Receipt, Signal, SignalRow, Store } from '../journal/store.ts'
import type { Tool } from '../tool/tools.ts'
import { compile } from '../sandbox/compile.ts'
import { checkJsonSchema } from '../tool/json-schema.ts'
import { again } from './again.ts'
import { familyOf, openBelow } from './family.ts'
import { releaseLease, takeLease } from './lease.ts'
import { RunLog } from './log.ts'
import { programOf } from './program.ts'
import { recover } from './recover.ts'
import { ruleIn } from './rules.ts'

const ALLOWED: Readonly<Record<QuestionKind, readonly Decision['type'][]>> = {
  approval: ['approve', 'edit', 'reject', 'respond'],
  input: ['respond', 'reject'],
  unknownOutcome: ['respond', 'approve', 'reject'],
  budget: ['approve', 'reject'],
  diverged: ['approve', 'reject'],
}

/** The signals that wait, and what their answers come to once the tools' own schemas have seen them. */
export async function readSignals(
  store: Store,
  state: State,
  definition: Definition,
  before: number = Infinity,
): Promise<{ readonly rows: readonly SignalRow[]; readonly checked: ReadonlyMap<string, CheckedAnswer> }> {
  const listed = await store.signals(state.runId)
  const rows = definition.secrets.clean(listed.filter((row) => row.at < before))
  const checked = new Map<string, CheckedAnswer>()
  for (const { signal } of rows) {
    if (signal.kind !== 'answer') continue
    const question = questionOf(state, signal.question)
    if (question?.kind === 'approval' && question.call === undefined) {
      checked.set(question.id, checkCode(state, definition, signal.decision))
      continue
    }
    const tool = definition.tools.get(state.calls[question?.call ?? '']?.tool ?? '')
    if (question === undefined || tool === undefined || question.resumption?.onAnswer === 'call') continue
    const answer = await checkAnswer(tool, signal.decision)
    if (answer !== undefined) checked.set(question.id, answer)
  }
  return { rows, checked }
}

/** New arguments or a result, as the tool's schemas make them. A schema that throws has refused. */
export async function checkAnswer(tool: Tool, decision: Decision): Promise<CheckedAnswer | undefined> {
  const judge = typeof tool.approval === 'function' ? { judge: true as const } : {}
  if (decision.type === 'approve') return judge
  try {
    if (decision.type === 'edit') {
      const input = await tool.checkInput(decision.args)
      return input.ok ? { input: encode(input.value), ...judge } : undefined
    }
    if (decision.type !== 'respond') return undefined
    const output = await tool.checkOutput(decision.value)
    if (output.ok) return { outcome: { ok: true, value: encode(output.value) } }
    return {
      outcome: {
        ok: false,
        error: { name: 'ToolError', message: `The answer for ${tool.name} does not fit: ${output.message}` },
      },
    }
  } catch (error) {
    return decision.type === 'edit' ? undefined : { outcome: { ok: false, error: guestError(error) } }
  }
}

/** An edited program, compiled for its step. */
function checkCode(state: State, { codeApproval, tools }: Definition, decision: Decision): CheckedAnswer {
  const { phase } = state
  const judge = typeof codeApproval === 'function' ? { judge: true as const } : {}
  if (decision.type !== 'edit' || phase.at !== 'approving') return judge
  const compiled = compile(phase.step, codeIn(decision.args) ?? '', [...tools.keys()])
  if (!compiled.ok) return { compiled }
  return { compiled: { ok: true, program: programOf(state, compiled.program) }, ...judge }
}

/**
 * Records an answer. The first decision wins; repeating it is harmless.
 * @throws {UsageError} a decision that the question does not allow, or a value that does not fit its schema.
 * @throws {AlreadyAnsweredError} another decision stands. @throws {StateNotFoundError} no such open question.
 */
export async function answerQuestion(
  store: Store,
  runId: string,
  questionId: string,
  decision: Decision,
  by?: string,
): Promise<void> {
  const [question] = await openQuestion(store, runId, questionId)
  if (question !== undefined) await checkDecision(question, decision)
  const rule = question === undefined ? undefined : await ruleIn(store, question, decision, by)
  const signal = {
    kind: 'answer' as const,
    question: questionId,
    decision,
    ...(by === undefined ? {} : { by }),
    ...(rule === undefined ? {} : { rule }),
  }
  faultPoint('answer-unwritten')
  const receipt =
    question === undefined
      ? await answerClosed(store, runId, signal)
      : await store.signal(question.runId, questionId, signal)
  faultPoint('answer-written')
  if (receipt.accepted) return
  if (receipt.why === 'taken') {
    const winner = receipt.winner.kind === 'answer' ? receipt.winner.decision : receipt.winner
    // What is stored has gone through JSON.
    if (isDeepStrictEqual(winner, parseJson(JSON.stringify(decision), 'A decision'))) return
    throw new AlreadyAnsweredError(
      `Question ${questionId} has been answered: ${JSON.stringify(winner)}.`,
      winner,
    )
  }
  if (receipt.why === 'expired')
    throw new UsageError(`Question ${questionId} has expired; nobody answered in time.`)
  throw new StateNotFoundError(`There is no open question ${questionId} in run ${runId}.`, {
    hint: 'pca inbox lists the open ones.',
  })
}

/** The question, of this run or of one below it. */
async function openQuestion(store: Store, runId: string, id: string): Promise<readonly QuestionRow[]> {
  const mine = await store.questions({ runId, id })
  return mine.length > 0 ? mine : store.questions({ rootRunId: runId, id })
}

/** A question that is not open any more says who won, wherever in the family it was asked. */
async function answerClosed(
  store: Store,
  runId: string,
  signal: Extract<Signal, { kind: 'answer' }>,
): Promise<Receipt> {
  const receipt = await store.signal(runId, signal.question, signal)
  if (receipt.accepted || receipt.why !== 'unknown') return receipt
  for (const row of await familyOf(store, runId, 'all')) {
    if (row.runId === runId) continue
    const other = await store.signal(row.runId, signal.question, signal)
    if (other.accepted || other.why !== 'unknown') return other
  }
  return receipt
}

/** Pause, stop, resume, say: each its own signal. Resolves when it is durable. @throws {StateNotFoundError} no such run. */
export async function sendSignal(
  store: Store,
  runId: string,
  signal:
    | { readonly kind: 'pause'; readonly reason: string }
    | { readonly kind: 'stop'; readonly reason: string; readonly by?: string }
    | { readonly kind: 'say' | 'interrupt'; readonly text: string; readonly by?: string }
    | { readonly kind: 'edit'; readonly edit: MemoryEdit },
): Promise<void> {
  const key = `${signal.kind}_${randomText(12)}`
  faultPoint('signal-unwritten', signal.kind)
  await again(async () => store.signal(runId, key, signal))
  faultPoint('signal-written', signal.kind)
}

export interface SayOptions {
  /** Ends what the run is in the middle of: the step at its next `await`, or the request to the model. Default: no. */
  readonly interrupt?: boolean
  /** Who says it. */
  readonly by?: string
}

/** Durable when this resolves. @throws {UsageError} nothing is said, or nobody will hear it. @throws {StateNotFoundError} */
export async function sayTo(
  store: Store,
  runId: string,
  message: string,
  { interrupt = false, by }: SayOptions = {},
): Promise<void> {
  if (typeof message !== 'string' || message.trim() === '')
    throw new UsageError('A message is text, and not empty.')
  const row = await store.run(runId)
  if (row?.status === 'stopped')
    throw new UsageError(`Run ${runId} is stopped: nobody hears what is said to it.`, {
      hint: 'Start a new run, or fork it.',
    })
  const who = by === undefined ? {} : { by }
  await sendSignal(store, runId, { kind: interrupt ? 'interrupt' : 'say', text: message, ...who })
  // An answer that a person is being asked about does not stand after this: the run has something to do.
  const asked = await store.questions({ runId })
  if (asked.some(({ kind, call }) => kind === 'input' && call === undefined)) await nudge(store, runId, runId)
}

/** A pause or a stop: durable when this resolves, and done, unless somebody drives the run, who will do it. */
export async function haltRun(
  store: Store,
  runId: string,
  signal: Extract<Parameters<typeof sendSignal>[2], { readonly kind: 'pause' | 'stop' }>,
): Promise<void> {
  await sendSignal(store, runId, signal)
  await endAlone(store, runId)
}

/** Stops the runs below this one that have not ended, the deepest first. The lease is the family's. */
export async function stopBelow(store: Store, lease: Lease, runId: string, message: string): Promise<void> {
  for (const row of await openBelow(store, lease.rootRunId, runId))
    await stopRun(store, lease, row.runId, message)
}

/**
 * Pauses the runs below one that is put aside, where a driver that died has left them running: nobody drives them, and they
 * would be due for ever. The lease is the family's.
 */
export async function pauseBelow(store: Store, lease: Lease, runId: string, message: string): Promise<void> {
  for (const row of await openBelow(store, lease.rootRunId, runId))
    if (row.status === 'running')
      await recordAlone(store, { ...lease, runId: row.runId }, () => ({
        kind: 'pause-asked',
        cause: 'parent',
        message,
      }))
}

/** Stops a run and those below it. The lease is the family's. */
export async function stopFamily(store: Store, lease: Lease, runId: string, message: string): Promise<void> {
  await stopBelow(store, lease, runId, message)
  await stopRun(store, lease, runId, message)
}

async function stopRun(store: Store, lease: Lease, runId: string, message: string): Promise<void> {
  await recordAlone(store, { ...lease, runId }, () => ({ kind: 'stop-asked', message }))
}

/**
 * On a run that nobody drives, takes the lease and turns its signals into entries, so that a pause or a stop is done
 * when it is acknowledged. A run that is driven is left to its driver.
 */
export async function endAlone(store: Store, runId: string): Promise<void> {
  let lease: Lease
  try {
    lease = await takeLease(store, runId)
  } catch (error) {
    if (error instanceof RunBusyError) return
    throw error
  }
  try {
    const rows = (await store.signals(runId)).filter(
      ({ signal }) =>
        signal.kind === 'pause' ||
        signal.kind === 'stop' ||
        signal.kind === 'resume' ||
        signal.kind === 'edit',
    )
    // The runs below first: after a crash in between, the signal is still there to be read.
    for (const { signal } of rows)
      if (signal.kind === 'stop') await stopBelow(store, lease, runId, signal.reason)
    await recordAlone(store, lease, (log) => {
      log.consume(rows.map((row) => row.key))
      return { kind: 'signalled', rows }
    })
  } finally {
    await releaseLease(store, lease)
  }
  if (lease.rootRunId !== runId) await tellAbove(store, lease.rootRunId, runId)
}

/** Whoever waits for this run, up to the root, has something to see. */
async function tellAbove(store: Store, rootRunId: string, runId: string): Promise<void> {
  for (const row of await familyOf(store, rootRunId)) {
    if (row.runId === runId || !isWithin(runId, row.runId)) continue
    await nudge(store, row.runId, runId)
  }
}

/** There is something to see, of run `of`. */
async function nudge(store: Store, runId: string, of: string): Promise<void> {
  const key = `child_${randomText(12)}`
  await again(async () => store.signal(runId, key, { kind: 'child', run: of }))
}

/** Records what follows from one happening, under a lease of the run's family. */
export async function recordAlone(
  store: Store,
  lease: Lease,
  happening: (log: RunLog) => Happening,
): Promise<void> {
  const { state, chain, seal } = await recover(store, lease.runId)
  const log = new RunLog({ store, lease, state, chain, seal, schemas: () => ({}) })
  const desk = { now: store.now(), stow: (text: string) => log.stow(text), encode, digest: digestOf }
  log.record(factsOf(state, happening(log), desk))
  faultPoint('run-unstopped')
  await log.flush()
}

/** @throws {UsageError} the question does not allow the decision, or its value does not fit. */
export async function checkDecision(question: QuestionRow, decision: Decision): Promise<void> {
  const allowed = ALLOWED[question.kind]
  if (!allowed.includes(decision.type)) {
    throw new UsageError(
      `A question of kind '${question.kind}' is answered with ${allowed.join(', ')}; not with '${String(decision.type)}'.`,
    )
  }
  if (decision.type === 'respond' && question.schema !== undefined)
    await mustFit(question.schema, decision.value, 'The answer')
  if (decision.type === 'edit' && question.argsSchema !== undefined)
    await mustFit(question.argsSchema, decision.args, 'The edited arguments')
}

async function mustFit(schema: string, value: unknown, what: string): Promise<void> {
  const checked = await checkJsonSchema(
    parseJson(schema, 'The schema of a question') as Readonly<Record<string, unknown>>,
    value,
  )
  if (!checked.ok) throw new UsageError(`${what} does not fit the question's schema: ${checked.message}`)
}
