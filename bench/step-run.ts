/** One run of many steps, each with one request to the model and one tool call whose result is 2 KB. */
import { memoryStore, PersistentCodeAgent, sqliteStore, tool, type Store } from '../src/index.ts'
import { read, type Reading } from './measure.ts'
import { instantModel } from './model.ts'
import { watched, type Commit } from './watched.ts'

export const PAYLOAD = 2_048
const text = 'x'.repeat(PAYLOAD)

export interface Variant {
  readonly name: string
  readonly store: 'sqlite' | 'memory'
  readonly effect: 'read' | 'keyed' | 'once'
  /** The step's program. */
  readonly code: string
}

const QUIET = 'const last = await look({ n: 1 })\nprint(last.length)'
const LOUD = 'print(await look({ n: 1 }))'

/** Its result becomes part of the prompt. */
export const PRINTING: Variant = {
  name: 'SQLite, once, prints it',
  store: 'sqlite',
  effect: 'once',
  code: LOUD,
}

export const VARIANTS: readonly Variant[] = [
  { name: 'memory store, read', store: 'memory', effect: 'read', code: QUIET },
  { name: 'SQLite, read', store: 'sqlite', effect: 'read', code: QUIET },
  { name: 'SQLite, keyed', store: 'sqlite', effect: 'keyed', code: QUIET },
  { name: 'SQLite, once', store: 'sqlite', effect: 'once', code: QUIET },
  PRINTING,
]

export interface Ran {
  /** A reading at each request to the model, from 1. */
  readonly at: readonly Reading[]
  /** How many commits there were at each. */
  readonly commitsAt: readonly number[]
  readonly commits: readonly Commit[]
  readonly signalsRead: number
}

export async function runOnce(
  variant: Variant,
  path: string,
  steps: number,
  onStep: (n: number) => void = () => undefined,
): Promise<Ran> {
  const inner: Store = variant.store === 'memory' ? memoryStore() : sqliteStore(path)
  const { store, commits, asked } = watched(inner)
  const at: Reading[] = []
  const commitsAt: number[] = []
  const model = instantModel(
    (n) => (n > steps ? 'finalAnswer(0)' : variant.code),
    (n) => {
      onStep(n)
      at[n] = read()
      commitsAt[n] = commits.length
    },
  )
  const look = tool({
    name: 'look',
    description: 'Looks',
    effect: variant.effect,
    inputSchema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
    execute: () => text,
  })
  await using agent = new PersistentCodeAgent({ model, tools: [look], store, maxSteps: steps + 2 })
  const result = await agent.run('Look', { runId: 'bench' })
  if (result.status !== 'completed') throw new Error(`The run ended as ${result.status}`)
  return { at, commitsAt, commits: commits.slice(), signalsRead: asked.get('signals') ?? 0 }
}

/** The steps around a point: near enough to be that step, enough of them for a median. */
export function around(point: number): readonly number[] {
  const reach = Math.max(1, Math.min(10, Math.floor(point / 3)))
  return Array.from({ length: 2 * reach }, (_none, index) => point - reach + 1 + index)
}
