/** What is said of modules: when compiling, and where the code fails. */
import { expect, test } from 'vitest'
import { compile } from '../../src/sandbox/compile.ts'
import { hintsFor, noModule } from '../../src/sandbox/modules.ts'
import { session } from './session.ts'

test('with and without its prefix it is the same module', () => {
  expect(noModule('node:crypto')).toBe(noModule('crypto').replace('`crypto`', '`node:crypto`'))
  expect(noModule('crypto')).toMatch(/crypto\.randomUUID\(\)/)
})

test('one that nobody knows, and names that objects have', () => {
  for (const name of ['left-pad', 'constructor', '__proto__', '']) {
    expect(noModule(name)).toBe(
      `Nothing can be imported here, \`${name}\` neither. Use the tools and what the language has.`,
    )
  }
})

test('the tools are named where a tool is the way', () => {
  expect(noModule('fs', ['read', 'write'])).toMatch(/by a tool\. The tools are: read, write$/)
  expect(noModule('lodash', ['read'])).not.toMatch(/read/)
  const compiled = compile(1, 'import axios from "axios"', ['search'])
  expect(compiled.ok || compiled.error.message).toMatch(
    /^Nothing can be imported here, `axios`.*The tools are: search \(step1\.ts:1:1\)/,
  )
})

test('hints are found by what stands in the text', () => {
  expect(Object.keys(hintsFor('const a = require("fs"), b = await import(`lodash`); require(name)'))).toEqual(
    ['fs', 'lodash'],
  )
  expect(hintsFor('const a = 1')).toEqual({})
})

test('require and import() say it where they fail', async () => {
  await using guest = await session({}, { search: () => 1 })
  expect(await guest.show('const { readFile } = require("node:fs/promises")')).toBe(
    '! ReferenceError: require is not defined. Nothing can be imported here, `node:fs/promises` neither. There is no file system here: read and write by a tool. The tools are: search',
  )
  expect(await guest.show('const _ = await import("lodash")')).toMatch(
    /`lodash` neither\. Use the methods of arrays/,
  )
  expect(await guest.show('const name = "x"; require(name)')).toMatch(
    /require is not defined\. Nothing can be imported/,
  )
  expect(await guest.show('try { require("fs") } catch (e) { e.name }')).toBe("'ReferenceError'")
  expect(await guest.show('typeof require')).toBe("'undefined'")
})
