/**
 * All that surrounds a driver: the guest with its heap, the story for the model, the author's functions, the spans.
 * The driver says what to begin; what comes of it is posted.
 */
import { Guest } from '../agent/act.ts'
import {
  guestError,
  judgeCall,
  pauseGiven,
  probeCall,
  prepareCall,
  sendCall,
  type CallRoom,
} from '../agent/call.ts'
import type { Definition } from '../agent/definition.ts'
import type { Happening } from '../agent/happening.ts'
import { idempotencyKey, type Effect } from '../agent/next.ts'
import { actionStep, memoryOf, type Memory } from '../agent/memory.ts'
import { think } from '../agent/think.ts'
import type { Clock } from '../base/clock.ts'
import { decode, encode } from '../base/codec.ts'
import { StateCorruptError } from '../base/errors.ts'
import { interruptionIn } from '../base/interruption.ts'
import { GENESIS } from '../journal/envelope.ts'
import { NARRATIVE, type Entry, type Stored } from '../journal/entry.ts'
import type { OpenCall, State } from '../journal/state.ts'
import type { Store } from '../journal/store.ts'
import { tell, type ActionChapter, type Chapter, type Story } from '../journal/story.ts'
import { compile } from '../sandbox/compile.ts'
import { engineDigest } from '../sandbox/parts.ts'
import { createSandbox } from '../sandbox/sandbox-thread.ts'
import type { Image } from '../sandbox/sandbox.ts'
import { unpack } from '../sandbox/snapshot.ts'
import { INPUT_TOKENS, OUTPUT_TOKENS, PAUSE_CAUSE, SEGMENT, STATUS } from '../telemetry/names.ts'
import {
  CHAT,
  EXECUTE_TOOL,
  captureCarrier,
  chatAttributes,
  parseTraceparent,
  startSegment,
  toolAttributes,
  type Carrier,
  type Segment,
  type SpanAttributes,
} from '../telemetry/trace.ts'
import { CallBook } from './call-book.ts'
import { checkWhole, readEntries, readStory, type Recovered, type StoredHeap } from './recover.ts'
import type { RunLog } from './log.ts'

/** For people who watch: not facts, except `committed`. */
export interface Live {
  committed(entries: readonly Entry[], state: State): void
  delta(delta: { readonly kind: 'text' | 'reasoning' | 'code'; readonly text: string }): void
  printed(text: string): void
  logged(call: string, line: string): void
}

interface Surroundings {
  readonly store: Store
  readonly definition: Definition
  readonly recovered: Recovered
  /** Entries that were recorded since then: a person's word on a replay that differed. */
  readonly decided: readonly Entry[]
  readonly clock: Clock
  readonly log: RunLog
  readonly live: Live
  readonly why: 'start' | 'resume' | 'take-over'
  readonly otelContext?: unknown
  readonly post: (happening: Happening) => void
}

/** Opens the room: the heap from its snapshot, by replay, or fresh. */
export async function openRoom(around: Surroundings): Promise<Room> {
  const { recovered, definition, store, log } = around
  const { state } = recovered
  const { options, seed } = state.run
  const sandbox = createSandbox({
    stepTimeout: options.stepTimeout,
    memory: options.memory,
    callsPerStep: options.callsPerStep,
    outputChars: options.outputChars,
  })
  const room = new Room(
    around,
    new Guest(sandbox, {
      tools: [...definition.tools.keys()],
      post: around.post,
      prepare: async (call, sent) => prepareCall(call, sent, definition),
      text: async (stored) => log.text(stored),
      clock: around.clock,
    }),
  )
  const { heap } = recovered
  const opened = heap === undefined ? undefined : await unpackHeap(heap)
  if (heap !== undefined && opened !== undefined) {
    const { lastCallBefore, ...rest } = heap.place
    const { image, stepStart } = opened
    const start =
      stepStart === undefined
        ? undefined
        : { ...stepStart, ...(lastCallBefore === undefined ? {} : { lastCall: lastCallBefore }) }
    room.guest.open({ from: 'image', image }, { position: heap.position, ...rest }, start, [
      ...heap.past,
      ...around.decided,
    ])
    room.heap = 'snapshot'
    return room
  }
  const past = state.stepCount === 0 ? [] : (await readEntries(store, state.runId, 0, GENESIS)).entries
  room.guest.open({ from: 'seed', seed, clock: state.createdAt }, { position: 0 }, undefined, [
    ...past,
    ...around.decided,
  ])
  room.heap = past.length === 0 ? 'fresh' : 'replay'
  return room
}

