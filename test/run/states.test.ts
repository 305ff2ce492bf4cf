/** Every state file of a format that was ever kept opens, by its snapshots and by replay, and its runs go on as they would have. */
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { zstdDecompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { PersistentCodeAgent, sqliteStore } from '../../src/index.ts'
import { engineDigest } from '../../src/sandbox/parts.ts'
import { engineOf, openHeap } from '../../src/sandbox/snapshot.ts'
import { scriptedModel } from '../../src/testing.ts'
import { entriesOf, goOn, must, onlyQuestion, output } from '../e2e/fixtures/bench.ts'
import { scratch } from '../journal/fixtures/files.ts'
import { recover } from '../../src/run/recover.ts'
import { CASES, FILES, FORMAT, runIdOf, tools } from './states/cases.ts'

test('there is a file of the present format (if not: npm run states, and keep the old ones that were released)', () => {
  expect(FILES.map((file) => basename(file))).toContain(`${FORMAT}.db.zst`)
})

/** A copy to go on with. */
function copyOf(file: string): ReturnType<typeof scratch> {
  const at = scratch()
  writeFileSync(at.file, zstdDecompressSync(readFileSync(file)))
  return at
}

for (const file of FILES) {
  describe(`${basename(file, '.db.zst')}`, () => {
    for (const [name, { script, answer, output: expected }] of Object.entries(CASES)) {
      for (const by of ['snapshot', 'replay'] as const) {
        test(`${name}, by ${by}`, async () => {
          using at = copyOf(file)
          const runId = runIdOf(name)
          let isOurs = by === 'snapshot'
          if (by === 'replay') drop(at.file)
          else {
            await using store = sqliteStore(at.file)
            const links = must((await recover(store, runId)).heap).open()
            const engine = engineOf(must(links[0]))
            expect(await openHeap(links, engine)).toBeDefined()
            // An engine that has changed since then goes on by replay.
            isOurs = engine === engineDigest()
          }
          const model = scriptedModel(script)
          await using agent = await PersistentCodeAgent.resumeExecution(at.file, { runId, tools, model })
          const waiting = must(agent.result)
          await agent.answer(onlyQuestion(waiting).id, { type: 'respond', value: answer })
          const result = await goOn(agent)
          expect(output(result)).toEqual(expected)
          expect(result.resumedFrom).toBe(isOurs ? 'snapshot' : 'replay')
        })
      }
    }
  })
}

test('the cases are what they are called', async () => {
  using at = copyOf(must(FILES.find((file) => basename(file) === `${FORMAT}.db.zst`)))
  await using store = sqliteStore(at.file)
  const open = async (
    name: string,
  ): Promise<{ readonly links: number; readonly killed: number; readonly step: number | undefined }> => {
    const runId = runIdOf(name)
    const { heap } = await recover(store, runId)
    const killed = await entriesOf(store, runId, 'step-killed')
    return { links: must(heap).open().length, killed: killed.length, step: must(heap).place.step }
  }
  expect(await open('a step open at an await')).toMatchObject({ killed: 0, step: 2 })
  expect(await open('a step that was killed before')).toMatchObject({ killed: 1, step: 3 })
  const undone = await open('a killed step that is still in the heap')
  expect(undone).toMatchObject({ killed: 1, step: undefined })
  expect(
    must(await store.checkpoint(runIdOf('a killed step that is still in the heap'))).links.length,
  ).toBeGreaterThan(undone.links)
  expect((await open('a heap of many links')).links).toBeGreaterThan(5)
})

function drop(path: string): void {
  using db = new DatabaseSync(path)
  db.exec('DELETE FROM images')
}
