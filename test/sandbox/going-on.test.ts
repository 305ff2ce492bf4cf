/** A heap that is put away at an await and goes on elsewhere: in another thread, in another process, by replay. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encode } from '../../src/base/codec.ts'
import type { Halt } from '../../src/base/halt.ts'
import { engineDigest } from '../../src/sandbox/parts.ts'
import { createSandbox } from '../../src/sandbox/sandbox-thread.ts'
import type { Heap, Sandbox } from '../../src/sandbox/sandbox.ts'
import { openHeap } from '../../src/sandbox/snapshot.ts'
import { must } from '../e2e/fixtures/bench.ts'
import { CLOCK, heapOf, LIMITS, linksIn, program, session, told as toldOf, writtenLinks } from './session.ts'

const run = promisify(execFile)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sandbox-'))
})
afterAll(() => rm(folder, { recursive: true }))

const LONG = `
class Counter { #n = 0; static made = 0; constructor() { Counter.made++ } up(by) { this.#n += by; return this.#n } }
function* squares() { let i = 0; while (true) yield i * i++ }
const counter = new Counter()
const it = squares()
it.next(); it.next()
const seen = new Map()
const started = new Date()
const re = /o/g
re.test('foo')
const weak = new WeakMap([[counter, 'weak']])
const symbol = Symbol('s')
const bound = { [symbol]: 10n ** 30n }
const total = () => [...seen.values()].reduce((a, b) => a + b, 0)
let random = Math.random()
for (const word of ['a', 'b', 'c', 'd']) {
  try {
    const n = await tools.fetch({ word })
    seen.set(word, counter.up(n))
  } finally {
    print('done', word)
  }
}
JSON.stringify([total(), counter.up(0), Counter.made, it.next().value, [...seen], started.toISOString(), re.lastIndex,
  weak.get(counter), String(bound[symbol]), Math.random() !== random])`

const SHOWN = JSON.stringify(
  JSON.stringify([
    20,
    10,
    1,
    4,
    [
      ['a', 1],
      ['b', 3],
      ['c', 6],
      ['d', 10],
    ],
    '2026-01-02T03:04:05.000Z',
    2,
    'weak',
    `1${'0'.repeat(30)}`,
    true,
  ]),
)

async function elsewhere(
  file: string,
  deliveries: readonly (readonly [string, string])[],
): Promise<readonly Halt[]> {
  const fixture = join(import.meta.dirname, 'fixtures/go-on.ts')
  const { stdout } = await run(process.execPath, [fixture, file, JSON.stringify(deliveries)])
  return JSON.parse(stdout)
}

test('in the middle of a loop, in another process, twice: everything alive is alive', async () => {
  const file = join(folder, 'loop')
  {
    await using guest = await session({}, { fetch: () => 0 })
    await guest.start(LONG)
    await guest.resolve('1.1', 1)
    await writeFile(file, writtenLinks((await guest.heap()).links))
  }
  const [second] = await elsewhere(file, [['1.2', encode(2)]])
  expect(second).toMatchObject({ kind: 'waiting', calls: [{ id: '1.3' }], printed: 'done b\n' })
  const [, last] = await elsewhere(file, [
    ['1.3', encode(3)],
    ['1.4', encode(4)],
  ])
  expect(last).toMatchObject({
    kind: 'ended',
    output: 'done a\ndone b\ndone c\ndone d\n',
    ending: { kind: 'value' },
  })
  const shown = last?.kind === 'ended' && last.ending.kind === 'value' ? (last.ending.shown ?? '') : ''
  expect(JSON.stringify(shown.slice(1, -1))).toBe(SHOWN)

  const links = linksIn(await readFile(file, 'utf8'))
  expect(links).toHaveLength(3)
  const heap = must(await openHeap(links, engineDigest()))
  await using guest = await session({}, { fetch: () => 0 })
  await guest.sandbox.open({ from: 'heap', heap }, ['fetch'])
  expect(await guest.show('[counter.up(1), it.next().value, total()]')).toBe('[ 11, 9, 20 ]')
})

// Determinism. A history is a program and the order in which its calls are settled.

const PROGRAMS: readonly string[] = [
  'const rs = await Promise.all([1, 2, 3].map(async (i) => { const r = await tools.fetch(i); print(i, r, Math.random()); return r })); rs',
  'let n = 0; const go = async (k) => { while (n < 4) { n++; print(k, await tools.fetch([k, n]), crypto.randomUUID()) } }; await Promise.allSettled([go("a"), go("b")]); n',
  'async function* gen() { for (let i = 0; i < 4; i++) { yield await tools.fetch({ i, t: Date.now() }) } }; const out = []; for await (const v of gen()) { out.push(v); if (v === 3) break }; out',
  'class P { #v = []; async add(x) { this.#v.push(await tools.fetch(x)); return this } get all() { return this.#v } }; const p = new P(); await Promise.race([p.add(1), p.add(2)]); await p.add(new Map([[1, new Date()]])); p.all',
  'const e = await Promise.any([1, 2, 3].map(async (i) => { const r = await tools.fetch(i); if (r < 3) throw new Error("e" + r); return r })).catch((e) => e.errors.map(String)); [e, crypto.getRandomValues(new Uint8Array(4))]',
]

interface Delivery {
  readonly pick: number
  readonly value: number
}

interface Told {
  readonly halts: readonly Halt[]
  /** Before each delivery, and at the end. */
  readonly heaps: readonly Heap[]
}

