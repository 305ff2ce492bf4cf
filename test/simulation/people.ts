/**
 * The people around the runs: they begin them, say what the scenario tells them to say, and answer every question. They are
 * honest: asked whether a call happened, they look.
 */
import { isPersistentAgentError } from '../../src/base/errors.ts'
import type { Definition } from '../../src/agent/definition.ts'
import type { Decision, RunId } from '../../src/journal/entry.ts'
import type { QuestionRow, Store } from '../../src/journal/store.ts'
import { RUN_CODE } from '../../src/base/run-code.ts'
import { createRun } from '../../src/run/begin.ts'
import { editAlone } from '../../src/run/edit.ts'
import { forkRun } from '../../src/run/fork.ts'
import { withdrawDecision } from '../../src/run/rules.ts'
import { Run } from '../../src/run/run.ts'
import { answerQuestion, haltRun, sendSignal } from '../../src/run/signal.ts'
import type { Guests } from '../../src/sandbox/guests.ts'
import type { Surroundings } from './agent.ts'
import { sourceOf } from './program.ts'
import type { Command } from './scenario.ts'
import { Outage } from './wire.ts'
import type { Process, World } from './world.ts'

/** What was acknowledged to somebody: it must stand. */
export type Acknowledged =
  | { readonly is: 'begun'; readonly run: RunId }
  | { readonly is: 'answered'; readonly run: RunId; readonly question: string; readonly decision: Decision }
  | { readonly is: 'stopped'; readonly run: RunId }
  | { readonly is: 'said'; readonly run: RunId; readonly text: string }
  | { readonly is: 'edited'; readonly run: RunId; readonly task: string }

export interface Office extends Surroundings {
  readonly acknowledged: Acknowledged[]
  /** Commands that have been given: a person who is killed does not begin again from the first. */
  given: number
  readonly agent: (process: Process) => Definition
}

/** What a person works with. */
interface Desk {
  readonly process: Process
  readonly store: Store
  readonly definition: Definition
  readonly guests: Guests
}

/** How long people wait before they look again, in ms. */
const ROUND = 2_000
/** One person's day, until the process ends. */
export async function work(process: Process, office: Office, guests: Guests): Promise<void> {
  const store = office.wire.connect(process)
  const definition = office.agent(process)
  for (const run of office.scenario.scripts.keys()) await begin(store, definition, run, office)
  const commands = give({ process, store, definition, guests }, office)
  for (;;) {
    await rest(process, ROUND)
    const questions = (await tolerated(office, async () => store.questions({}))) ?? []
    for (const question of questions) await answer(store, question, office)
    if (office.wire.isQuiet) await commands
    if (office.wire.isQuiet) await goOn(store, office)
  }
}

async function begin(store: Store, definition: Definition, run: number, office: Office): Promise<void> {
  const runId = runIdOf(run)
  for (;;) {
    const begun = await tolerated(office, async () =>
      createRun(store, definition, { task: `Do ${runId}.`, runId, seed: `seed of ${runId}` }),
    )
    if (begun === undefined) continue
    office.acknowledged.push({ is: 'begun', run: runId })
    return
  }
}

async function give(desk: Desk, office: Office): Promise<void> {
  for (const command of office.scenario.commands.slice(office.given)) {
    await rest(desk.process, command.gap)
    office.given++
    await tolerated(office, async () => obey(desk, command, office))
  }
}

async function obey(desk: Desk, command: Command, office: Office): Promise<void> {
  const { process, store, definition, guests } = desk
  const root = runIdOf(command.run % office.scenario.scripts.length)
  const { acknowledged, world, given } = office
  const isHalt = command.kind === 'stop' || command.kind === 'pause'
  const run = isHalt && world.random.below(4) === 0 ? await oneBelow(store, root) : root
  switch (command.kind) {
    case 'stop':
      await haltRun(store, run, { kind: 'stop', reason: 'stopped' })
      acknowledged.push({ is: 'stopped', run })
      if (Object.values(office.journals.of(run).state?.calls ?? {}).some((call) => call.at.is === 'started'))
        world.reached('C13: stopped while a call was under way')
      return
    case 'pause':
      return haltRun(store, run, { kind: 'pause', reason: 'paused' })
    case 'say':
    case 'interrupt': {
      const text = `word ${given}`
      await sendSignal(store, run, { kind: command.kind, text })
      acknowledged.push({ is: 'said', run, text })
      return
    }
    case 'edit': {
      const task = `Do ${run}. Edited ${given}.`
      await editAlone(store, run, { of: 'task', number: 1, patch: { task } })
      acknowledged.push({ is: 'edited', run, task })
      return
    }
    case 'fork': {
      const runId = `${run}-fork-${given}`
      await forkRun(store, run, { runId, seed: `seed of ${runId}` })
      acknowledged.push({ is: 'begun', run: runId })
      return
    }
    case 'withdraw': {
      const [rule] = await store.rules({})
      if (rule !== undefined) await withdrawDecision(store, rule.question)
      return
    }
    case 'resume':
      await store.signal(run, `resume ${given}`, { kind: 'resume' })
      return
    case 'drive':
    case 'abort': {
      const { clock } = process
      const stop = new AbortController()
      if (command.kind === 'abort') clock.after(700, () => stop.abort('aborted'), stop.signal)
      const { signal: abortSignal } = stop
      const driving = new Run({ store, definition, runId: run, why: 'resume', clock, guests, abortSignal })
      void tolerated(office, async () => driving.result())
      return
    }
    default:
      return command.kind satisfies never
  }
}

