/**
 * Driving one run in this process: its events on stderr, its questions at the terminal if there is one, its result on
 * stdout.
 */
import { isPersistentAgentError } from '../base/errors.ts'
import type { TaskOptions } from '../code-agent.ts'
import type { RunRow, Store } from '../journal/store.ts'
import type { PersistentCodeAgent } from '../persistent-code-agent.ts'
import type { RunEvent } from '../run/event.ts'
import { recover } from '../run/recover.ts'
import { resultOf, type Question, type RunResult } from '../run/result.ts'
import type { Run } from '../run/run.ts'
import { Doing } from './doing.ts'
import { exitOf, failureOf } from './failure.ts'
import { interruption } from './interrupt.ts'
import { tellResult } from './outcome.ts'
import { near, quoted, type Place } from './place.ts'
import { Progress } from './progress.ts'
import { askPerson, terminalOf } from './prompt.ts'
import { rememberModule } from './remembered.ts'
import type { Screen } from './screen.ts'
import { statusLine } from './status.ts'
import { safe } from './text.ts'
import { tellUncaught } from './uncaught.ts'

export interface Drive {
  readonly screen: Screen
  readonly place: Place
  readonly agent: PersistentCodeAgent
  /** The absolute path of the agent's module: remembered for this run. */
  readonly module: string
  readonly wait: boolean
}

/** Starts or goes on with a run, until it rests and nobody here can move it on. Gives the exit code. */
export async function driveRun(drive: Drive, task: string, options: TaskOptions): Promise<number> {
  const { screen, place, agent, module, wait } = drive
  const abortSignal = interruption(screen, 'Pausing at the next safe point. Once more leaves at once.')
  let goOn = `pca resume${place.flag}`
  tellUncaught(screen, () => goOn)
  const view = new View(screen)
  if (options.reset === false) for await (const event of agent.events()) view.learn(event)
  let run = await agent.start(task, { ...options, abortSignal, wait })
  const named = ` --agent ${quoted(near(module))}`
  goOn = `pca resume ${run.id}${place.flag}${named}`
  screen.err.line(screen.err.paint('dim', `run ${run.id}`))
  const [first, known] = await Promise.all([view.watch(run), rememberModule(place.file, run.id, module)])
  const flags = { store: place.flag, agent: known ? '' : named }
  let result = first
  while (result.status === 'paused' && (await askAll(drive, result.questions, abortSignal))) {
    run = await agent.start(agent.task, { reset: false, abortSignal, wait })
    result = await view.watch(run)
  }
  tellResult(screen, result, flags)
  return exitOf(result)
}

/** Tells the result of a run that came to its end for good, and gives the exit code; `undefined`: it can go on. */
export async function tellStored(
  { screen, place, store }: Pick<Drive, 'screen' | 'place'> & { readonly store: Store },
  { runId, status }: RunRow,
): Promise<number | undefined> {
  if (status !== 'completed' && status !== 'stopped') return undefined
  const { state } = await recover(store, runId)
  const result = await resultOf(store, state, { durationMs: 0, inFlight: [] })
  tellResult(screen, result, { store: place.flag, agent: '' })
  return exitOf(result)
}

/** Tells a run's events as they come, and at a terminal what it is doing meanwhile. */
class View {
  readonly #screen: Screen
  readonly #progress: Progress
  readonly #doing = new Doing()

  constructor(screen: Screen) {
    this.#screen = screen
    this.#progress = new Progress(screen.err)
  }

  learn(event: RunEvent): void {
    this.#progress.learn(event)
    this.#doing.learn(event)
  }

  async watch(run: Run): Promise<RunResult> {
    using _status = statusLine(this.#screen.err, () => this.#doing.told(Date.now()))
    for await (const event of run.events()) {
      this.#doing.hear(event)
      this.#progress.hear(event)
    }
    return await run.result()
  }
}

/** Asks the person at the terminal, if there is one. True if a decision was recorded. */
async function askAll(
  { screen, agent }: Drive,
  questions: readonly Question[],
  abortSignal: AbortSignal,
): Promise<boolean> {
  if (abortSignal.aborted || screen.json || !process.stdin.isTTY || !screen.err.isTerminal) return false
  let answered = false
  for (const question of questions) {
    const decision = await askPerson(terminalOf(screen.err, abortSignal), question)
    if (decision === undefined) return answered
    try {
      await agent.answer(question.id, decision)
    } catch (error) {
      // It does not fit, or somebody else was faster: the run, or the next round, tells.
      if (!isPersistentAgentError(error)) throw error
      screen.err.line(screen.err.paint('red', safe(failureOf(error).message)))
    }
    answered = true
  }
  return answered
}
