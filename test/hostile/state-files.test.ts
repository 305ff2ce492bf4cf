/**
 * Mutated state files (H22–H24, H47): each is refused with a typed error, or says what it said before; it never says
 * something else, never hangs, and is never written to by a refusal.
 *
 * A sample by default, everything with HOSTILE=all; HOSTILE_SEED=n runs one mutation and tells all of it.
 */
import { randomBytes } from 'node:crypto'
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { isPersistentAgentError, UsageError } from '../../src/index.ts'
import { contents, scratch } from '../journal/fixtures/files.ts'
import { draw, drawer } from './fixtures/mutations.ts'
import { drive, makeFile, observe, OUTPUT, RUNS } from './fixtures/observed.ts'

const ALL = process.env['HOSTILE'] === 'all'
const ONE = process.env['HOSTILE_SEED']
/** How many for each of the two files, and every how many-th is driven on. */
const COUNT = ALL ? 1_250 : 60
const DRIVEN = 5
/** What reading a damaged file may take at most, on a busy machine, ms. */
const PATIENCE = 20_000

type Outcome = 'refused' | 'right' | 'partly refused' | 'wrong' | 'untyped' | 'written'

const key = randomBytes(32)

for (const [name, stateKey] of [
  ['in plain', undefined],
  ['with a key', key],
] as const) {
  test(
    `${name}: every mutation is refused, or changes nothing`,
    { timeout: ALL ? 3_600_000 : 300_000 },
    async () => {
      using place = scratch()
      const original = `${place.path}-original.db`
      await makeFile(place.file, stateKey)
      copyFileSync(place.file, original)
      const right = await observe(place.file, stateKey)
      expect([...right.values()].every((value) => typeof value === 'string')).toBe(true)
      for (const wrong of stateKey === undefined ? [] : [randomBytes(32), undefined]) {
        const locked = await observe(place.file, wrong)
        for (const [look, value] of locked) expect(look === 'list' || value instanceof UsageError).toBe(true)
      }
      const counts = new Map<string, number>()
      const bad: string[] = []
      let slowest = 0
      const seeds = ONE === undefined ? Array.from({ length: COUNT }, (_, index) => index) : [Number(ONE)]
      for (const seed of seeds) {
        copyFileSync(original, place.file)
        const { mutation, draw: drawn } = draw(seed)
        const what = `${seed}: ${mutation.name} ${mutation.apply(place.file, drawn)}`
        const before = contents(place.path)
        const began = performance.now()
        const seen = await observe(place.file, stateKey)
        let outcome = judge(right, seen)
        if (!isDeepStrictEqual(contents(place.path), before)) outcome = 'written'
        if (
          (outcome === 'right' || outcome === 'partly refused') &&
          (seed % DRIVEN === 0 || ONE !== undefined)
        )
          outcome = (await driven(place.file, seen, stateKey)) ?? outcome
        slowest = Math.max(slowest, performance.now() - began)
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
        if (outcome === 'wrong' || outcome === 'untyped' || outcome === 'written')
          bad.push(`${what}: ${outcome}${ONE === undefined ? '' : `\n${told(right, seen)}`}`)
        for (const left of ['-wal', '-shm', '-journal']) rm(place.file + left)
      }
      console.log(
        `${seeds.length} mutated files ${name}: ${[...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}; slowest ${Math.round(slowest)} ms`,
      )
      rm(original)
      expect(bad).toEqual([])
      expect(slowest).toBeLessThan(PATIENCE)
      const refused = (counts.get('refused') ?? 0) + (counts.get('partly refused') ?? 0)
      if (ONE === undefined) expect(refused).toBeGreaterThan(COUNT / 4)
    },
  )
}

/** A page is what SQLite cannot tell from another of its kind: an index that has the page of another leads elsewhere. */
const PAGE = 4_096

test(
  'each page in the place of each other: refused, or changes nothing',
  { timeout: ALL ? 3_600_000 : 300_000 },
  async () => {
    using place = scratch()
    await makeFile(place.file)
    const right = await observe(place.file)
    const original = readFileSync(place.file)
    const pages = original.length / PAGE
    const drawn = drawer(1)
    const pairs = ALL
      ? Array.from(
          { length: pages * pages },
          (_, index) => [Math.floor(index / pages), index % pages] as const,
        )
      : Array.from({ length: 100 }, () => [drawn(pages), drawn(pages)] as const)
    const counts = new Map<string, number>()
    const bad: string[] = []
    for (const [one, other] of pairs) {
      if (one === other) continue
      // Half of them are swapped, the others lie there twice.
      const bytes = Buffer.from(original)
      original.copy(bytes, one * PAGE, other * PAGE, (other + 1) * PAGE)
      if (one < other) original.copy(bytes, other * PAGE, one * PAGE, (one + 1) * PAGE)
      writeFileSync(place.file, bytes)
      const outcome = judge(right, await observe(place.file))
      counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
      if (outcome === 'wrong' || outcome === 'untyped')
        bad.push(`pages ${one + 1} and ${other + 1}: ${outcome}`)
      for (const left of ['-wal', '-shm', '-journal']) rm(place.file + left)
    }
    console.log(
      `${pages} pages, each for another: ${[...counts].map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`,
    )
    expect(bad).toEqual([])
  },
)

/** What was seen against what is right, look by look. */
function judge(right: ReadonlyMap<string, unknown>, seen: ReadonlyMap<string, unknown>): Outcome {
  let [same, refused] = [0, 0]
  for (const [look, value] of seen) {
    if (value === right.get(look)) same++
    else if (isPersistentAgentError(value)) refused++
    else return typeof value === 'string' ? 'wrong' : 'untyped'
  }
  if (refused === 0) return 'right'
  return same === 0 ? 'refused' : 'partly refused'
}

/** Goes on with every run that could be read: it comes to the right end, or is refused. Undefined: nothing bad came of it. */
async function driven(
  file: string,
  seen: ReadonlyMap<string, unknown>,
  stateKey: Uint8Array | undefined,
): Promise<Outcome | undefined> {
  for (const runId of RUNS) {
    if (runId === 'done' || typeof seen.get(`bind ${runId}`) !== 'string') continue
    try {
      if (!isDeepStrictEqual(await drive(file, runId, stateKey), OUTPUT)) return 'wrong'
    } catch (error) {
      if (ONE !== undefined) console.log(runId, error)
      if (!isPersistentAgentError(error)) return 'untyped'
    }
  }
  return undefined
}

function told(right: ReadonlyMap<string, unknown>, seen: ReadonlyMap<string, unknown>): string {
  return [...seen]
    .filter(([look, value]) => value !== right.get(look))
    .map(([look, value]) => `  ${look}: ${String(value)}\n    not ${String(right.get(look))}`)
    .join('\n')
}

function rm(path: string): void {
  rmSync(path, { force: true })
}
