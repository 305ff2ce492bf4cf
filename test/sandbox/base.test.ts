/** The heap with which every guest begins is the one that the prelude makes, and belongs to the engine beside it. */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { engineId, openBase } from '../../src/sandbox/base.ts'
import { makeBase } from '../../src/sandbox/boot.ts'
import { BASE_FILE, readWasm } from '../../src/sandbox/sources.ts'
import { TELL_TALE } from '../../src/sandbox/tell-tale.ts'

const wasm = readWasm()
const file = readFileSync(BASE_FILE)

test('G5: the prelude makes the base that is stored (if not: npm run base)', async () => {
  const [stored, made] = [file, Buffer.from(await makeBase())].map((bytes) =>
    openBase(bytes, wasm, engineId(wasm, TELL_TALE)),
  )
  expect({ ...made, memory: 0 }).toEqual({ ...stored, memory: 0 })
  expect(Buffer.compare(made?.memory ?? Buffer.alloc(0), stored?.memory ?? Buffer.alloc(1))).toBe(0)
})

test('a base of another engine, or something else, is refused', () => {
  const ids = [engineId(wasm, 'another change'), engineId(wasm.subarray(1), TELL_TALE)]
  for (const id of ids) expect(() => openBase(file, wasm, id)).toThrow('npm run base')
  expect(() => openBase(Buffer.alloc(100), wasm, engineId(wasm, TELL_TALE))).toThrow('npm run base')
})
