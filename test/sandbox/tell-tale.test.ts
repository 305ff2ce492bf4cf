/** The engine that tells of memory and stack: what is changed in its bytes, and that nothing else is. */
import { expect, test } from 'vitest'
import { readWasm } from '../../src/sandbox/sources.ts'
import { tellTale } from '../../src/sandbox/tell-tale.ts'

declare const WebAssembly: {
  readonly Module: {
    new (bytes: Uint8Array): object
    exports(module: object): readonly object[]
    imports(module: object): readonly object[]
  }
}

test('X1: two functions are five bytes longer each; imports and exports are the same', () => {
  const before = readWasm()
  const after = tellTale(before)
  expect(after.length).toBe(before.length + 10)
  const { Module } = WebAssembly
  const [old, changed] = [new Module(before), new Module(after)]
  expect(Module.imports(changed)).toEqual(Module.imports(old))
  expect(Module.exports(changed)).toEqual(Module.exports(old))
})

test('X2: an engine that is not as expected is refused', () => {
  const twice = tellTale(readWasm())
  expect(() => tellTale(twice)).toThrow('not built as expected')
  expect(() => tellTale(readWasm().subarray(0, 8))).toThrow('not built as expected')
})
