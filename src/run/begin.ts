/** The first commit of a run, and what a resumed run is told of a definition that has changed. */
import { decode, encode } from '../base/codec.ts'
import { UsageError } from '../base/errors.ts'
import type { CallId } from '../base/halt.ts'
import { faultPoint } from '../base/fault-point.ts'
import { checkRunId, digestOf, newRunId, randomText } from '../base/id.ts'
import type { Definition } from '../agent/definition.ts'
import { checkGrants, granted } from '../agent/grants.ts'
import { imagesOf, type ImageGiven } from '../agent/images.ts'
import { givenAtOnce, largeAmong } from '../agent/large.ts'
import { questionId } from '../agent/next.ts'
import { systemPrompt, type PromptParts } from '../agent/prompt.ts'
import { placed, rowOf } from '../journal/decode.ts'
import {
  ENTRY_VERSION,
  type Fact,
  type RunOptions,
  type Stored,
  type ToolFact,
  type Touch,
} from '../journal/entry.ts'
import { GENESIS } from '../journal/envelope.ts'
import type { State } from '../journal/shape.ts'
import { fold } from '../journal/state.ts'
import { viewOf } from '../journal/view.ts'
import type { BlobRow, NewRun, Store } from '../journal/store.ts'
import { guestDigest } from '../sandbox/parts.ts'
import { again } from './again.ts'
import { blobOf } from './blob.ts'
import { newSeal, sealOf } from './seal.ts'
import { PARENT_CALL, PARENT_RUN } from '../telemetry/names.ts'
import { modelAttributes, startTrace, type SpanAttributes } from '../telemetry/trace.ts'
import { isOfSource } from '../tool/source.ts'

export interface TaskGiven {
  readonly task: string
  readonly runId?: string
  readonly maxSteps?: number
  readonly additionalArgs?: Readonly<Record<string, unknown>>
  readonly images?: readonly ImageGiven[]
  /** The tools and agents that the run may call at most, by name, with all runs below it. Default: all. */
  readonly grants?: readonly string[]
  /** Of the guest's randomness, and of the waits between attempts. Default: random. */
  readonly seed?: string
}

/** Where a managed agent's run belongs. */
export interface FamilyGiven {
  readonly rootRunId: string
  readonly parent: { readonly run: string; readonly call: string }
  /** Of the parent's step that calls it: one trace for all. */
  readonly carrier: { readonly traceparent: string; readonly tracestate?: string }
  /** Of the parent: its grants, and what has come into it. */
  readonly grants?: readonly string[]
  readonly touched?: readonly Touch[]
}

/**
 * Creates the run: this commit acknowledges `start`. A run id that exists already, for the same agent and task, is that
 * run: starting it again is harmless.
 * @throws {UsageError} for a task or id that cannot be, or an id that names another task's run.
 */
export async function createRun(
  store: Store,
  whole: Definition,
  given: TaskGiven,
  family?: FamilyGiven,
): Promise<string> {
  const grants = family === undefined ? checkGrants(whole, given.grants) : family.grants
  const definition = granted(whole, grants)
  const { secrets } = definition
  await secrets.known(definition.context)
  const now = store.now()
  const runId = given.runId === undefined ? newRunId(now) : checkRunId(given.runId)
  const { seal, wrap } = await newSeal(store, runId)
  const blobs = new Map<string, BlobRow>()
  const stow = (text: string): Stored => {
    const clean = secrets.clean(text)
    const blob = blobOf(seal, clean)
    if (blob !== undefined) blobs.set(blob.row.digest, blob.row)
    return blob?.stored ?? clean
  }
  const carrier = startTrace({
    name: definition.name,
    description: definition.description,
    runId,
    mode: definition.trace,
    baggageKeys: definition.telemetry.baggage,
    attributes: { ...modelAttributes(definition.modelName), ...parentAttributes(family) },
    ...(family === undefined ? {} : { within: family.carrier }),
  })
  const facts: readonly Fact[] = [
    {
      kind: 'run-started',
      agent: definition.name,
      options: definition.options,
      model: definition.modelName,
      system: stow(systemPrompt({ ...promptOf(definition, definition.options), today: now })),
      tools: toolFacts(definition),
      seed: given.seed ?? randomText(26),
      engine: guestDigest(),
      traceparent: carrier.traceparent,
      ...(carrier.tracestate === undefined ? {} : { tracestate: carrier.tracestate }),
      ...(carrier.baggage === undefined ? {} : { baggage: carrier.baggage }),
      ...(family === undefined ? {} : { parent: family.parent }),
      ...(grants === undefined ? {} : { grants }),
      ...(family?.touched === undefined ? {} : { touched: family.touched }),
    },
    taskFact(given, 1, definition.options, stow),
  ]
  let state: State | undefined
  let chain = GENESIS
  const rows = secrets.clean(facts).map((fact, index) => {
    const entry = placed(fact, index + 1, now, 0)
    const row = rowOf(seal, entry, chain)
    chain = row.chain
    state = fold(state, entry, runId)
    return row
  })
  if (state === undefined) throw new TypeError('A run begins with facts')
  faultPoint('run-unwritten')
  const run: NewRun = {
    runId,
    rootRunId: family?.rootRunId ?? runId,
    ...(family === undefined ? {} : { parentCallId: family.parent.call }),
    agent: definition.name,
    definitionDigest: digestOf(JSON.stringify(toolFacts(definition))),
    minReader: ENTRY_VERSION,
    view: viewOf(state),
    ...(wrap === undefined ? {} : { wrap }),
  }
  const created = await again(async () => store.create(run, rows, [...blobs.values()]))
  faultPoint('run-written')
  if (created === 'exists') await mustBeSame(store, run, { task: secrets.clean(given.task) })
  return runId
}

