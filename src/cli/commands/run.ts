/** `pca run`: a new run, until it rests. */
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { milliseconds } from '../../base/duration.ts'
import { UsageError } from '../../base/errors.ts'
import type { TaskOptions } from '../../code-agent.ts'
import { loadAgent, settle } from '../agent-module.ts'
import { warmWorker } from '../../sandbox/sandbox-thread.ts'
import { jsonOf } from '../decide.ts'
import { driveRun, tellStored } from '../drive.ts'
import { openStore, placeOf } from '../place.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { undeclaredTools } from '../undeclared.ts'

export interface RunOptions {
  readonly id?: string
  readonly input?: readonly string[]
  readonly maxSteps?: string
  readonly maxCost?: string
  readonly timeout?: string
  readonly wait?: boolean
}

export async function run(
  screen: Screen,
  settings: Settings,
  given: { readonly module: string | undefined; readonly task: string | undefined },
  options: RunOptions,
): Promise<number> {
  const { module, task: typed } = argumentsOf(given, settings)
  const inputs = inputsOf(options.input ?? [])
  const { defaults } = settings
  const limits = { ...limitsOf(textOf(defaults)), ...limitsOf(options) }
  const task = typed === '-' ? (await text(process.stdin)).trim() : typed
  if (task === undefined || task.trim() === '') {
    throw new UsageError('There is no task.', {
      hint: `Write it after the module, or '-' to read it from stdin: pca run ${module} '<task>'`,
    })
  }
  // The sandbox's thread starts while the module is loaded.
  warmWorker()
  const agent = await loadAgent(module)
  const place = placeOf(settings, storageOf(agent.storagePath, module, settings))
  await using store = openStore(place, 'create')
  settle(agent, store)
  const before = options.id === undefined ? undefined : await store.run(options.id)
  if (before?.task === task) {
    const stored = await tellStored({ screen, place, store }, before)
    if (stored !== undefined) return stored
  }
  const undeclared = undeclaredTools(agent)
  if (undeclared !== undefined) screen.err.line(screen.err.paint('dim', undeclared))
  const drive = {
    screen,
    place,
    agent,
    module: resolve(module),
    wait: options.wait ?? defaults.wait === true,
  }
  return await driveRun(drive, task, {
    ...(options.id === undefined ? {} : { runId: options.id }),
    ...(inputs === undefined ? {} : { additionalArgs: inputs }),
    ...limits,
  })
}

/** With `--agent` or PCA_AGENT, the first word may be the task already. */
function argumentsOf(
  { module, task }: { readonly module: string | undefined; readonly task: string | undefined },
  { agent: named, usualAgent }: Settings,
): { readonly module: string; readonly task: string | undefined } {
  const agent = named ?? usualAgent
  if (agent !== undefined && task === undefined) return { module: agent, task: module }
  if (module !== undefined) return { module, task }
  throw new UsageError('There is no agent.', { hint: `Name its module: pca run agent.ts '<task>'` })
}

/** @throws {UsageError} the agent has a store of its own, which is no file. */
function storageOf(storagePath: string | undefined, module: string, settings: Settings): string | undefined {
  if (storagePath !== undefined || settings.store !== undefined) return storagePath
  throw new UsageError(`The agent of ${module} keeps its runs in a store of its own; pca works with files.`, {
    hint: 'Name a file for this run: --store <path>',
  })
}

/** `k=v`: `v` is JSON where it reads as JSON, else text. */
function inputsOf(pairs: readonly string[]): Readonly<Record<string, unknown>> | undefined {
  if (pairs.length === 0) return undefined
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) throw new UsageError(`--input ${pair}: write it as name=value.`)
      const typed = pair.slice(at + 1)
      return [pair.slice(0, at), [...jsonOf(typed), typed][0]]
    }),
  )
}

/** As if they had been typed. */
function textOf({ maxSteps, maxCost, timeout }: Settings['defaults']): RunOptions {
  return {
    ...(maxSteps === undefined ? {} : { maxSteps: String(maxSteps) }),
    ...(maxCost === undefined ? {} : { maxCost: String(maxCost) }),
    ...(timeout === undefined ? {} : { timeout: typeof timeout === 'number' ? `${timeout}ms` : timeout }),
  }
}

function limitsOf({
  maxSteps,
  maxCost,
  timeout,
}: RunOptions): Pick<TaskOptions, 'maxSteps' | 'maxCost' | 'timeout'> {
  if (maxSteps !== undefined && !/^[1-9]\d{0,8}$/.test(maxSteps))
    throw new UsageError(`--max-steps ${maxSteps}: a whole number above 0.`)
  if (maxCost !== undefined && !(/^\d+(\.\d+)?$/.test(maxCost) && Number(maxCost) > 0))
    throw new UsageError(`--max-cost ${maxCost}: US dollars above 0, for example 0.50.`)
  return {
    ...(maxSteps === undefined ? {} : { maxSteps: Number(maxSteps) }),
    ...(maxCost === undefined ? {} : { maxCost: Number(maxCost) }),
    ...(timeout === undefined ? {} : { timeout: milliseconds(timeout, '--timeout') }),
  }
}
