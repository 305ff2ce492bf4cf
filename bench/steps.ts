/**
 * 1. What a step costs: one request to the model, one tool call whose result is 2 KB, at step 10, 100 and 400.
 *
 * Rounds are interleaved over the variants, because the load of a shared machine comes and goes. The bytes have a run of
 * their own: looking at the file disturbs the clock.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { toMessages } from '../src/agent/messages.ts'
import { memoryStore, PersistentCodeAgent, sqliteStore, tool, type Store } from '../src/index.ts'
import { readStory } from '../src/run/recover.ts'
import { bareTransactions } from './floor.ts'
import { medianOf, read, spreadOf, written, type Reading } from './measure.ts'
import { instantModel } from './model.ts'
import { peerSteps } from './quoted.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'
import { watched, type Commit } from './watched.ts'

const PAYLOAD = 2_048
const text = 'x'.repeat(PAYLOAD)

interface Variant {
  readonly name: string
  readonly store: 'sqlite' | 'memory'
  readonly effect: 'read' | 'keyed' | 'once'
  /** The step's program. */
  readonly code: string
}

const QUIET = 'const last = await look({ n: 1 })\nprint(last.length)'
const LOUD = 'print(await look({ n: 1 }))'

const VARIANTS: readonly Variant[] = [
  { name: 'memory store, read', store: 'memory', effect: 'read', code: QUIET },
  { name: 'SQLite, read', store: 'sqlite', effect: 'read', code: QUIET },
  { name: 'SQLite, keyed', store: 'sqlite', effect: 'keyed', code: QUIET },
  { name: 'SQLite, once', store: 'sqlite', effect: 'once', code: QUIET },
  { name: 'SQLite, once, prints it', store: 'sqlite', effect: 'once', code: LOUD },
]

interface Ran {
  /** A reading at each request to the model, from 1. */
  readonly at: readonly Reading[]
  /** How many commits there were at each. */
  readonly commitsAt: readonly number[]
  readonly commits: readonly Commit[]
  readonly signalsRead: number
}