/** Drives a program by the deliveries, each of which picks one of the calls open then. */
async function tell(sandbox: Sandbox, source: string, deliveries: readonly Delivery[]): Promise<Told> {
  const halts: Halt[] = [await sandbox.run(1, program(1, source), { clock: CLOCK })]
  const heaps: Heap[] = []
  const open: string[] = []
  for (const [index, { pick, value }] of deliveries.entries()) {
    const halt = halts.at(-1)
    if (halt?.kind !== 'waiting') break
    open.push(...halt.calls.map((call) => call.id))
    heaps.push(await heapOf(sandbox))
    const [id = ''] = open.splice(pick % open.length, 1)
    halts.push(await sandbox.settle(id, { ok: true, value: encode(value) }, { clock: CLOCK + index * 1000 }))
  }
  heaps.push(await heapOf(sandbox))
  return { halts, heaps }
}

function same(one: Heap | undefined, other: Heap | undefined): boolean {
  return Buffer.compare(must(one).delta, must(other).delta) === 0
}

const history = fc.record({
  source: fc.constantFrom(...PROGRAMS),
  deliveries: fc.array(fc.record({ pick: fc.nat(5), value: fc.nat(5) }), { minLength: 1, maxLength: 10 }),
  cut: fc.nat(10),
})

test('S3: the same deliveries give the same halts and the same bytes; so does going on from any image', async () => {
  await using one = createSandbox(LIMITS)
  await using two = createSandbox(LIMITS)
  await fc.assert(
    fc.asyncProperty(history, async ({ source, deliveries, cut }) => {
      await one.open({ from: 'seed', seed: source, clock: CLOCK }, ['fetch'])
      const told = await tell(one, source, deliveries)
      await two.open({ from: 'seed', seed: source, clock: CLOCK }, ['fetch'])
      const again = await tell(two, source, deliveries)
      expect(again.halts).toEqual(told.halts)
      expect(same(again.heaps.at(-1), told.heaps.at(-1))).toBe(true)

      const from = cut % told.heaps.length
      await two.open({ from: 'heap', heap: must(told.heaps[from]) }, ['fetch'])
      const open: string[] = []
      for (const [index, { pick, value }] of deliveries.entries()) {
        const halt = told.halts[index]
        if (halt?.kind !== 'waiting') break
        open.push(...halt.calls.map((call) => call.id))
        const [id = ''] = open.splice(pick % open.length, 1)
        if (index < from) continue
        const gone = await two.settle(id, { ok: true, value: encode(value) }, { clock: CLOCK + index * 1000 })
        expect(gone).toEqual(told.halts[index + 1])
      }
      // G4: a restored heap is byte for byte the heap that went on.
      expect(same(await heapOf(two), told.heaps.at(-1))).toBe(true)
    }),
    { numRuns: 60 },
  )
})

