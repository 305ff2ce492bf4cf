/** Both stores keep the contract. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { storeContract } from '../../src/journal/contract.ts'
import type { HandClock } from '../../src/journal/contract.ts'
import { memoryStore } from '../../src/journal/memory.ts'
import { sqliteStore } from '../../src/journal/sqlite.ts'
import type { Store } from '../../src/journal/store.ts'

const directory = mkdtempSync(join(tmpdir(), 'pca-contract-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let files = 0
const stores: Readonly<Record<string, (clock: HandClock) => Store>> = {
  memory: (clock) => memoryStore(clock),
  sqlite: (clock) => sqliteStore(join(directory, `${files++}.db`), { now: () => clock.now() }),
}

function handClock(): HandClock {
  let now = 1_700_000_000_000
  return {
    now: () => now,
    advance: (ms) => {
      now += ms
    },
  }
}

for (const [name, make] of Object.entries(stores)) {
  describe(`the ${name} store`, () => {
    for (const rule of storeContract) {
      test(`${rule.says}`, async () => {
        const clock = handClock()
        await rule.holds(async () => make(clock), clock)
      })
    }
  })
}

test('the contract has at least 40 rules, each of another name', () => {
  const names = new Set(storeContract.map((rule) => rule.says))
  expect(names.size).toBe(storeContract.length)
  expect(names.size).toBeGreaterThanOrEqual(40)
})
