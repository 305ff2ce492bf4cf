/**
 * READ 2nd. The state: the fold of a run's entries.
 *
 * F1  `fold` is pure: the same entries give the same state, in every process. It never looks at a clock.
 * F2  The state is plain JSON and does not grow with the run's past: closed steps and settled calls are in the
 *     journal (see `story.ts`), not here. A checkpoint is this object as it stands.
 * F3  A call is in `calls` from `call-requested` to `call-returned` (or withdrawn); what it waits for is one union.
 * F4  A new segment means that the driver before is gone: what it had in flight is lost, unless it may be sent again.
 */
import type { CallId } from '../base/halt.ts'
import { without } from '../base/without.ts'
import { account, addUsage, firstPrompt, grantedMoney, NOTHING_SPENT } from './account.ts'
import { NARRATIVE, type Entry, type RunId } from './entry.ts'
import {
  atPlace,
  changeCall,
  lostOrReady,
  mapCalls,
  placeAfter,
  putCall,
  settle,
  touchedBy,
  withdraw,
} from './open-calls.ts'
import {
  answerQuestion,
  askQuestion,
  closedOf,
  closedWith,
  codePlaceAfter,
  notAsked,
} from './open-questions.ts'
import type { Phase, State } from './shape.ts'
import { isAtWork, stepOf } from './view.ts'

/** More than anybody has: a turn without a step has no callbacks to run. (Infinity is no JSON.) */
const NO_CALLBACKS = Number.MAX_SAFE_INTEGER
const NOTHING_SETTLED: State['settled'] = { count: 0, recent: [] }

/** The state after `entry`. The first entry of a run is `run-started`; `state` is undefined only there. */
export function fold(state: State | undefined, entry: Entry, runId: RunId): State {
  if (state === undefined) {
    if (entry.kind !== 'run-started')
      throw new TypeError(`A journal begins with run-started, not ${entry.kind}`)
    return begin(entry, runId)
  }
  const told = state.told + (NARRATIVE.has(entry.kind) ? 1 : 0)
  const after = change(account(tick(state, entry), entry), entry)
  return { ...after, seq: entry.seq, at: entry.at, epoch: entry.epoch, told }
}

/** Time that was driven since the entry before: by the same driver. Nobody drives under epoch 0. */
function tick(state: State, { at, epoch }: Entry): State {
  const passed = at - state.at
  if (passed <= 0 || epoch === 0 || epoch !== state.epoch || !isAtWork(state)) return state
  return { ...state, task: { ...state.task, driven: state.task.driven + passed } }
}

function begin(entry: Entry<'run-started'>, runId: RunId): State {
  const { seq, at, epoch } = entry
  const run = without(entry, 'seq', 'at', 'epoch', 'v')
  return {
    seq,
    at,
    epoch,
    runId,
    run,
    createdAt: at,
    grantedAt: 0,
    asked: 0,
    task: { number: 0, text: '', maxSteps: run.options.maxSteps, turns: 0, driven: 0, argsGiven: false },
    phase: { at: 'ended' },
    stepCount: 0,
    segments: 0,
    calls: {},
    questions: {},
    strays: [],
    held: [],
    forgotten: [],
    told: 0,
    settled: NOTHING_SETTLED,
    usage: { inputTokens: 0, outputTokens: 0 },
    money: NOTHING_SPENT,
    prompt: firstPrompt(run),
    ...(run.touched === undefined ? {} : { touched: run.touched }),
  }
}

