/** The heap with which every guest begins is the one that the prelude makes, and belongs to the engine beside it. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { engineOfBase, openBase } from '../../src/sandbox/base.ts'
import { makeBase } from '../../src/sandbox/boot.ts'
import { engineId } from '../../src/sandbox/parts.ts'
import { BASE_FILE, readWasm } from '../../src/sandbox/sources.ts'

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
