/**
 * Runs that rest in the middle of something, as programs. `npm run states` drives them and keeps the file; the tests open
 * every file that was ever kept, go on with each run, and expect what is said here.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { plainTool } from '../../e2e/fixtures/bench.ts'
import { ENTRY_VERSION } from '../../../src/journal/entry.ts'
import { VERSION } from '../../../src/journal/migrations.ts'
import { STATE_VERSION } from '../../../src/journal/shape.ts'
import { HEAP_VERSION } from '../../../src/sandbox/snapshot.ts'

export interface Case {
  readonly script: readonly string[]
  readonly stepTimeout?: number
  /** What is answered to the one question that it rests with. */
  readonly answer: unknown
  readonly output: unknown
  /** No checkpoint is stored after this kind of entry: as if the process had died there. */
  readonly until?: 'step-killed'
}

export const CASES: Readonly<Record<string, Case>> = {
  'a step open at an await': {
    script: [
      `class Counter { #n = 0; up(by: number) { return this.#n += by } }
const counter = new Counter()
const squares = (function* () { for (let i = 1; ; i++) yield i * i })()
counter.up(await get(1))`,
      `const heard: unknown[] = []
for (const each of [1, 2, 3]) {
  heard.push(squares.next().value, counter.up(await get(each)))
  if (each === 2) heard.push(await ask('Which?'))
}
finalAnswer({ heard, when: typeof Date.now(), last: squares.next().value })`,
    ],
    answer: 'this one',
    output: { heard: [1, 20, 4, 40, 'this one', 9, 70], when: 'number', last: 16 },
  },
  'a step that was killed before': {
    script: [
      'let kept = await get(1)',
      'kept = 99; await get(2); for (;;) {}',
      "kept += (await ask('Go on?')).length; finalAnswer(kept)",
    ],
    stepTimeout: 150,
    answer: 'yes',
    output: 13,
  },
  'a killed step that is still in the heap': {
    script: [
      'let kept = await get(1)',
      'kept = 99; await get(2); for (;;) {}',
      "kept += (await ask('Go on?')).length; finalAnswer(kept)",
    ],
    stepTimeout: 150,
    answer: 'yes',
    output: 13,
    until: 'step-killed',
  },
  'a heap of many links': {
    script: [
      'const rows: { i: number, text: string }[] = []',
      ...[1, 2].map(
        (step) =>
          `for (let i = 0; i < 2; i++) rows.push({ i: await get(i), text: 'x'.repeat(${step} * 1_000) })`,
      ),
      `for (let i = 0; i < 2; i++) rows.push({ i: await get(i), text: '' })
rows.push({ i: 0, text: await ask('And?') })
finalAnswer([rows.length, rows.reduce((sum, row) => sum + row.i + row.text.length, 0), rows.at(-1)])`,
    ],
    answer: 'so',
    output: [7, 6_000 + 30 + 2, { i: 0, text: 'so' }],
  },
}

export const tools: readonly ReturnType<typeof plainTool>[] = [plainTool('get', (n: number) => n * 10)]

/** All of this is in a file's name: whoever changes one of them makes another file. */
export const FORMAT = `schema-${VERSION}-entry-${ENTRY_VERSION}-state-${STATE_VERSION}-heap-${HEAP_VERSION}`

export const FILES: readonly string[] = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.db.zst'))
  .toSorted()
  .map((name) => join(import.meta.dirname, name))

export function runIdOf(name: string): string {
  return name.replaceAll(' ', '-')
}