export async function stepsTable(settings: Settings): Promise<readonly Table[]> {
  const { quick } = settings
  const points = quick ? [3, 6] : [10, 100, 400]
  const last = (around(points.at(-1) ?? 0).at(-1) ?? 0) + 1
  const dir = mkdtempSync(join(settings.dir, 'steps-'))
  try {
    const variants = quick ? VARIANTS.slice(0, 2) : VARIANTS
    const runs = new Map<string, Ran[]>(variants.map(({ name }) => [name, []]))
    const floors = new Map<string, (readonly Reading[])[]>(variants.map(({ name }) => [name, []]))
    await runOnce(variants[0], join(dir, 'warm.db'), quick ? 4 : 40)
    for (let round = 0; round < (quick ? 1 : settings.rounds); round++) {
      for (const variant of variants) {
        const path = join(dir, `${round}-${variant.name}.db`)
        const ran = await runOnce(variant, path, last)
        runs.get(variant.name)?.push(ran)
        const sizes = ran.commits.map((commit) => commit.bytes)
        if (variant.store === 'sqlite')
          floors.get(variant.name)?.push(bareTransactions(`${path}-floor`, sizes))
      }
    }
    const timing = timingTable(variants, points, runs, floors)
    return [timing, await bytesTable(variants, points, dir), await renderTable(points, dir)]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

async function runOnce(
  variant: Variant | undefined,
  path: string,
  steps: number,
  onStep: (n: number) => void = () => undefined,
): Promise<Ran> {
  if (variant === undefined) throw new RangeError('There is no such variant')
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
function around(point: number): readonly number[] {
  const reach = Math.max(1, Math.min(10, Math.floor(point / 3)))
  return Array.from({ length: 2 * reach }, (_none, index) => point - reach + 1 + index)
}

function costs(
  readings: readonly Reading[],
  points: readonly number[],
  what: keyof Reading,
): readonly number[] {
  return points.flatMap((n) => {
    const [one, next] = [readings[n], readings[n + 1]]
    return one === undefined || next === undefined ? [] : [next[what] - one[what]]
  })
}

/** CPU is counted by the kernel in ticks that are coarse against a step: a mean over the window is truer. */
function meanCost(readings: readonly Reading[], point: number): number {
  const window = around(point).filter((n) => readings[n] !== undefined && readings[n + 1] !== undefined)
  const values = costs(readings, window, 'cpu')
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

function timingTable(
  variants: readonly Variant[],
  points: readonly number[],
  runs: ReadonlyMap<string, readonly Ran[]>,
  floors: ReadonlyMap<string, readonly (readonly Reading[])[]>,
): Table {
  const rows = variants.flatMap((variant) => {
    const ran = runs.get(variant.name) ?? []
    const first = medianAt(ran, points[0] ?? 0)
    return points.map((point) => {
      const wall = spreadOf(ran.flatMap((one) => costs(one.at, around(point), 'wall')))
      const cpu = spreadOf(ran.map((one) => meanCost(one.at, point)))
      const commits = medianOf(ran.map((one) => commitsPerStep(one, point)))
      const floor = floorAt(ran, floors.get(variant.name) ?? [], point)
      return {
        variant: variant.name,
        step: point,
        ms: wall.median,
        msMin: wall.min,
        cpu: cpu.median,
        cpuMin: cpu.min,
        commits,
        inCommit: medianOf(ran.map((one) => inCommit(one, point))),
        floor: floor?.median ?? null,
        overFloor: floor === undefined ? null : wall.median / floor.median,
        flat: wall.median / first,
      }
    })
  })
  const inMemory = new Map(rows.filter((row) => row.floor === null).map((row) => [row.step, row.ms]))
  return {
    id: 'steps',
    title: '1a. A step: one request to a model that answers at once, one tool call with a result of 2 KB',
    columns: [
      { key: 'variant', label: 'store, effect of the tool' },
      { key: 'step', label: 'step', digits: 0 },
      { key: 'ms', label: 'ms' },
      { key: 'msMin', label: 'min' },
      { key: 'cpu', label: 'CPU ms' },
      { key: 'cpuMin', label: 'min' },
      { key: 'commits', label: 'commits' },
      { key: 'inCommit', label: 'ms in commit' },
      { key: 'floor', label: 'floor ms' },
      { key: 'overFloor', label: 'x floor' },
      { key: 'overMemory', label: 'x memory' },
      { key: 'flat', label: `x step ${points[0]}` },
    ],
    rows: rows.map((row) => ({ ...row, overMemory: row.ms / (inMemory.get(row.step) ?? Number.NaN) })),
    notes: [
      'ms: median from one request to the model to the next, over the steps around; min: the least of them.',
      'CPU ms: of the whole process, all threads, mean over the steps around; median and least of the rounds.',
      'floor: the same number of transactions of the same bytes, bare node:sqlite, WAL, synchronous = FULL.',
      `Flat (P11) if the last column is at most 1.2 at step ${points.at(-1)}.`,
    ],
    quoted: peerSteps,
  }
}

function medianAt(ran: readonly Ran[], point: number): number {
  return medianOf(ran.flatMap((one) => costs(one.at, around(point), 'wall')))
}

function commitsPerStep({ commitsAt }: Ran, point: number): number {
  const window = around(point)
  const [from, to] = [window[0] ?? 0, (window.at(-1) ?? 0) + 1]
  const until = commitsAt[to] === undefined ? to - 1 : to
  return ((commitsAt[until] ?? 0) - (commitsAt[from] ?? 0)) / (until - from)
}

/** ms per step between asking for a commit and its acknowledgement. */
function inCommit({ commits, commitsAt }: Ran, point: number): number {
  const window = around(point)
  const [from, to] = [commitsAt[window[0] ?? 0] ?? 0, commitsAt[window.at(-1) ?? 0] ?? 0]
  const ms = commits.slice(from, to).reduce((sum, commit) => sum + commit.ms, 0)
  return ms / Math.max(1, window.length - 1)
}

/** What the commits of a step around `point` cost bare. */
function floorAt(
  ran: readonly Ran[],
  floors: readonly (readonly Reading[])[],
  point: number,
): { readonly median: number } | undefined {
  const values = ran.flatMap(({ commitsAt }, round) =>
    around(point).flatMap((n) => {
      const [from, to] = [commitsAt[n], commitsAt[n + 1]]
      const bare = floors[round]
      if (from === undefined || to === undefined || bare === undefined) return []
      const [one, other] = [bare[from - 1], bare[to - 1]]
      return one === undefined || other === undefined ? [] : [other.wall - one.wall]
    }),
  )
  return values.length === 0 ? undefined : { median: medianOf(values) }
}

interface Size {
  readonly file: number
  /** Bytes of the entries themselves: payload and chain. */
  readonly entries: number
  readonly count: number
  readonly written: number
}

/** Growth of the file, with its log brought in, from half a window before each point to half a window after. */
async function bytesTable(
  variants: readonly Variant[],
  points: readonly number[],
  dir: string,
): Promise<Table> {
  const rows: Record<string, string | number | null>[] = []
  for (const variant of variants.filter(({ store }) => store === 'sqlite')) {
    const windows = points.map((point) => {
      const reach = Math.max(1, Math.min(32, Math.floor(point / 2)))
      return { point, from: Math.max(1, point - reach), to: point + reach }
    })
    const marks = new Map<number, Size>()
    const wanted = new Set(windows.flatMap(({ from, to }) => [from, to]))
    const path = join(dir, `bytes-${variant.name}.db`)
    const steps = Math.max(...wanted)
    await runOnce(variant, path, steps, (n) => {
      if (wanted.has(n)) marks.set(n, sizeOf(path))
    })
    for (const { point, from, to } of windows) {
      const [before, after] = [marks.get(from), marks.get(to)]
      if (before === undefined || after === undefined) continue
      const per = (what: keyof Size): number => (after[what] - before[what]) / (to - from)
      rows.push({
        variant: variant.name,
        step: point,
        window: `${from}..${to}`,
        file: per('file') - PAYLOAD,
        entries: per('entries') - PAYLOAD,
        count: per('count'),
        written: Number.isNaN(after.written) ? null : per('written'),
        total: after.file,
      })
    }
  }
  return {
    id: 'bytes',
    title: '1b. Bytes of a step, beyond the 2 048 of its result',
    columns: [
      { key: 'variant', label: 'store, effect of the tool' },
      { key: 'step', label: 'step', digits: 0 },
      { key: 'window', label: 'steps' },
      { key: 'file', label: 'file bytes/step', digits: 0 },
      { key: 'entries', label: 'entry bytes/step', digits: 0 },
      { key: 'count', label: 'entries/step', digits: 1 },
      { key: 'written', label: 'written/step', digits: 0 },
      { key: 'total', label: 'file', digits: 0 },
    ],
    rows,
    notes: [
      'file bytes: growth of the file after wal_checkpoint(TRUNCATE), by 4 KB pages; the newest heap is part of it once.',
      'entry bytes: payload and chain of the entries alone. written: bytes given to write calls, log and file together.',
    ],
    quoted: [],
  }
}

function sizeOf(path: string): Size {
  const before = written() ?? Number.NaN
  using db = new DatabaseSync(path)
  const row = db
    .prepare('SELECT count(*) AS count, sum(length(payload) + length(chain)) AS entries FROM entries')
    .get()
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  return {
    file: statSync(path).size,
    entries: Number(row?.['entries']),
    count: Number(row?.['count']),
    written: before,
  }
}

/** What P11 excepts: the story as messages, at each request and at the first after a resume. */
async function renderTable(points: readonly number[], dir: string): Promise<Table> {
  const [variant] = VARIANTS.filter(({ code }) => code === LOUD)
  if (variant === undefined) throw new RangeError('There is no such variant')
  const rows: Record<string, number>[] = []
  for (const point of points) {
    const path = join(dir, `render-${point}.db`)
    await runOnce(variant, path, point)
    await using store = sqliteStore(path)
    const cold: number[] = []
    const warm: number[] = []
    const story: number[] = []
    let chars = 0
    for (let round = 0; round < 5; round++) {
      const began = performance.now()
      const { chapters } = await readStory(store, 'bench')
      story.push(performance.now() - began)
      const text = (stored: unknown): string => (typeof stored === 'string' ? stored : '')
      for (const into of [cold, warm]) {
        const start = performance.now()
        const messages = toMessages('', chapters, text)
        into.push(performance.now() - start)
        chars = messages.length
      }
    }
    rows.push({
      steps: point,
      messages: chars,
      story: medianOf(story),
      cold: medianOf(cold),
      warm: medianOf(warm),
    })
  }
  return {
    id: 'render',
    title: '1c. Reading the story and rendering the prompt (excepted from P11)',
    columns: [
      { key: 'steps', label: 'steps', digits: 0 },
      { key: 'messages', label: 'messages', digits: 0 },
      { key: 'story', label: 'story read, ms' },
      { key: 'cold', label: 'rendered, first, ms', digits: 3 },
      { key: 'warm', label: 'rendered, again, ms', digits: 3 },
    ],
    rows,
    notes: ['first: after a resume. again: at each further request, when closed chapters are remembered.'],
    quoted: [],
  }
}