/** An agent that the run has called, which a person speaks to alone; the run itself, where there is none. */
async function oneBelow(store: Store, rootRunId: RunId): Promise<RunId> {
  const open = await store.runs({ rootRunId, status: ['running', 'paused'] }, 10)
  return open.find(({ runId }) => runId !== rootRunId)?.runId ?? rootRunId
}

/** Two people answer, now and then, and only one of them is heard. */
async function answer(store: Store, question: QuestionRow, office: Office): Promise<void> {
  const decisions = decisionsOn(question, office)
  await Promise.all(
    decisions.map(async (decision) => {
      const { runId: run, id } = question
      const done = await tolerated(office, async () => {
        await answerQuestion(store, run, id, decision)
        return true
      })
      if (done === true) office.acknowledged.push({ is: 'answered', run, question: id, decision })
    }),
  )
}

function decisionsOn(question: QuestionRow, { world, ledger, scenario }: Office): readonly Decision[] {
  const { kind, call, runId } = question
  const lot = world.random.below(4)
  switch (kind) {
    case 'approval': {
      const [other] = scenario.helper
      const { tool } = JSON.parse(call ?? '{}') as { readonly tool?: string }
      const isCode = tool === RUN_CODE
      if (lot === 0) return [{ type: 'reject', reason: 'no' }]
      if (lot === 1) return [{ type: 'approve' }, { type: 'reject' }]
      if (lot === 2 && isCode && other !== undefined)
        return [{ type: 'edit', args: { code: sourceOf(other) } }, { type: 'approve' }]
      if (lot === 2 && !isCode) {
        const scope = world.random.chance(0.5) ? ('run' as const) : ('agent' as const)
        return world.random.chance(0.5)
          ? [{ type: 'approve', remember: { scope } }]
          : [
              { type: 'edit', args: { edited: true } },
              { type: 'respond', value: 'instead' },
            ]
      }
      return [{ type: 'approve' }]
    }
    case 'input':
      return lot === 0
        ? [
            { type: 'respond', value: 'a' },
            { type: 'respond', value: 'b' },
          ]
        : [{ type: 'respond', value: 'a' }]
    case 'unknownOutcome': {
      const { id, tool } = JSON.parse(call ?? '{}') as { readonly id: string; readonly tool: string }
      const [effect] = ledger.of(runId, id, tool)
      if (effect !== undefined) return [{ type: 'respond', value: effect.value }]
      return [lot === 0 ? { type: 'reject', reason: 'never mind' } : { type: 'approve' }]
    }
    case 'budget':
    case 'diverged':
      return [{ type: 'approve' }]
    default:
      return kind satisfies never
  }
}

/** When all is quiet, what rests for a person is resumed by one. */
async function goOn(store: Store, office: Office): Promise<void> {
  const paused = (await tolerated(office, async () => store.runs({ status: ['paused'] }, 10))) ?? []
  for (const { runId, rootRunId, cause, lastSeq } of paused) {
    if (runId === rootRunId && cause !== 'waiting' && cause !== 'diverged')
      await tolerated(office, async () => store.signal(runId, `go on ${lastSeq}`, { kind: 'resume' }))
  }
}

/** Refusals and outages are part of the world; anything else is a defect. */
export async function tolerated<Result>(
  { world }: Pick<Office, 'world'>,
  work: () => Promise<Result>,
): Promise<Result | undefined> {
  try {
    return await work()
  } catch (error) {
    const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
    for (const one of errors) judgeError(one, world)
    return undefined
  }
}

function judgeError(error: unknown, world: World): void {
  if (error instanceof Outage) return
  if (!isPersistentAgentError(error)) {
    world.violation(
      `An error that is not typed: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
    )
    return
  }
  world.note(`  refused: ${error.code} ${error.message}`)
  world.reached(`error: ${error.code}`)
  const tooLate = error.code === 'USAGE' && /has expired|is stopped|exists already/.test(error.message)
  if (error.code === 'STATE_CORRUPT' || (error.code === 'USAGE' && !tooLate))
    world.violation(`${error.code}: ${error.message}`)
}

export async function rest(process: Process, ms: number): Promise<void> {
  await new Promise<void>((resolve) => process.clock.after(ms, resolve, new AbortController().signal))
}

export function runIdOf(run: number): RunId {
  return `run-${run}`
}