function parentAttributes(family: FamilyGiven | undefined): SpanAttributes {
  return { [PARENT_RUN]: family?.parent.run, [PARENT_CALL]: family?.parent.call }
}

async function mustBeSame(
  store: Store,
  { runId, rootRunId, agent }: NewRun,
  given: TaskGiven,
): Promise<void> {
  const row = await store.run(runId)
  // What cannot be read cannot be compared.
  if (row?.lockedBy !== undefined) await sealOf(store, runId)
  if (row?.agent === agent && row.task === given.task && row.rootRunId === rootRunId) return
  throw new UsageError(`A run ${runId} exists already, for another task.`, {
    hint: 'Choose another id, or resume that run.',
  })
}

/** @throws {UsageError} for a task that is no text, or arguments that are no variables. */
export function taskFact(
  given: TaskGiven,
  number: number,
  options: RunOptions,
  stow: (text: string) => Stored,
): Fact {
  const { task, maxSteps = options.maxSteps, additionalArgs, images } = given
  if (typeof task !== 'string' || task.trim() === '') throw new UsageError('A task is text, and not empty.')
  if (!Number.isSafeInteger(maxSteps) || maxSteps < 1)
    throw new UsageError(`maxSteps must be a whole number above 0, not ${String(maxSteps)}.`)
  for (const name of Object.keys(additionalArgs ?? {})) {
    if (!/^[A-Za-z_$][\w$]*$/.test(name) || RESERVED.has(name))
      throw new UsageError(`additionalArgs: '${name}' cannot be the name of a variable.`)
  }
  const args = additionalArgs === undefined ? undefined : encode(additionalArgs)
  const large = args === undefined ? [] : largeOf(args, options.memory)
  return {
    kind: 'task-added',
    task,
    number,
    ...(large.length === 0 ? {} : { large }),
    maxSteps,
    ...(args === undefined ? {} : { additionalArgs: stow(args) }),
    ...(images === undefined || images.length === 0 ? {} : { images: stow(encode(imagesOf(images))) }),
  }
}

/** The arguments that are read in parts. @throws {UsageError} one is too large for the guest, and has no parts. */
function largeOf(args: string, memory: number): readonly string[] {
  const limit = givenAtOnce(memory)
  if (args.length <= limit) return []
  // What the guest will be given, whatever it was made from.
  const values = decode(args) as Readonly<Record<string, unknown>>
  const large = largeAmong(values, limit)
  for (const [name, value] of Object.entries(values)) {
    // Bytes take no more room than they have; of all else much is built.
    const fits = value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? limit * 2 : limit
    if (large.has(name) || encode(value).length <= fits) continue
    throw new UsageError(
      `additionalArgs: '${name}' is too large for a guest of ${Math.round(memory / 1024 ** 2)} MB, and cannot be read in parts as text, a list or a record can.`,
      { hint: 'Raise limits.memory, or let a tool give it.' },
    )
  }
  return [...large.keys()]
}

