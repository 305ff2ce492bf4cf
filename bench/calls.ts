/** 3. A host call of a tool that returns at once, of effect `read`, within one step; and what each layer adds. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { decode, encode } from '../src/base/codec.ts'
import type { GuestCall, Halt } from '../src/base/halt.ts'
import {
  memoryStore,
  PersistentCodeAgent,
  sqliteStore,
  tool,
  type Store,
  type TelemetryOptions,
} from '../src/index.ts'
import { compile } from '../src/sandbox/compile.ts'
import { Guest } from '../src/sandbox/engine.ts'
import { engineParts } from '../src/sandbox/sources.ts'
import { positionsOf } from '../src/sandbox/positions.ts'
import { createSandbox } from '../src/sandbox/sandbox-thread.ts'
import type { Program } from '../src/sandbox/sandbox.ts'
import { read, spreadOf } from './measure.ts'
import { instantModel } from './model.ts'
import { peerCalls } from './quoted.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'
import { watched } from './watched.ts'

export const LIMITS = { stepTimeout: 30_000, memory: 64 * 2 ** 20, callsPerStep: 20_000, outputChars: 50_000 }
const text = 'x'.repeat(1_024)

/** Of one round: µs per call, and commits if there is a store. */
export interface Sample {
  readonly wall: number
  readonly cpu: number
  readonly commits: number
}

type Layer = (code: string, calls: number, path: string) => Promise<Sample>

const LAYERS: readonly { readonly name: string; readonly measure: Layer }[] = [
  { name: 'engine alone, in this thread', measure: inEngine },
  { name: 'sandbox, in its thread', measure: inSandbox },
  {
    name: 'agent, memory store',
    measure: async (code, calls) => inAgent(memoryStore(), code, calls),
  },
  {
    name: 'agent, SQLite',
    measure: async (code, calls, path) => inAgent(sqliteStore(path), code, calls),
  },
]

export async function callsTable(settings: Settings): Promise<readonly Table[]> {
  const calls = settings.quick ? 100 : 1_000
  const codes = [
    { way: 'one by one', code: `for (let i = 0; i < ${calls}; i++) await get({ n: i })` },
    {
      way: '10 at once',
      code: `for (let i = 0; i < ${calls}; i += 10)
  await Promise.all(Array.from({ length: 10 }, (_, j) => get({ n: i + j })))`,
    },
  ]
  const dir = mkdtempSync(join(settings.dir, 'calls-'))
  try {
    const cases = LAYERS.flatMap((layer) => codes.map((code) => ({ ...layer, ...code })))
    const samples = cases.map((): Sample[] => [])
    for (let round = 0; round < (settings.quick ? 1 : settings.rounds); round++)
      for (const [index, { measure, code }] of cases.entries())
        samples[index]?.push(await measure(code, calls, join(dir, `${round}-${index}.db`)))
    return [tableOf(cases, samples, calls)]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

export async function inAgent(
  inner: Store,
  code: string,
  calls: number,
  telemetry: TelemetryOptions = {},
): Promise<Sample> {
  const { store, commits } = watched(inner)
  let first: ReturnType<typeof read> | undefined
  let last: ReturnType<typeof read> | undefined
  let made = 0
  const get = tool({
    name: 'get',
    description: 'Gets',
    effect: 'read',
    inputSchema: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
    execute: () => {
      first ??= read()
      if (++made === calls) last = read()
      return text
    },
  })
  const model = instantModel((n) => (n === 1 ? code : 'finalAnswer(0)'))
  const limits = { callsPerStep: LIMITS.callsPerStep }
  await using agent = new PersistentCodeAgent({ model, tools: [get], store, limits, telemetry })
  await agent.run('Call')
  if (first === undefined || last === undefined) throw new Error(`Only ${made} calls were made`)
  const per = 1_000 / (calls - 1)
  return { wall: (last.wall - first.wall) * per, cpu: (last.cpu - first.cpu) * per, commits: commits.length }
}

export async function inSandbox(code: string, calls: number): Promise<Sample> {
  await using sandbox = createSandbox(LIMITS)
  await sandbox.open({ from: 'seed', seed: 'bench', clock: 0 }, ['get'])
  const program = programOf(code)
  return await played(
    calls,
    () => sandbox.run(1, program, { clock: 0 }),
    (call) => sandbox.settle(call.id, { ok: true, value: answer(call) }, { clock: 0 }),
  )
}

export async function inEngine(code: string, calls: number): Promise<Sample> {
  const guest = await Guest.create(await engineParts(), LIMITS, 'bench', 0)
  guest.grant(['get'])
  const { file, declarations, body, hasValue, ...rest } = programOf(code)
  const program = { file, declarations, body, hasValue, ...rest }
  const told = { file, declarations, body, hasValue, positions: positionsOf(program) }
  try {
    return await played(
      calls,
      () => JSON.parse(guest.run(1, told, { clock: 0 })) as Halt,
      (call) => JSON.parse(guest.settle(call.id, 'value', answer(call), { clock: 0 })) as Halt,
    )
  } finally {
    guest.dispose()
  }
}

/** What the tool is, without its agent. */
function answer(call: GuestCall): string {
  decode(call.input)
  return encode(text)
}

/** Answers calls in order until the step ends. */
async function played(
  calls: number,
  start: () => Halt | Promise<Halt>,
  settle: (call: GuestCall) => Halt | Promise<Halt>,
): Promise<Sample> {
  const queue: GuestCall[] = []
  let halt = await start()
  const began = read()
  for (;;) {
    if (halt.kind === 'killed') throw new Error(halt.message)
    queue.push(...halt.calls)
    const call = queue.shift()
    if (call === undefined) break
    halt = await settle(call)
  }
  const ended = read()
  const per = 1_000 / calls
  return { wall: (ended.wall - began.wall) * per, cpu: (ended.cpu - began.cpu) * per, commits: 0 }
}

function programOf(code: string): Program {
  const compiled = compile(1, code)
  if (!compiled.ok) throw new Error(compiled.error.message)
  return compiled.program
}

function tableOf(
  cases: readonly { readonly name: string; readonly way: string }[],
  samples: readonly (readonly Sample[])[],
  calls: number,
): Table {
  const engine = new Map<string, number>()
  const rows = cases.map(({ name, way }, index) => {
    const taken = samples[index] ?? []
    const wall = spreadOf(taken.map((one) => one.wall))
    const cpu = spreadOf(taken.map((one) => one.cpu))
    const base = engine.get(way) ?? wall.median
    engine.set(way, base)
    return {
      name,
      way,
      us: wall.median,
      usMin: wall.min,
      cpu: cpu.median,
      cpuMin: cpu.min,
      ratio: wall.median / base,
      commits: spreadOf(taken.map((one) => one.commits)).median,
    }
  })
  return {
    id: 'calls',
    title: `3. us per host call: ${calls} calls of a read tool in one step, results of 1 KB`,
    columns: [
      { key: 'name', label: 'layer' },
      { key: 'way', label: 'calls' },
      { key: 'us', label: 'us', digits: 0 },
      { key: 'usMin', label: 'min', digits: 0 },
      { key: 'cpu', label: 'CPU us', digits: 0 },
      { key: 'cpuMin', label: 'min', digits: 0 },
      { key: 'ratio', label: 'x engine', digits: 1 },
      { key: 'commits', label: 'commits', digits: 0 },
    ],
    rows,
    notes: ['us: from the first call to the last. commits: of the whole run.'],
    quoted: peerCalls,
  }
}
