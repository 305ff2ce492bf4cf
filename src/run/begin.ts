/** The first commit of a run: what it is given, as facts. */
import { decode, encode } from '../base/codec.ts'
import { UsageError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { checkRunId, digestOf, newRunId, randomText } from '../base/id.ts'
import type { Definition } from '../agent/definition.ts'
import { checkGrants, granted } from '../agent/grants.ts'
import { imagesOf, type ImageGiven } from '../agent/images.ts'
import { givenAtOnce, largeAmong } from '../agent/large.ts'
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

/** What the system prompt is rendered from. */
export function promptOf(definition: Definition, options: RunOptions): Omit<PromptParts, 'today'> {
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
