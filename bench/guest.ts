/**
 * 13–15. The guest beside others, in one run: how long one takes to be there, what a call to the host costs, and how fast
 * it computes. `run` is a sandbox of the same engine that others use; Node is the machine's own speed.
 */
import { Worker } from 'node:worker_threads'
import { QuickJS } from 'quickjs-wasi'
import { createRunner } from 'run'
import { bootBase } from '../src/sandbox/boot.ts'
import { compile } from '../src/sandbox/compile.ts'
import { Guest } from '../src/sandbox/engine.ts'
import { positionsOf } from '../src/sandbox/positions.ts'
import { engineParts } from '../src/sandbox/sources.ts'
import { inEngine, inSandbox, LIMITS } from './calls.ts'
import { spreadOf, timed } from './measure.ts'
import type { Settings } from './settings.ts'
import type { Column, Table } from './table.ts'

export async function guestTable(settings: Settings): Promise<readonly Table[]> {
  return [await startTable(settings), await hopTable(settings), await computeTable(settings)]
}

type Cases = Readonly<Record<string, () => Promise<number>>>

/** Rounds over all cases, the first of which loads code and is not counted. */
async function rounds(cases: Cases, count: number): Promise<ReadonlyMap<string, readonly number[]>> {
  const taken = new Map<string, number[]>()
  for (let round = -1; round < count; round++)
    for (const [name, measure] of Object.entries(cases)) {
      const value = await measure()
      if (round >= 0) taken.set(name, [...(taken.get(name) ?? []), value])
    }
  return taken
}

function rowsOf(taken: ReadonlyMap<string, readonly number[]>): Table['rows'] {
  const first = [...taken.values()][0] ?? []
  const base = spreadOf(first).median
  return [...taken].map(([name, values]) => {
    const { median, min } = spreadOf(values)
    return { name, median, min, ratio: median / base }
  })
}

const COLUMNS = (unit: string): readonly Column[] => [
  { key: 'name', label: 'what' },
  { key: 'median', label: unit },
  { key: 'min', label: 'min' },
  { key: 'ratio', label: 'x' },
]

const ONE = programOf('1 + 1')

/** Up to the end of a first step. */
async function startTable({ quick, rounds: count }: Settings): Promise<Table> {
  const parts = await engineParts()
  const runner = createRunner()
  const cases: Cases = {
    'from the base snapshot, and a step': async () => {
      const { ms } = await timed(async () => {
        const guest = await Guest.create(parts, LIMITS, 'bench', 0)
        guest.grant([])
        guest.run(1, ONE, { clock: 0 })
        guest.dispose()
      })
      return ms
    },
    'fresh boot of the same prelude': async () => (await timed(async () => bootBase(parts.module))).ms,
    'quickjs-wasi, no prelude, and 1 + 1': async () => {
      const { ms } = await timed(async () => {
        const vm = await QuickJS.create({ wasm: parts.module })
        vm.evalCode('1 + 1').dispose()
        vm.dispose()
      })
      return ms
    },
    'run, and 1 + 1': async () => (await timed(async () => runner.run({ source: 'return 1 + 1' }))).ms,
  }
  return {
    id: 'start',
    title: '13. A guest that has run its first step, warm (ms)',
    columns: COLUMNS('ms'),
    rows: rowsOf(await rounds(cases, quick ? 1 : 4 * count)),
    notes: ['The engine is compiled once per process in all of them; run starts a worker for each program.'],
    quoted: [],
  }
}

const CALLS = `for (let i = 0; i < COUNT; i++) await get({ n: i })`

async function hopTable({ quick, rounds: count }: Settings): Promise<Table> {
  const calls = quick ? 20 : 1_000
  const code = CALLS.replace('COUNT', String(calls))
  const text = 'x'.repeat(1_024)
  const runner = createRunner({ limits: { maxBridgeRequests: calls + 10 } })
  const cases: Cases = {
    'engine alone, in this thread': async () => (await inEngine(code, calls)).wall,
    'quickjs-wasi raw, JSON, in this thread': async () => inRaw(calls, text),
    'sandbox, in its thread': async () => (await inSandbox(code, calls)).wall,
    'a bare hop to a thread and back': async () => inThread(calls, text),
    'run, in its thread': async () => {
      const source = CALLS.replace('COUNT', String(calls)).replace('get(', 'host.get(')
      let first = 0
      let last = 0
      const hostFunctions = {
        host: {
          get: () => {
            last = performance.now()
            first ||= last
            return text
          },
        },
      }
      const { status } = await runner.run({ source, hostFunctions })
      if (status !== 'completed') throw new Error(`run: ${status}`)
      return ((last - first) * 1_000) / (calls - 1)
    },
  }
  return {
    id: 'hop',
    title: `14. µs per host call without a journal: ${calls} calls, results of 1 KB`,
    columns: COLUMNS('µs'),
    rows: rowsOf(await rounds(cases, quick ? 1 : count)),
    notes: ['Raw QuickJS has no codec but JSON, and no limits on what crosses.'],
    quoted: [],
  }
}