function change(state: State, entry: Entry): State {
  switch (entry.kind) {
    case 'run-started':
      throw new TypeError('run-started stands only at the beginning of a journal')
    case 'task-added':
      return without(
        {
          ...closedOf(state, (by) => by !== undefined),
          task: {
            number: entry.number,
            text: entry.task,
            maxSteps: entry.maxSteps,
            turns: 0,
            driven: 0,
            argsGiven: false,
            ...(entry.additionalArgs === undefined ? {} : { additionalArgs: entry.additionalArgs }),
            ...(state.ended?.status === 'completed' ? { lastOutput: state.ended.output } : {}),
          },
          phase: thinkNext(state),
        },
        'ended',
        'pause',
      )
    case 'segment-started':
      return {
        ...state,
        segments: state.segments + 1,
        span: entry.span,
        spanAt: entry.at,
        // Whoever could bring their results does not drive the run any more.
        strays: [],
        phase: afterCrash(state.phase),
        calls: mapCalls(state.calls, (call) => lostOrReady(call, entry.quarantine)),
      }
    case 'model-called':
      return {
        ...without(state, 'unheard', 'steered'),
        phase: {
          ...(entry.attempt > 1 && state.phase.at === 'thinking' && state.phase.asked !== undefined
            ? { asked: state.phase.asked }
            : {}),
          at: 'thinking',
          step: entry.step,
          attempt: entry.attempt,
          purpose: entry.purpose,
          called: true,
          since: entry.at,
          ...(entry.limit === undefined ? {} : { limit: entry.limit }),
          ...(entry.reserved === undefined ? {} : { reserved: entry.reserved }),
        },
      }
    case 'model-failed':
      if (state.phase.at !== 'thinking') return state
      if (entry.retryAt === undefined)
        // Nothing is lost but a summary.
        return state.phase.purpose === 'summary'
          ? {
              ...state,
              summarised: { ...state.summarised, triedAt: state.stepCount },
              phase: thinkNext(state),
            }
          : state
      return {
        ...state,
        phase: { ...without(state.phase, 'since'), called: false, retryAt: entry.retryAt },
      }
    case 'model-replied':
      return {
        ...state,
        usage: addUsage(state.usage, entry.usage),
        task: {
          ...without(state.task, 'mistakes'),
          turns: state.task.turns + 1,
          ...(entry.mistake === undefined ? {} : { mistakes: (state.task.mistakes ?? 0) + 1 }),
        },
        phase: {
          at: 'reviewing',
          step: entry.step,
          callbacksRan: NO_CALLBACKS,
          checksPassed: 0,
          ...(entry.answer === undefined ? {} : { answer: entry.answer }),
        },
      }
    case 'context-compacted':
      return {
        ...state,
        usage: addUsage(state.usage, entry.usage),
        summarised: { upTo: entry.upTo },
        phase: thinkNext(state),
      }
    case 'plan-made':
      return {
        ...state,
        usage: addUsage(state.usage, entry.usage),
        task: { ...state.task, plannedAt: state.task.turns },
        phase: { at: 'reviewing', of: 'planning', step: entry.step, callbacksRan: 0, checksPassed: 0 },
      }
    case 'step-started':
      if (entry.program === undefined)
        return { ...closedWith(state), stepCount: entry.step, phase: acting(entry, [], []) }
      return {
        ...state,
        stepCount: entry.step,
        settled: NOTHING_SETTLED,
        phase: acting(entry, state.held, state.forgotten),
        held: [],
        forgotten: [],
      }
    case 'call-requested':
      return putCall(state, {
        id: entry.call,
        tool: entry.tool,
        sent: entry.sent,
        input: entry.input,
        digest: entry.digest ?? entry.sent,
        effect: entry.effect,
        ...(entry.child === undefined ? {} : { child: entry.child }),
        attempt: 0,
        at: { is: PLACES[entry.approval] },
      })
    case 'verdict-given':
      return atPlace(state, entry.call, placeAfter(entry))
    case 'code-proposed': {
      const { step, source, program, digest, approval } = entry
      const place = { is: approval === 'judge' ? ('judging' as const) : ('unasked' as const) }
      return { ...state, phase: { at: 'approving', step, source, program, digest, place } }
    }
    case 'code-judged':
      return state.phase.at === 'approving'
        ? {
            ...state,
            phase: { ...state.phase, place: codePlaceAfter(entry) },
          }
        : state
    case 'question-asked':
      return askQuestion({ ...state, asked: state.asked + 1 }, entry)
    case 'question-answered':
      return answerQuestion(state, entry)
    case 'call-started':
      return changeCall(touchedBy(state, entry.call), entry.call, (call) => ({
        ...call,
        attempt: entry.attempt,
        at: { is: 'started' },
      }))
    case 'sleep-started':
      return atPlace(state, entry.call, { is: 'sleeping', due: entry.due })
    case 'call-failed':
      return atPlace(state, entry.call, { is: 'retrying', due: entry.retryAt })
    case 'call-returned':
      return settle(state, entry)
    case 'call-withdrawn':
      return {
        ...withdraw(state, entry.call, entry.why === 'interrupted'),
        forgotten: [...state.forgotten, entry.call],
      }
    case 'step-interrupted':
      return state.phase.at === 'acting' ? { ...state, phase: { ...state.phase, interrupted: true } } : state
    case 'call-orphaned':
      return changeCall(
        {
          ...state,
          strays: state.strays.filter((stray) => stray.call !== entry.call),
          usage: entry.usage === undefined ? state.usage : addUsage(state.usage, entry.usage),
        },
        entry.call,
        (call) => (entry.shown === undefined ? call : { ...call, late: entry.shown }),
      )
    case 'step-ended':
      return {
        ...state,
        task: {
          ...state.task,
          argsGiven: state.task.argsGiven || (state.phase.at === 'acting' && state.phase.compiled),
        },
        phase: {
          at: 'reviewing',
          step: entry.step,
          callbacksRan: 0,
          checksPassed: 0,
          ...(entry.answer === undefined ? {} : { answer: { value: entry.answer, reason: 'finalAnswer' } }),
        },
      }
    case 'step-killed':
      return {
        ...Object.keys(state.calls)
          .filter((call) => stepOf(call) === entry.step)
          .reduce((all, call) => withdraw(all, call), state),
        // What the heap had heard since the step began is undone with it, and not told to it again: code that went on
        // with such a result may have made calls, and must not make them twice.
        forgotten: [
          ...state.forgotten,
          ...(state.phase.at === 'acting' ? [...state.phase.forgot, ...state.phase.late] : []),
        ],
        phase: { at: 'reviewing', step: entry.step, callbacksRan: 0, checksPassed: 0 },
      }
    case 'callbacks-ran':
      return state.phase.at === 'reviewing' || state.phase.at === 'closing'
        ? { ...state, phase: { ...state.phase, callbacksRan: entry.index + 1 } }
        : state
    case 'check-passed':
      return state.phase.at === 'reviewing' ? { ...state, phase: passCheck(state.phase, entry) } : state
    case 'output-refused':
      return state.phase.at === 'reviewing'
        ? {
            ...closedOf(state, (by) => by === 'check'),
            phase: without(state.phase, 'answer', 'decisions'),
          }
        : state
    case 'output-given':
      return { ...state, phase: { at: 'closing', output: { value: entry.value, reason: entry.reason } } }
    case 'message-said':
      return {
        ...state,
        unheard: (state.unheard ?? 0) + 1,
        ...(entry.steers === undefined ? {} : { steered: entry.steers }),
      }
    case 'memory-edited':
      return state
    case 'options-changed':
      return {
        ...state,
        run: {
          ...state.run,
          options: { ...state.run.options, ...entry.options },
          model: entry.model ?? state.run.model,
          system: entry.system ?? state.run.system,
        },
        // Another model need not wait for what the one before asked.
        phase: entry.model === undefined ? state.phase : askAnew(state.phase),
        task: { ...state.task, maxSteps: entry.options.maxSteps ?? state.task.maxSteps },
      }
    case 'tools-changed':
      return { ...state, run: { ...state.run, tools: entry.tools, system: entry.system } }
    case 'run-paused': {
      const { traceparent, tracestate, baggage } = entry
      const paused: State = {
        ...state,
        pause: { cause: entry.cause, message: entry.message },
        // A carrier that the author gave with the pause overrides the run's own.
        run:
          traceparent === undefined
            ? state.run
            : {
                ...without(state.run, 'tracestate'),
                traceparent,
                ...(tracestate === undefined ? {} : { tracestate }),
                ...(baggage === undefined ? {} : { baggage }),
              },
      }
      if (entry.cause === 'model' && paused.phase.at === 'thinking')
        return { ...paused, phase: notAsked(paused.phase) }
      return entry.call === undefined ? paused : atPlace(paused, entry.call, { is: 'parked' })
    }
    case 'run-resumed':
      // A person who resumes a run that rested on its step limit grants it another round.
      return without(
        state.pause?.cause === 'limit' ? { ...state, ...granted(state, entry.seq) } : state,
        'pause',
      )
    case 'run-forked':
      return forkState(state, entry)
    case 'run-retried':
      return state.ended?.status === 'failed'
        ? without(
            {
              ...state,
              phase: askAnew(state.ended.phase),
              task: without(state.task, 'mistakes'),
              // Whoever tries again what a limit has failed grants as much again.
              ...(state.ended.code === 'LIMIT' ? granted(state, entry.seq) : {}),
            },
            'ended',
          )
        : state
    case 'task-completed':
      return without(
        {
          ...state,
          phase: { at: 'ended' },
          ended: { status: 'completed', output: entry.output, reason: entry.reason },
        },
        'pause',
      )
    case 'task-failed':
      return without(
        {
          ...state,
          phase: { at: 'ended' },
          ended: { status: 'failed', code: entry.code, message: entry.message, phase: state.phase },
        },
        'pause',
      )
    case 'run-stopped':
      return without(
        {
          ...Object.keys(state.calls).reduce((all, call) => withdraw(all, call), state),
          questions: {},
          phase: { at: 'ended' },
          ended: { status: 'stopped', message: entry.message },
        },
        'pause',
      )
    default:
      return entry satisfies never
  }
}

