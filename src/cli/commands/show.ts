/** `pca show`: what happened in a run, step by step, or entry by entry. Loads nothing that drives. */
import { UsageError } from '../../base/errors.ts'
import { showDuration } from '../../base/duration.ts'
import type { ActionStep, MemoryStep } from '../../agent/memory.ts'
import type { Entry } from '../../journal/entry.ts'
import { stepOf } from '../../journal/view.ts'
import { inspectRun, type Inspection } from '../../run/inspect.ts'
import { readJournal } from '../../run/recover.ts'
import { openQuestions, type Question } from '../../run/result.ts'
import { readVariables, variablesOf } from '../../run/variables.ts'
import { findRun } from '../find.ts'
import { openStore, storePlace, type Place } from '../place.ts'
import { notesOf, tellNote } from '../notes.ts'
import { inputOf, nameOf } from '../progress.ts'
import { answersTo, tellQuestion } from '../questions.ts'
import type { Pen, Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { highlighted } from '../highlight.ts'
import { slicesOf, tellTimeline, totalsOf } from '../timeline.ts'
import { tellVariables } from '../variables.ts'
import { counted, cut, indented, jsonText, oneLine, safe, shown } from '../text.ts'

export interface ShowOptions {
  readonly step?: string
  readonly events?: boolean
  readonly vars?: boolean
}

export async function show(
  screen: Screen,
  settings: Settings,
  given: string,
  options: ShowOptions,
): Promise<number> {
  const step = stepNumber(options.step)
  if (step !== undefined && options.events === true)
    throw new UsageError('--step and --events do not go together.')
  if (options.vars === true && options.events === true)
    throw new UsageError('--vars and --events do not go together.')
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  const { runId } = await findRun(store, given)
  const entries = await readJournal(store, runId)
  if (options.events === true) {
    tellEntries(screen, runId, entries)
    return 0
  }
  const run = await inspectRun(store, runId, step === undefined ? {} : { step })
  const steps = run.memory.steps.filter(
    (it) => step === undefined || (it.kind === 'action' && it.number === step),
  )
  const questions = step === undefined ? await openQuestions(store, runId) : []
  const upTo = step === undefined ? entries : entries.slice(0, endOf(entries, step))
  const variables =
    options.vars !== true
      ? undefined
      : step === undefined
        ? await readVariables(store, runId, entries)
        : variablesOf(upTo)
  const isOpen = (run.status === 'running' || run.status === 'paused') && step === undefined
  const slices = slicesOf(upTo, isOpen ? store.now() : undefined)
  if (screen.json) {
    const { memory, ...rest } = run
    const wanted = new Set<unknown>(steps)
    const plainSteps = memory.toJSON().steps.filter((_, at) => wanted.has(memory.steps[at]))
    screen.data({
      v: 1,
      ...rest,
      steps: plainSteps,
      time: totalsOf(slices),
      ...(variables === undefined ? {} : variables),
    })
    return 0
  }
  const whole = step === undefined
  const notes = notesOf(whole ? entries : [])
  tellRun(screen.out, run, { steps, calls: callsOf(entries), notes, whole })
  if (variables !== undefined) tellVariables(screen.out, variables, !whole)
  if (whole) tellTimeline(screen.out, slices)
  tellWayOn(screen.out, run, questions, place)
  return 0
}

/** How many entries there are when a step has ended. */
function endOf(entries: readonly Entry[], step: number): number {
  return (
    1 + entries.findIndex((it) => (it.kind === 'step-ended' || it.kind === 'step-killed') && it.step === step)
  )
}

function stepNumber(typed: string | undefined): number | undefined {
  if (typed === undefined) return undefined
  if (/^[1-9]\d{0,8}$/.test(typed)) return Number(typed)
  throw new UsageError(`--step ${typed}: a whole number above 0.`)
}

/** A call as one line says it. */
interface CallLine {
  readonly step: number
  readonly id: string
  readonly tool: string
  readonly what: string
  readonly startedAt?: number
  readonly how: string
}

type Calls = readonly CallLine[]

function callsOf(entries: readonly Entry[]): Calls {
  const calls = new Map<string, CallLine>()
  const asking = new Map<string, string>()
  /** Whose result a person gave. */
  const given = new Set<string>()
  const change = (id: string, change: (call: CallLine) => Partial<CallLine>): void => {
    const call = calls.get(id)
    if (call !== undefined) calls.set(id, { ...call, ...change(call) })
  }
  for (const entry of entries) {
    if (entry.kind === 'call-requested')
      calls.set(entry.call, {
        step: stepOf(entry.call),
        id: entry.call,
        tool: nameOf(entry.tool),
        what: `${nameOf(entry.tool)}(${inputOf(entry.input)})`,
        how: 'open',
      })
    else if (entry.kind === 'question-asked' && entry.call !== undefined)
      asking.set(entry.question, entry.call)
    else if (entry.kind === 'question-answered' && entry.decision.type === 'respond')
      given.add(asking.get(entry.question) ?? '')
    else if (entry.kind === 'question-answered' && entry.edited !== undefined) {
      const { input } = entry.edited
      change(asking.get(entry.question) ?? '', ({ tool }) => ({
        what: `${tool}(${inputOf(input)}) (edited)`,
      }))
    } else if (entry.kind === 'call-started')
      change(entry.call, () => ({ startedAt: entry.at, how: 'in flight' }))
    else if (entry.kind === 'call-withdrawn') change(entry.call, () => ({ how: `withdrawn (${entry.why})` }))
    else if (entry.kind === 'call-returned')
      change(entry.call, ({ startedAt }) => ({
        how: `${entry.outcome.ok ? (given.has(entry.call) ? 'returned what a person answered' : 'returned') : `failed: ${oneLine(entry.outcome.error.message)}`}${startedAt === undefined ? '' : ` (${showDuration(entry.at - startedAt)})`}`,
      }))
  }
  return [...calls.values()]
}

function tellRun(
  pen: Pen,
  run: Inspection,
  {
    steps,
    calls,
    notes,
    whole,
  }: {
    readonly steps: readonly MemoryStep[]
    readonly calls: Calls
    readonly notes: ReturnType<typeof notesOf>
    readonly whole: boolean
  },
): void {
  const status = run.leftBehind === true ? 'running, and left behind: nobody drives it' : run.status
  pen.line(
    `${pen.paint('bold', run.runId)}  ${status}  ${safe(run.agent)}  ${counted(run.stepCount, 'step')}`,
  )
  if (run.reason !== undefined) pen.line(`  ${safe(run.reason)}`)
  if (run.wakeAt !== undefined) pen.line(`  It can go on by itself at ${run.wakeAt.toISOString()}.`)
  for (const [at, step] of steps.entries()) {
    pen.line()
    if (step.kind === 'task')
      pen.line(`${pen.paint('bold', `Task ${step.number}`)}\n${indented(safe(step.task))}`)
    else if (step.kind === 'planning')
      pen.line(`${pen.paint('bold', `Plan ${step.number}`)}\n${indented(safe(step.plan))}`)
    else if (step.kind === 'action')
      tellAction(
        pen,
        step,
        calls.filter((call) => call.step === step.number),
      )
    else pen.line(`${pen.paint('bold', `Answer (${step.reason})`)}\n${indented(answerOf(step.output))}`)
    for (const note of notes.get(at + 1) ?? []) tellNote(pen, note)
  }
  if (!whole || run.calls.length === 0) return
  pen.line(`\n${pen.paint('bold', 'Open calls')}`)
  for (const call of run.calls) pen.line(`  ${call.id} ${nameOf(call.tool)}: ${call.waits}`)
}

/** Lines of an answer; `--json` has all of it. */
const MOST_LINES = 200

function answerOf(output: unknown): string {
  const lines = (typeof output === 'string' ? safe(output) : shown(output)).split('\n')
  if (lines.length <= MOST_LINES) return lines.join('\n')
  return [
    ...lines.slice(0, MOST_LINES),
    `… ${counted(lines.length - MOST_LINES, 'more line')}; --json has all of it`,
  ].join('\n')
}

function tellAction(pen: Pen, step: ActionStep, calls: Calls): void {
  pen.line(
    `${pen.paint('bold', `Step ${step.number}`)}${step.durationMs > 0 ? pen.paint('dim', `  ${showDuration(step.durationMs)}`) : ''}`,
  )
  if (step.thought !== '') pen.line(indented(safe(step.thought)))
  for (const line of highlighted(step.code.trimEnd(), Infinity, (paint, text) => pen.paint(paint, text)))
    pen.line(line === '' ? '' : `    ${line}`)
  for (const { id, what, how } of calls)
    pen.line(pen.paint('cyan', cut(`  ${id} ${what} ${how}`, Math.max(pen.columns, 40))))
  if (step.output !== '') pen.line(indented(safe(step.output.trimEnd()), '  | '))
  if (step.value !== undefined) pen.line(`  = ${indented(safe(step.value), '    ').trimStart()}`)
  if (step.error !== undefined)
    pen.line(pen.paint('red', `  ${safe(`${step.error.name}: ${step.error.message}`)}`))
}

function tellWayOn(pen: Pen, run: Inspection, questions: readonly Question[], place: Place): void {
  for (const question of questions) {
    pen.line()
    tellQuestion(pen, question, Date.now())
    pen.line(indented(answersTo(question, place.flag).join('\n')))
  }
  if (run.status === 'paused' || run.status === 'failed' || run.leftBehind === true) {
    pen.line(`\n${run.status === 'failed' ? 'Try again' : 'Go on'}: pca resume ${run.runId}${place.flag}`)
  }
}

/** What stands elsewhere in an entry's line, or says nothing to a person. */
const PLACE: ReadonlySet<string> = new Set(['seq', 'at', 'kind', 'epoch', 'v'])

function tellEntries(screen: Screen, runId: string, entries: readonly Entry[]): void {
  for (const entry of entries) {
    const { seq, at, kind } = entry
    const body = Object.fromEntries(Object.entries(entry).filter(([name]) => !PLACE.has(name)))
    if (screen.json) screen.data({ ...entry, at: new Date(at) })
    else
      screen.out.line(
        cut(
          `${String(seq).padStart(4)}  ${new Date(at).toISOString()}  ${screen.out.paint('bold', kind)}  ${oneLine(jsonText(body))}`,
          screen.out.columns,
        ),
      )
  }
  if (screen.json) screen.data({ v: 1, runId, events: entries.length })
}
