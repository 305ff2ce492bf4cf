/** Programs as language models write them say in the guest what they say on Node; also when they move at every call. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sandbox } from '../../src/sandbox/sandbox.ts'
import { EXCEPTIONS } from './exceptions.ts'
import { corpusSandbox, inGuest } from './in-guest.ts'
import { onNode } from './on-node.ts'
import { areas, corpus, type CorpusProgram } from './programs.ts'

const programs = corpus()
const WAYS = { 'in one engine': false, 'through bytes into a new engine at every call': true } as const
/** By way and area. */
const table: Record<string, Record<string, string>> = {}
let sandbox: Sandbox

beforeAll(() => {
  sandbox = corpusSandbox()
})
afterAll(async () => {
  await sandbox[Symbol.asyncDispose]()
  console.table(table)
})

for (const [way, moves] of Object.entries(WAYS)) {
  describe(`${way}`, () => {
    for (const area of areas()) {
      test(`${area}`, { timeout: 60_000 }, async () => {
        const here = programs.filter((each) => each.area === area)
        const wrong: object[] = []
        for (const program of here) {
          const said = await inGuest(sandbox, program.code, moves)
          if (!isRight(program, said))
            wrong.push({ program: program.name, said, expected: expectedOf(program) })
        }
        const excepted = here.filter(({ name }) => Object.hasOwn(EXCEPTIONS, name)).length
        const row = (table[area] ??= { programs: String(here.length), exceptions: String(excepted) })
        row[way] = `${here.length - excepted - wrong.length} as on Node`
        expect(wrong).toEqual([])
      })
    }
  })
}

/** What is still open may say anything but what Node says: then it is to be taken off the list. */
function isRight({ name, expected }: CorpusProgram, said: string): boolean {
  const exception = EXCEPTIONS[name]
  if (exception === undefined) return said === expected
  return 'says' in exception ? said === exception.says : said !== expected
}

function expectedOf({ name, expected }: CorpusProgram): string {
  const exception = EXCEPTIONS[name]
  if (exception === undefined) return expected
  return 'says' in exception ? exception.says : 'something else: it says what Node says, take it off the list'
}

test('there are three hundred programs and more, over ten areas, each under a name of its own', () => {
  const names = new Set(programs.map((each) => each.name))
  expect(names.size).toBe(programs.length)
  expect(names.size).toBeGreaterThanOrEqual(300)
  expect(areas().length).toBeGreaterThanOrEqual(10)
  expect(Object.keys(EXCEPTIONS).filter((name) => !names.has(name))).toEqual([])
})

test('what is expected is what Node says', { timeout: 60_000 }, () => {
  const sample = programs.filter((_program, index) => index % 12 === 0)
  const said = onNode(sample)
  expect(Object.fromEntries(said)).toEqual(
    Object.fromEntries(sample.map((each) => [each.name, each.expected])),
  )
})