/** Where a call is, once it is asked for. */
const PLACES = { never: 'ready', always: 'unasked', judge: 'judging' } as const

/** The parent's calls that still fly are the parent's; what this run owes to anybody begins here. */
function forkState(state: State, entry: Entry<'run-forked'>): State {
  const { seed, traceparent, tracestate } = entry
  return {
    ...state,
    firstSeed: state.firstSeed ?? state.run.seed,
    run: {
      ...without(state.run, 'tracestate', 'parent'),
      seed,
      traceparent,
      ...(tracestate === undefined ? {} : { tracestate }),
    },
    phase: afterFork(state.phase),
    strays: [],
  }
}

/** A person's word for an answer was for the run that it was given in: the checks that asked for one begin again. */
function afterFork(phase: Phase): Phase {
  if (phase.at !== 'reviewing') return afterCrash(phase)
  const { decisions = [], checksPassed } = phase
  const firstSigned = Math.min(checksPassed, ...decisions.map(({ index }) => index))
  return { ...without(phase, 'decisions'), checksPassed: firstSigned }
}

/** As much again of all that is limited. */
function granted(state: State, seq: number): Pick<State, 'grantedAt' | 'asked' | 'task' | 'money'> {
  return {
    grantedAt: seq,
    asked: 0,
    task: { ...without(state.task, 'plannedAt'), turns: 0, driven: 0 },
    money: grantedMoney(state),
  }
}

function thinkNext(state: State): Phase {
  return { at: 'thinking', step: state.stepCount + 1, attempt: 0, purpose: 'step', called: false }
}

function afterCrash(phase: Phase): Phase {
  return phase.at === 'thinking' ? { ...without(phase, 'since'), called: false } : phase
}

/** From the first attempt on, at once. */
function askAnew(phase: Phase): Phase {
  return phase.at === 'thinking'
    ? without({ ...phase, called: false, attempt: 0 }, 'retryAt', 'since')
    : phase
}

function acting(entry: Entry<'step-started'>, late: readonly CallId[], forgot: readonly CallId[]): Phase {
  return {
    at: 'acting',
    step: entry.step,
    since: entry.seq,
    compiled: entry.program !== undefined,
    late,
    forgot,
  }
}

function passCheck(phase: Extract<Phase, { at: 'reviewing' }>, entry: Entry<'check-passed'>): Phase {
  const { answer } = phase
  const changed =
    answer === undefined || entry.value === undefined ? answer : { ...answer, value: entry.value }
  return {
    ...phase,
    checksPassed: entry.index + 1,
    ...(changed === undefined ? {} : { answer: changed }),
  }
}