/** The heap's image, and that of its step's start; undefined where replay has to rebuild them (another engine, damage). */
async function unpackHeap(
  heap: StoredHeap,
): Promise<
  | { readonly image: Image; readonly stepStart?: { readonly image: Image; readonly position: number } }
  | undefined
> {
  const opened = heap.open()
  if (opened === undefined) return undefined
  try {
    const image = await unpack(opened.payload, engineDigest())
    if (!image.ok) return undefined
    if (opened.stepStart === undefined) return { image: image.image }
    const start = await unpack(opened.stepStart.payload, engineDigest())
    if (!start.ok) return undefined
    return { image: image.image, stepStart: { image: start.image, position: opened.stepStart.position } }
  } catch (error) {
    if (error instanceof StateCorruptError) return undefined
    throw error
  }
}

export class Room implements AsyncDisposable {
  readonly guest: Guest
  heap: 'fresh' | 'snapshot' | 'replay' = 'fresh'
  readonly #around: Surroundings
  readonly #segment: Segment
  readonly #calls: CallBook
  /** Narrative entries since this room was opened, until the story before them is read. */
  #heard: Entry[] = []
  #story: Story | undefined

  constructor(around: Surroundings, guest: Guest) {
    this.guest = guest
    this.#around = around
    const { state } = around.recovered
    const { traceparent, tracestate } = state.run
    this.#calls = new CallBook(around.store, state.runId)
    this.#segment = startSegment({
      name: state.run.agent,
      runId: state.runId,
      attributes: { [SEGMENT]: state.segments + 1 },
      carrier: { traceparent, ...(tracestate === undefined ? {} : { tracestate }) },
      ...(state.span === undefined ? {} : { resumedFrom: { traceparent: state.span } }),
      ...callerOf(traceparent),
      ...(around.otelContext === undefined ? {} : { override: around.otelContext }),
    })
  }

  /** The traceparent of this segment's span. */
  get span(): string {
    return this.#segment.traceparent
  }

  /** Hears of every entry as it is recorded: what the guest and the story need of it. */
  feed(entry: Entry): void {
    this.guest.feed(entry)
    if (!NARRATIVE.has(entry.kind)) return
    if (this.#story === undefined) this.#heard.push(entry)
    else this.#story = tell(this.#story, entry)
  }

  printed(text: string): void {
    if (text !== '') this.#around.live.printed(text)
  }

  /** Starts an effect; its end is posted. Never throws. */
  begin(effect: Exclude<Effect, { do: 'wake' | 'grace' }>, abortSignal: AbortSignal): void {
    this.#run(effect, abortSignal).then(this.#around.post, (error: unknown) => {
      this.#around.post(abortSignal.aborted ? { kind: 'gone', key: effect.key } : { kind: 'broke', error })
    })
  }

  ended(state: State): void {
    this.#segment.end({
      [STATUS]: state.ended?.status ?? 'paused',
      [PAUSE_CAUSE]: state.pause?.cause,
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#segment.end({ [STATUS]: 'cut' })
    await this.guest[Symbol.asyncDispose]()
  }

  async #run(
    effect: Exclude<Effect, { do: 'wake' | 'grace' }>,
    abortSignal: AbortSignal,
  ): Promise<Happening> {
    switch (effect.do) {
      case 'think':
        return this.#think(effect, abortSignal)
      case 'call':
        return this.#send(effect.call, effect.key, abortSignal)
      case 'judge':
        return judgeCall(
          effect.call,
          await this.#around.log.text(effect.call.input),
          effect.key,
          this.#callRoom(effect.call),
        )
      case 'probe': {
        const { call } = effect
        return probeCall(
          call,
          await this.#around.log.text(call.input),
          effect.key,
          abortSignal,
          this.#callRoom(call),
        )
      }
      case 'callback':
        return this.#callback(effect)
      case 'check':
        return this.#check(effect)
      default:
        return effect satisfies never
    }
  }

  async #think(effect: Extract<Effect, { do: 'think' }>, abortSignal: AbortSignal): Promise<Happening> {
    const { definition, log, live } = this.#around
    const chapters = await this.chapters()
    const system = await log.text(log.state.run.system)
    return this.#within(
      'client',
      `${CHAT} ${definition.modelName}`,
      chatAttributes(definition.modelName, effect.phase.step, effect.phase.attempt),
      async () =>
        think(effect.phase, effect.key, {
          model: definition.model,
          system,
          chapters,
          text: (stored) => log.textNow(stored),
          abortSignal,
          carrier: carrierOf,
          compile: async (step, source) => {
            const compiled = compile(step, source)
            if (!compiled.ok) return compiled
            const { task, forgotten } = log.state
            const args = task.argsGiven ? undefined : task.additionalArgs
            const given = {
              ...(args === undefined ? {} : { variables: await log.text(args) }),
              ...(forgotten.length === 0 ? {} : { forget: forgotten }),
            }
            return { ok: true, program: JSON.stringify({ ...compiled.program, ...given }) }
          },
          onDelta: (delta) => live.delta(delta),
          ...(definition.price === undefined ? {} : { price: (usage) => definition.price?.(usage) ?? 0 }),
        }),
    )
  }

  async #send(call: OpenCall, key: string, abortSignal: AbortSignal): Promise<Happening> {
    const { log } = this.#around
    const input = await log.text(call.input)
    const state = call.answered?.state === undefined ? undefined : await log.text(call.answered.state)
    return this.#within(
      'internal',
      `${EXECUTE_TOOL} ${call.tool}`,
      toolAttributes(call.tool, call.id, call.attempt),
      async () => sendCall(call, input, state, key, abortSignal, this.#callRoom(call)),
    )
  }

  async #within(
    kind: 'client' | 'internal',
    name: string,
    attributes: SpanAttributes,
    work: () => Promise<Happening>,
  ): Promise<Happening> {
    const span = this.#segment.child(name, kind, attributes)
    try {
      const happening = await this.#segment.within(span, work)
      const failed =
        happening.kind === 'model-broke'
          ? happening.error
          : happening.kind === 'call-settled' && !happening.outcome.ok
            ? happening.outcome.error
            : undefined
      const usage = happening.kind === 'model-answered' ? happening.reply.usage : undefined
      span.end({
        ...(failed === undefined ? {} : { error: failed }),
        attributes: { [INPUT_TOKENS]: usage?.inputTokens, [OUTPUT_TOKENS]: usage?.outputTokens },
      })
      return happening
    } catch (error) {
      span.end({ error })
      throw error
    }
  }

  async #callback(effect: Extract<Effect, { do: 'callback' }>): Promise<Happening> {
    const { definition, recovered } = this.#around
    const callback = definition.callbacks[effect.index]
    const name = callback?.name ?? ''
    const { phase } = recovered.state
    const again =
      phase.at === 'reviewing' &&
      phase.step === effect.step &&
      phase.callbacksRan === effect.index &&
      recovered.state.pause === undefined
    const base = { key: effect.key, step: effect.step, index: effect.index, name }
    const returned: Happening = { kind: 'callback-returned', ...base }
    try {
      const chapters = await this.chapters()
      const action = chapters.findLast(
        (chapter) => chapter.kind === 'action' && chapter.number === effect.step,
      )
      if (action?.kind !== 'action') return returned
      const memory = await this.memory()
      await callback?.run(actionStep(action, await this.#calls.of(action)), {
        agent: definition.agent,
        memory,
        attempt: again ? 2 : 1,
      })
      return returned
    } catch (error) {
      const thrown = interruptionIn(error)
      const by = { callback: effect.index, step: effect.step, name }
      if (thrown?.is === 'stop') return { kind: 'interrupted', key: effect.key, by, interruption: thrown }
      if (thrown?.is === 'pause')
        return {
          kind: 'interrupted',
          key: effect.key,
          by,
          interruption: {
            is: 'pause',
            pause: pauseGiven(thrown.message, thrown.options, { carrier: carrierOf }),
          },
        }
      // A callback that throws watches badly; the step that it watched has happened and stays.
      this.#around.live.logged('', `callback ${name} threw: ${guestError(error).message}`)
      return returned
    }
  }

  async #check(effect: Extract<Effect, { do: 'check' }>): Promise<Happening> {
    const { definition, log } = this.#around
    const shapes = definition.checkOutput === undefined ? 0 : 1
    const check = definition.checks[effect.index - shapes]
    const name = effect.index < shapes ? 'outputSchema' : (check?.name ?? '')
    const base = { kind: 'checked' as const, key: effect.key, index: effect.index, name }
    try {
      const answer = decode(await log.text(effect.answer.value))
      if (effect.index < shapes) {
        const checked = await definition.checkOutput?.(answer)
        if (checked?.ok === false) return { ...base, refused: checked.message }
        return checked === undefined ? base : { ...base, value: encode(checked.value) }
      }
      const verdict: unknown = await check?.run(answer, {
        memory: await this.memory(),
        agent: definition.agent,
      })
      return verdict === false ? { ...base, refused: 'the check returned false' } : base
    } catch (error) {
      const thrown = interruptionIn(error)
      if (thrown?.is === 'stop')
        return { kind: 'interrupted', key: effect.key, by: 'check', interruption: thrown }
      if (thrown?.is === 'pause')
        return {
          kind: 'interrupted',
          key: effect.key,
          by: 'check',
          interruption: {
            is: 'pause',
            pause: pauseGiven(thrown.message, thrown.options, { carrier: carrierOf }),
          },
        }
      return { ...base, refused: guestError(error).message }
    }
  }

  /** The story up to now, with every blob that it needs read. */
  async chapters(): Promise<readonly Chapter[]> {
    const { store, log } = this.#around
    if (this.#story === undefined) {
      const read = await readStory(store, log.state.runId, log.durableSeq)
      this.#story = this.#heard.reduce(tell, read)
      this.#heard = []
      checkWhole(this.#story, log.state)
    }
    const { chapters } = this.#story
    for (const chapter of chapters)
      for (const stored of storedIn(chapter)) if (typeof stored !== 'string') await log.text(stored)
    return chapters
  }

  async memory(): Promise<Memory> {
    const chapters = await this.chapters()
    const actions = chapters.filter(
      (chapter): chapter is ActionChapter => chapter.kind === 'action' && chapter.endedAt !== undefined,
    )
    for (const action of actions) await this.#calls.of(action)
    return memoryOf(
      chapters,
      (stored) => this.#around.log.textNow(stored),
      (action) => this.#calls.known(action),
    )
  }

  #callRoom(call: OpenCall): CallRoom {
    const { definition, log, store, live } = this.#around
    return {
      runId: log.state.runId,
      context: definition.context,
      tools: definition.tools,
      key: (id) => idempotencyKey(log.state, id),
      carrier: carrierOf,
      now: () => store.now(),
      clock: this.#around.clock,
      log: (line) => live.logged(call.id, line),
    }
  }
}

/** The request that woke the run, if it is traced in another trace. */
function callerOf(traceparent: string): { readonly resumedBy?: Carrier } {
  const caller = captureCarrier()
  const same = parseTraceparent(caller.traceparent)?.traceId === parseTraceparent(traceparent)?.traceId
  return caller.traceparent === undefined || same ? {} : { resumedBy: caller }
}

/** The carrier of what is active now, or of what the author gave with a pause. */
function carrierOf(given?: unknown): { readonly traceparent?: string; readonly tracestate?: string } {
  return given === undefined ? {} : captureCarrier(given)
}

function storedIn(chapter: Chapter): readonly Stored[] {
  if (chapter.kind === 'action' || chapter.kind === 'reply') return [chapter.parts]
  if (chapter.kind === 'task') return [chapter.additionalArgs ?? '', chapter.images ?? '']
  return chapter.kind === 'finalAnswer' ? [chapter.output] : []
}
