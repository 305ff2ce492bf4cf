/** 2. From a new process to the next host call of a step that has made many: by snapshot and by replay. */
import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { buildInto } from './dist.ts'
import { instant, medianOf, spreadOf, type Spread } from './measure.ts'
import { peerResume } from './quoted.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const child = join(import.meta.dirname, 'resume-child.ts')
const source = pathToFileURL(join(import.meta.dirname, '../src/index.ts')).href

type How = 'rest' | 'kill'
type By = 'snapshot' | 'replay'

/** What the run has behind it. */
interface Size {
  /** Steps of one call each. */
  readonly steps: number
  /** Calls of the step that is open. */
  readonly calls: number
}

interface Case {
  readonly library: string
  readonly url: string
  readonly child: string
  readonly size: Size
  readonly how: How
  readonly by: By
  readonly schema?: 'ajv'
  readonly env?: Readonly<Record<string, string>>
}

/** ms from the start of the process; `cpu` is of the process. */
interface Sample {
  readonly total: number
  readonly cpu: number
  readonly parts: Readonly<Record<string, number>>
}

/** The marks in the order in which a resume passes them, and what the time before each was spent on. */
const PARTS = [
  ['started', 'node'],
  ['loaded', 'load'],
  ['bound', 'bind'],
  ['compiling', 'claim'],
  ['compiled', 'compile'],
  ['online', 'thread'],
  ['opened', 'open'],
  ['halted', 'first'],
  ['reached', 'rest'],
] as const

export async function resumeTable(settings: Settings): Promise<readonly Table[]> {
  const dir = mkdtempSync(join(settings.dir, 'resume-'))
  try {
    const cases = casesOf(settings, dir)
    const files = new Map(cases.map((one) => [fileOf(dir, one), one]))
    for (const [path, one] of files) await setUp(path, one)
    const samples = new Map<Case, Sample[]>(cases.map((one) => [one, []]))
    const bare: Sample[] = []
    for (let round = 0; round < (settings.quick ? 1 : settings.rounds); round++) {
      for (const one of cases) {
        bare.push(await nodeAlone())
        samples.get(one)?.push(await resumed(one, dir))
      }
    }
    return [tableOf(samples, bare)]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const SMALL: Size = { steps: 0, calls: 10 }
const AFTER_CALLS: readonly Size[] = [SMALL, { steps: 0, calls: 1_000 }, { steps: 0, calls: 10_000 }]
const AFTER_STEPS: readonly Size[] = [10, 100, 400].map((steps) => ({ steps, calls: 10 }))

function casesOf(settings: Settings, dir: string): readonly Case[] {
  const ways = (['rest', 'kill'] as const).flatMap((how) =>
    (['snapshot', 'replay'] as const).map((by) => ({ how, by })),
  )
  const fromSource = { library: 'src (.ts)', url: source, child }
  if (settings.quick) {
    const few = ways.filter(({ how, by }) => (how === 'rest') === (by === 'snapshot'))
    return few.map((way) => ({ ...fromSource, ...way, size: SMALL }))
  }
  const built = { library: 'dist (.js)', ...buildInto(dir) }
  const plain = { size: SMALL, how: 'rest', by: 'snapshot' } as const
  return [
    ...AFTER_CALLS.flatMap((size) => ways.map((way) => ({ ...built, ...way, size }))),
    ...AFTER_STEPS.map((size) => ({ ...built, ...plain, size })),
    { ...built, ...plain, library: 'dist, compile cache', env: { NODE_COMPILE_CACHE: join(dir, 'cache') } },
    { ...built, ...plain, library: 'dist, JSON Schema tools', schema: 'ajv' },
    { ...fromSource, ...plain },
  ]
}

function fileOf(dir: string, one: Case): string {
  return join(dir, `${told(one).join('-')}.db`)
}

/** What both processes of a case are told of it. */
function told({ size, how, schema }: Case): readonly string[] {
  return [String(size.calls), String(size.steps), how, schema ?? 'plain']
}

async function setUp(path: string, one: Case): Promise<void> {
  const { code, signal } = await started([child, 'setup', source, path, ...told(one)])
  if (one.how === 'kill' ? signal !== 'SIGKILL' : code !== 0) throw new Error(`The setup of ${path} failed`)
}

async function resumed(one: Case, dir: string): Promise<Sample> {
  const path = join(dir, 'copy.db')
  for (const end of ['', '-wal', '-shm']) rmSync(path + end, { force: true })
  const from = fileOf(dir, one)
  for (const end of ['', '-wal']) if (existsSync(from + end)) copyFileSync(from + end, path + end)
  if (one.by === 'replay') dropHeap(path)
  const began = instant()
  const args = [one.child, 'resume', one.url, path, ...told(one)]
  const { output } = await started(args, one.env)
  return sampleOf(output, began)
}

/** As after an update of the engine: the snapshot is of no use, the journal is. */
function dropHeap(path: string): void {
  using db = new DatabaseSync(path)
  db.exec('DELETE FROM images; PRAGMA wal_checkpoint(TRUNCATE)')
}

/** Node's own start, to the first line of a program. */
async function nodeAlone(): Promise<Sample> {
  const began = instant()
  const program = `const { user, system } = process.cpuUsage()
process.stdout.write(JSON.stringify({ cpu: (user + system) / 1000,
  marks: [{ name: 'reached', at: performance.timeOrigin + performance.now() }] }))`
  const { output } = await started(['-e', program])
  return sampleOf(output, began)
}

function sampleOf(output: string, began: number): Sample {
  const said = JSON.parse(output) as {
    readonly marks: readonly { readonly name: string; readonly at: number }[]
    readonly cpu: number
  }
  const at = new Map(said.marks.map((one) => [one.name, one.at]))
  const end = at.get('reached') ?? Number.NaN
  const parts: Record<string, number> = {}
  let before = began
  for (const [mark, part] of PARTS) {
    const here = at.get(mark)
    if (here === undefined) continue
    parts[part] = Math.max(0, here - before)
    before = Math.max(before, here)
  }
  return { total: end - began, cpu: said.cpu, parts }
}

interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly output: string
}

function started(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const node = spawn(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, ...env },
    })
    let output = ''
    node.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
    node.on('error', reject)
    node.on('close', (code, signal) => resolve({ code, signal, output }))
  })
}