async function inRaw(calls: number, text: string): Promise<number> {
  const vm = await QuickJS.create({ wasm: (await engineParts()).module })
  const pending: (() => void)[] = []
  const get = vm.newFunction('get', (given) => {
    JSON.parse(given?.toString() ?? 'null')
    const made = vm.newPromise()
    pending.push(() => {
      const value = vm.newString(JSON.stringify(text))
      made.resolve(value)
      value.dispose()
    })
    return made.handle
  })
  vm.setProp(vm.global, 'ask', get)
  const began = performance.now()
  vm.evalCode(
    `(async () => { const get = async (x) => JSON.parse(await ask(JSON.stringify(x))); ${CALLS.replace('COUNT', String(calls))}; globalThis.over = true })()`,
  ).dispose()
  vm.executePendingJobs()
  for (let settle = pending.shift(); settle !== undefined; settle = pending.shift()) {
    settle()
    vm.executePendingJobs()
  }
  const ms = performance.now() - began
  if (vm.dump(vm.evalCode('globalThis.over')) !== true) throw new Error('The raw loop did not end')
  vm.dispose()
  return (ms * 1_000) / calls
}

async function inThread(calls: number, text: string): Promise<number> {
  const source = `require('node:worker_threads').parentPort.on('message', () => require('node:worker_threads').parentPort.postMessage(${JSON.stringify(text)}))`
  const worker = new Worker(source, { eval: true })
  const hop = (): Promise<unknown> => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    worker.once('message', resolve)
    worker.postMessage('{"n":1}')
    return promise
  }
  await hop()
  const { ms } = await timed(async () => {
    for (let i = 0; i < calls; i++) await hop()
  })
  await worker.terminate()
  return (ms * 1_000) / calls
}

/** Each gives a number by which it is seen to be right. Its text is what the others get. */
const PROGRAMS: Readonly<Record<string, () => number>> = {
  '1 000 000 additions': () => {
    let sum = 0
    for (let i = 0; i < 1e6; i++) sum = (sum + i * 7) % 1_000_003
    return sum
  },
  'fib(24)': () => {
    const fib = (n: number): number => (n < 2 ? n : fib(n - 1) + fib(n - 2))
    return fib(24)
  },
  'sort 20 000 objects': () => {
    const all = Array.from({ length: 20_000 }, (_none, i) => ({ key: (i * 7919) % 20_011, text: 'x' + i }))
    all.sort((one, other) => one.key - other.key)
    return all[777]?.key ?? 0
  },
  'group 50 000 rows': () => {
    const sums = new Map<string, number>()
    for (let i = 0; i < 50_000; i++) {
      const city = 'city ' + (i % 97)
      sums.set(city, (sums.get(city) ?? 0) + i)
    }
    return sums.get('city 13') ?? 0
  },
  'parse 5 000 CSV lines': () => {
    const csv = Array.from({ length: 5_000 }, (_none, i) => i + ',name ' + i + ',' + i * 1.5).join('\n')
    let total = 0
    for (const line of csv.split('\n')) {
      const [, name = '', amount] = line.split(',')
      if (name.endsWith('7')) total += Number(amount)
    }
    return total
  },
}

async function computeTable({ quick, rounds: count }: Settings): Promise<Table> {
  const names = quick ? ['fib(24)'] : Object.keys(PROGRAMS)
  const runner = createRunner()
  const rows = []
  for (const name of names) {
    const node = PROGRAMS[name]
    if (node === undefined) continue
    const right = node()
    const text = `return (${String(node)})()`
    const program = programOf(
      `const found = (() => { ${text} })()\nif (found !== ${right}) throw new Error('wrong: ' + found)`,
    )
    const cases: Cases = {
      ours: async () => {
        const guest = await Guest.create(await engineParts(), LIMITS, 'bench', 0)
        guest.grant([])
        const { ms, value } = await timed(() => guest.run(1, program, { clock: 0 }))
        guest.dispose()
        if (value.includes('wrong')) throw new Error(value)
        return ms
      },
      // Less what an empty program takes there.
      run: async () => {
        const empty = await timed(async () => runner.run({ source: 'return 0' }))
        const full = await timed(async () => runner.run({ source: text }))
        if (full.value.status !== 'completed' || full.value.value !== right) throw new Error('run is wrong')
        return Math.max(0.01, full.ms - empty.ms)
      },
      node: async () => (await timed(() => node())).ms,
    }
    const taken = await rounds(cases, quick ? 1 : count)
    const of = (who: string): number => spreadOf(taken.get(who) ?? [0]).median
    rows.push({
      name,
      ours: of('ours'),
      run: of('run'),
      node: of('node'),
      overRun: of('ours') / of('run'),
      overNode: of('ours') / of('node'),
    })
  }
  return {
    id: 'compute',
    title: '15. Five programs that compute (ms)',
    columns: [
      { key: 'name', label: 'program' },
      { key: 'ours', label: 'guest' },
      { key: 'run', label: 'run' },
      { key: 'node', label: 'Node' },
      { key: 'overRun', label: 'guest / run' },
      { key: 'overNode', label: 'guest / Node' },
    ],
    rows,
    notes: ['Guest and run are the same interpreter; Node compiles. All give the same result.'],
    quoted: [],
  }
}

function programOf(code: string): Parameters<Guest['run']>[1] {
  const compiled = compile(1, code)
  if (!compiled.ok) throw new Error(compiled.error.message)
  const { file, declarations, body, hasValue, ...rest } = compiled.program
  return {
    file,
    declarations,
    body,
    hasValue,
    positions: positionsOf({ file, declarations, body, hasValue, ...rest }),
  }
}