const SEEDED: { readonly [about: string]: readonly string[] } = {
  'calls, numbers, times': [
    'const r = [Math.random(), Date.now(), performance.timeOrigin]; print(r, performance.now())',
    'for (let i = 0; i < 3; i++) r.push(await tools.fetch(i)); r',
    'const all = await Promise.all([tools.fetch("a"), tools.fetch("b")]); [all, crypto.randomUUID(), performance.now()]',
  ],
  'a stack overflow that is caught': [
    'let depth = 0; await tools.fetch(1)',
    'const deep = () => { depth++; deep() }; try { deep() } catch {} await tools.fetch(depth); depth',
  ],
  'a stack overflow that is not': ['function deep(n) { return 1 + deep(n + 1) }\ndeep(0)'],
  'out of memory that is caught': [
    'const kept = []; await tools.fetch(1)',
    'try { for (;;) kept.push(new Uint8Array(2 ** 16)) } catch {} await tools.fetch(kept.length); kept.length',
  ],
  'out of memory that is not': ['let s = []; for (;;) s = [s, { s }, [1, 2, 3]]'],
  'code that is cut after the answer': [
    'let n = 0; const m = new Map(); await tools.fetch(1)',
    'try { finalAnswer(await tools.fetch(2)) } catch { for (;;) { n++; if (n % 7 === 0) m.set(n, [n]) } }',
    'print(n, m.size); for (let i = 0; i < 3; i++) r0(i)\nasync function r0(i) { for (;;) { n += i + 1; if (n > 1e5) finalAnswer(n) } }',
    'n',
  ],
  'errors that only look so': [
    'try { throw new RangeError("Maximum call stack size exceeded") } catch (e) { print(e.message) }\n' +
      'try { new Array(-1) } catch (e) { print(e.name) } await tools.fetch(1)',
    'throw new InternalError("out of memory")',
  ],
}
for (const [about, sources] of Object.entries(SEEDED)) {
  test(`G5: by its seed a run is the same in a warm thread, after a restore, and in another process: ${about}`, async () => {
    await using sandbox = createSandbox(LIMITS)
    const fresh = async (): Promise<Awaited<ReturnType<typeof toldOf>>> => {
      await sandbox.open({ from: 'seed', seed: 'g5', clock: CLOCK }, ['fetch'])
      return toldOf(sandbox, sources)
    }
    const first = await fresh()
    expect(await fresh()).toEqual(first)
    if (first.heap !== '') {
      await sandbox.open({ from: 'heap', heap: await heapOf(sandbox) }, ['fetch'])
      expect(await fresh()).toEqual(first)
    }
    const fixture = join(import.meta.dirname, 'fixtures/from-seed.ts')
    const { stdout } = await run(process.execPath, [fixture, 'g5', JSON.stringify(sources)])
    expect(JSON.parse(stdout)).toEqual(JSON.parse(JSON.stringify(first)))
  })
}

test('another seed draws other numbers', async () => {
  await using sandbox = createSandbox(LIMITS)
  const drawn = new Set<string>()
  for (const seed of ['a', 'b', 'a']) {
    await sandbox.open({ from: 'seed', seed, clock: CLOCK }, [])
    const halt = await sandbox.run(1, program(1, 'Math.random()'), {
      clock: CLOCK,
    })
    drawn.add(JSON.stringify(halt))
  }
  expect(drawn.size).toBe(2)
})

test('random numbers are between 0 and 1 and spread; an UUID looks like one', async () => {
  await using guest = await session()
  const source =
    'const b = Array(10).fill(0); for (let i = 0; i < 10000; i++) b[Math.floor(Math.random() * 10)]++; [b.every((n) => n > 850 && n < 1150), b.length]'
  expect(await guest.show(source)).toBe('[ true, 10 ]')
  expect(await guest.show('crypto.randomUUID()')).toMatch(
    /^'[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'$/,
  )
})

test('an idle sandbox does not keep a process alive', async () => {
  const file = join(folder, 'idle.mjs')
  const url = new URL('../../src/sandbox/sandbox-thread.ts', import.meta.url).href
  await writeFile(
    file,
    `
    const { createSandbox } = await import(${JSON.stringify(url)})
    const sandbox = createSandbox(${JSON.stringify(LIMITS)})
    await sandbox.open({ from: 'seed', seed: 's', clock: 0 }, [])
    console.log('open')`,
  )
  expect((await run(process.execPath, [file], { timeout: 10_000 })).stdout).toBe('open\n')
})