function tableOf(samples: ReadonlyMap<Case, readonly Sample[]>, bare: readonly Sample[]): Table {
  const node = spreadOf(bare.map((one) => one.total))
  const nodeCpu = medianOf(bare.map((one) => one.cpu))
  const beyond = (taken: readonly Sample[]): Spread => {
    const { median, min } = spreadOf(taken.map((one) => one.total))
    return { median: median - node.median, min: min - node.min }
  }
  const rows = [...samples].map(([one, taken]) => {
    const { median, min } = beyond(taken)
    const few = [...samples].find(
      ([other]) =>
        other.library === one.library && other.how === one.how && other.by === one.by && other.size === SMALL,
    )
    const parts = PARTS.map(([, part]) => {
      const own = part === 'node' ? node.median : 0
      const values = taken.flatMap((sample) =>
        sample.parts[part] === undefined ? [] : sample.parts[part] - own,
      )
      return [part, values.length === 0 ? null : medianOf(values)] as const
    })
    return {
      library: one.library,
      steps: one.size.steps,
      calls: one.size.calls,
      how: one.how === 'rest' ? 'after a pause' : 'after SIGKILL',
      by: one.by,
      beyond: median,
      beyondMin: min,
      cpu: medianOf(taken.map((sample) => sample.cpu)) - nodeCpu,
      flat: few === undefined ? null : median / beyond(few[1]).median,
      ...Object.fromEntries(parts),
    }
  })
  return {
    id: 'resume',
    title: '2. From a new process to the next host call, ms beyond the start of Node itself',
    columns: [
      { key: 'library', label: 'library' },
      { key: 'steps', label: 'steps', digits: 0 },
      { key: 'calls', label: 'calls', digits: 0 },
      { key: 'how', label: 'resumed' },
      { key: 'by', label: 'by' },
      { key: 'beyond', label: 'ms', digits: 1 },
      { key: 'beyondMin', label: 'min', digits: 1 },
      { key: 'cpu', label: 'CPU ms', digits: 1 },
      { key: 'flat', label: `x ${SMALL.calls} calls` },
      { key: 'node', label: 'main', digits: 1 },
      { key: 'load', label: 'load', digits: 1 },
      { key: 'bind', label: 'bind', digits: 1 },
      { key: 'claim', label: 'claim', digits: 1 },
      { key: 'compile', label: 'compile', digits: 1 },
      { key: 'thread', label: 'thread', digits: 1 },
      { key: 'open', label: 'open', digits: 1 },
      { key: 'first', label: '1st halt', digits: 1 },
      { key: 'rest', label: 'to call', digits: 1 },
    ],
    rows,
    notes: [
      'steps: closed before, of one call each. calls: made by the step that is open.',
      `Node alone, to the first line of a program: ${node.median.toFixed(1)} ms (min ${node.min.toFixed(1)}), ${nodeCpu.toFixed(1)} ms CPU. The aim is 50 ms beyond it, flat.`,
      'main: to the first line of the measured program. load: modules. bind: resumeExecution (open, recover, memory). claim: lease, recover again. compile: the WASM engine.',
      'thread: until the worker is online. open: unpack, restore (or boot). 1st halt: first delivery. to call: the rest, all replay included.',
      'The marks are at the main thread; what waits behind them on the other one counts where it is waited for.',
    ],
    quoted: peerResume,
  }
}
