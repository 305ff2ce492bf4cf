/** The heap with which every guest begins is the one that the prelude makes, and belongs to the engine beside it. */
import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { engineOfBase, openBase } from '../../src/sandbox/base.ts'
import { makeBase } from '../../src/sandbox/boot.ts'
import { engineId } from '../../src/sandbox/parts.ts'
import { BASE_FILE, readWasm } from '../../src/sandbox/sources.ts'
import type * as Sources from '../../src/sandbox/sources.ts'

const wasm = readWasm()
const file = readFileSync(BASE_FILE)

test('G5: the prelude makes the base that is stored (if not: npm run base)', async () => {
  const [stored, made] = [file, Buffer.from(await makeBase())].map((bytes) => openBase(bytes, wasm))
  expect({ ...made, memory: 0 }).toEqual({ ...stored, memory: 0 })
  expect(Buffer.compare(made?.memory ?? Buffer.alloc(0), stored?.memory ?? Buffer.alloc(1))).toBe(0)
})

test('it names the engine that made it; something else is refused', () => {
  expect(engineOfBase(file)).toEqual(engineId(wasm))
  expect(engineOfBase(file)).not.toEqual(engineId(wasm.subarray(1)))
  for (const bytes of [Buffer.alloc(100), Buffer.concat([Buffer.alloc(1), file])])
    expect(() => engineOfBase(bytes)).toThrow('npm run base')
})

test('H46: with another engine beside it nothing begins: one bit is enough', async () => {
  const swapped = Buffer.concat([wasm.subarray(0, -1), Buffer.of((wasm.at(-1) ?? 0) ^ 1)])
  vi.resetModules()
  vi.doMock('../../src/sandbox/sources.ts', async (original) => ({
    ...(await original<typeof Sources>()),
    readSources: () => ({ wasm: swapped, base: file }),
  }))
  const { memoryStore } = await import('../../src/index.ts')
  const { agentOf } = await import('../e2e/fixtures/bench.ts')
  const store = memoryStore()
  await expect(agentOf({ store, script: ['1'] }).run('x')).rejects.toMatchObject({
    code: 'USAGE',
    message: expect.stringContaining('quickjs-wasi is not as it was'),
  })
  expect(await store.runs({}, 10)).toEqual([])
  vi.doUnmock('../../src/sandbox/sources.ts')
  vi.resetModules()
})