/** A fact whose large texts are kept beside the entries. */
export function stowed(fact: Fact, stow: (text: string) => Stored): Fact {
  const kept = (stored: Stored): Stored => (typeof stored === 'string' ? stow(stored) : stored)
  if (fact.kind === 'tools-changed') return { ...fact, system: kept(fact.system) }
  if (fact.kind !== 'task-added') return fact
  const { additionalArgs, images } = fact
  return {
    ...fact,
    ...(additionalArgs === undefined ? {} : { additionalArgs: kept(additionalArgs) }),
    ...(images === undefined ? {} : { images: kept(images) }),
  }
}

/** Words that cannot name a variable, and names that are taken. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends ' +
    'false finally for function if implements import in instanceof interface let new null package private protected ' +
    'public return static super switch this throw true try typeof undefined NaN Infinity var void while with yield ' +
    'tools finalAnswer globalThis'
  ).split(' '),
)

/** @throws {UsageError} if the run takes no follow-up task: it is not finished, or stopped. */
export function mayFollow(state: State): void {
  const status = state.ended?.status
  if (status === 'completed' || status === 'failed') return
  throw new UsageError(
    `Run ${state.runId} is ${status === 'stopped' ? 'stopped' : 'not finished'}: it takes no other task.`,
    {
      hint:
        status === 'stopped'
          ? 'Start a new run.'
          : 'Go on with its own task first: run(agent.task, { reset: false }).',
    },
  )
}

function promptOf(definition: Definition, options: RunOptions): Omit<PromptParts, 'today'> {
  const { templates, instructions, tools, answer } = definition
  return { templates, instructions, tools: [...tools.values()], answer, format: options.actionFormat }
}

export function toolFacts(definition: Definition): readonly ToolFact[] {
  return [...definition.tools.values()].map(({ name, effect, effectDeclared, digest, touches }) => ({
    name,
    effect,
    effectDeclared,
    digest,
    ...(touches.length === 0 ? {} : { touches }),
  }))
}

/**
 * What has changed since the run was started, as facts.
 * @throws {UsageError} another agent's name, or a tool of the run's grants that is not given.
 */
export function changesOf(
  state: State,
  definition: Definition,
  given: Partial<RunOptions>,
  stow: (text: string) => Stored,
  revoked: readonly string[] = [],
): readonly Fact[] {
  if (state.run.agent !== definition.name) {
    throw new UsageError(
      `Run ${state.runId} belongs to the agent '${state.run.agent}', not to '${definition.name}'.`,
    )
  }
  const kept = revoked.find((name) => definition.tools.has(name))
  if (kept !== undefined)
    throw new UsageError(`The tool '${kept}' is to be taken away, and is given: leave it out of the tools.`)
  const gone = state.run.tools.filter((tool) => !definition.tools.has(tool.name)).map((tool) => tool.name)
  const { sources: from } = definition
  const sources = from?.names ?? []
  // Nobody here can give back what a source has no more; before it is opened, nobody knows.
  const dropped = from?.open === undefined ? gone.filter((name) => isOfSource(name, sources)) : []
  const removed = gone.filter((name) => revoked.includes(name) || dropped.includes(name))
  const missing = gone.filter((name) => !revoked.includes(name) && !isOfSource(name, sources))
  if (missing.length > 0) {
    throw new UsageError(`Run ${state.runId} was granted tools that are not given: ${missing.join(', ')}.`, {
      hint: `Give the agent the same tools, by name, to resume it; or take them away: resume({ revoke: ['${missing[0]}'] }).`,
    })
  }
  const facts: Fact[] = []
  const options = Object.entries(given).filter(
    ([name, value]) => !isSame(Reflect.get(state.run.options, name), value) && !FIXED.has(name),
  )
  const changed = { ...state.run.options, ...Object.fromEntries(options) }
  const prompt = (): Stored =>
    stow(systemPrompt({ ...promptOf(definition, changed), today: state.createdAt }))
  const model = definition.modelName === state.run.model ? undefined : definition.modelName
  if (options.length > 0 || model !== undefined) {
    facts.push({
      kind: 'options-changed',
      options: Object.fromEntries(options),
      ...(model === undefined ? {} : { model }),
      ...(changed.actionFormat === state.run.options.actionFormat ? {} : { system: prompt() }),
    })
  }
  const known = new Map(state.run.tools.map((tool) => [tool.name, tool.digest]))
  const redeclared = [...definition.tools.values()]
    .filter((tool) => known.get(tool.name) !== tool.digest)
    .map((tool) => tool.name)
  if (redeclared.length > 0 || removed.length > 0) {
    const tools = toolFacts(definition)
    const added = redeclared.filter((name) => !known.has(name))
    facts.push({
      kind: 'tools-changed',
      tools,
      system: prompt(),
      changed: redeclared,
      ...(added.length === 0 ? {} : { added }),
      ...(removed.length === 0 ? {} : { removed }),
    })
    facts.push(
      ...askedAgain(state, new Set(redeclared), definition),
      ...takenAway(state, new Set(removed), new Set(dropped)),
    )
  }
  facts.push(...judgedAgain(state, definition, new Set([...redeclared, ...removed])))
  return facts
}

