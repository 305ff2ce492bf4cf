/** Both stores keep the contract. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { handClock, storeContract, type HandClock } from '../../src/journal/contract.ts'
import { memoryStore } from '../../src/journal/memory.ts'
import { sqliteStore } from '../../src/journal/sqlite.ts'
import type { RunView, Store } from '../../src/journal/store.ts'

const directory = mkdtempSync(join(tmpdir(), 'pca-contract-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let files = 0
const stores: Readonly<Record<string, (clock: HandClock) => Store>> = {
  memory: (clock) => memoryStore(clock),
  sqlite: (clock) =>
    sqliteStore(join(directory, `${files++}.db`), { now: clock.now, monotonic: clock.monotonic }),
}

const view: RunView = { status: 'running', task: 't', stepCount: 0 }

for (const [name, make] of Object.entries(stores)) {
  describe(`the ${name} store`, () => {
    for (const rule of storeContract) {
      test(`${rule.says}`, async () => {
        const clock = handClock()
        await rule.holds(async () => make(clock), clock)
      })
    }

    test('own appends that leave the status are not hinted, nor is a claim', async () => {
      await using store = make(handClock())
      const run = { runId: 'r', rootRunId: 'r', agent: 'a', definitionDigest: '', minReader: 1, view }
      await store.create(run, [], [])
      let hints = 0
      const watching = new AbortController()
      store.watch(() => hints++, watching.signal)
      const lease = await store.claim('r', { holder: 'ann', isDead: () => false }, 60_000)
      const nothing = { entries: [], asked: [], closed: [], consumed: [], blobs: [] }
      for (const nonce of ['a', 'b']) await store.append(lease, { ...nothing, expectedSeq: 0, nonce, view })
      await new Promise((resolve) => setTimeout(resolve, 250))
      expect(hints).toBe(0)
      await store.release(lease)
      await new Promise((resolve) => setTimeout(resolve, 1))
      expect(hints).toBe(1)
      watching.abort()
    })
  })
}

test('the contract has at least 40 rules, each of another name', () => {
  const names = new Set(storeContract.map((rule) => rule.says))
  expect(names.size).toBe(storeContract.length)
  expect(names.size).toBeGreaterThanOrEqual(40)
})