/** What was let through and has not been sent is for today's policy to judge. */
function judgedAgain(
  state: State,
  { tools, codeApproval }: Definition,
  changed: ReadonlySet<string>,
): readonly Fact[] {
  const { phase } = state
  const calls = Object.values(state.calls).flatMap(({ id, tool, at, attempt, approved }): readonly Fact[] => {
    const rule = tools.get(tool)?.approval ?? 'never'
    if (at.is !== 'ready' || attempt > 0 || changed.has(tool) || rule === 'never') return []
    if (rule === 'always' && approved === true) return []
    return [{ kind: 'verdict-given', call: id, about: 'approval', said: 'again' }]
  })
  const isCode =
    phase.at === 'approving' && phase.place.is === 'approved' && typeof codeApproval === 'function'
  return isCode ? [...calls, { kind: 'code-judged', step: phase.step, said: 'again' }] : calls
}

/**
 * Calls of tools that are taken away: what was not sent is refused. What has been sent to a source that has `dropped`
 * the tool since is left as it is: a person can still say what came of it.
 * @throws {UsageError} one has been sent, and nobody knows yet what came of it.
 */
function takenAway(
  state: State,
  removed: ReadonlySet<string>,
  dropped: ReadonlySet<string>,
): readonly Fact[] {
  return Object.values(state.calls).flatMap((call): readonly Fact[] => {
    if (!removed.has(call.tool)) return []
    const { id, tool, attempt, at } = call
    if (attempt > 0 && dropped.has(tool)) return []
    if (attempt > 0)
      throw new UsageError(`A call of ${tool} (${id}) has been sent: it cannot be taken away now.`, {
        hint: 'Let it come home, or answer its question, and take the tool away then.',
      })
    const reason = 'the tool was taken away'
    const error = { name: 'ToolError', message: `${tool} was taken away from this run` }
    return [
      ...(at.is === 'asking'
        ? [
            {
              kind: 'question-answered' as const,
              question: at.question,
              decision: { type: 'reject' as const, reason },
            },
          ]
        : []),
      { kind: 'call-returned', call: id, attempt, outcome: { ok: false, error } },
    ]
  })
}

/** Data options are JSON: some of them are objects. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

/**
 * P9: an approval is of this declaration; a changed one is asked for again, also where it was given and the call has not
 * been sent since.
 */
function askedAgain(state: State, changed: ReadonlySet<string>, { tools }: Definition): readonly Fact[] {
  const asks = (call: CallId, message: string, expiresAt?: number): Fact => ({
    kind: 'question-asked',
    question: questionId(state, call, 1_000 + state.seq),
    asks: 'approval',
    call,
    message,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  })
  return Object.values(state.calls).flatMap((call): readonly Fact[] => {
    const { id, tool, at, approved } = call
    if (!changed.has(tool)) return []
    const open = at.is === 'asking' ? state.questions[at.question] : undefined
    if (open?.kind === 'approval') return [asks(id, open.message, open.expiresAt)]
    const isFree = (tools.get(tool)?.approval ?? 'never') === 'never'
    const isThrough = at.is === 'ready' || (at.is === 'judging' && approved === true)
    return isThrough && !isFree ? [asks(id, `Approve ${tool}?`)] : []
  })
}

/** Limits of the guest are part of what makes replay exact: they stay as the run began. */
const FIXED: ReadonlySet<string> = new Set(['stepTimeout', 'memory', 'callsPerStep', 'outputChars'])
