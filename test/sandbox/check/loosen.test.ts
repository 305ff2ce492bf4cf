/** L2: what the checker reads is the program with text inserted, and every offset leads back. */
import { expect, test } from 'vitest'
import { loosen } from '../../../src/sandbox/check/loosen.ts'
import { readProgram } from '../../../src/sandbox/check/read.ts'
import { doubtful, scan } from '../../../src/sandbox/check/scan.ts'
import { parseProgram } from '../../../src/sandbox/tree.ts'
import { corpus } from '../../guest/programs.ts'
import { RIGHT } from './right.ts'

const SOURCES = [...corpus().map(({ code }) => code), ...Object.values(RIGHT)]

/** A program as it is checked if everything in it is a guess. */
function loosened(source: string) {
  const read = readProgram(source)
  if (read === undefined) return undefined
  const names = [...read.scan.mentions.keys()]
  const all = new Set([...names, ...names.map((name) => `.${name}`)])
  return { code: read.code, own: doubtful([read.scan]), ...loosen(read.code, read.tree, all) }
}

test('the program is all there, each character at the offset that leads to it', () => {
  let read = 0
  for (const source of SOURCES) {
    const made = loosened(source)
    if (made === undefined) continue
    read++
    const { code, text, origin } = made
    let next = 0
    for (let i = 0; i < text.length; i++) {
      const at = origin(i)
      expect(at === next || at === next - 1 || at <= code.length).toBe(true)
      if (at === next && text.charAt(i) === code.charAt(at) && isKept(origin, i)) next++
    }
    expect(next).toBe(code.length)
  }
  expect(read).toBeGreaterThan(SOURCES.length * 0.9)
})

/** What stands in an insertion leads to the same offset as what follows it. */
function isKept(origin: (offset: number) => number, i: number): boolean {
  return origin(i + 1) === origin(i) + 1
}

test('what is inserted is TypeScript: without its types it is a program again', () => {
  for (const source of SOURCES) {
    const made = loosened(source)
    if (made === undefined) continue
    expect(readProgram(made.text)).toBeDefined()
  }
})

test.each([
  ["let a = ''\na = 5", "let a = (('') as any)\na = 5"],
  ['const [a] = x\na[0] = 1', 'const [a] = ((x) as any)\na[0] = 1'],
  ['const b = 1\nprint(b)', 'const b = 1\nprint(b)'],
  ['rows.forEach(r => { r[0] = 1 })', 'rows.forEach((r: any) => { r[0] = 1 })'],
  ['const o = { a: 1, b: 2 }\no.a = x', 'const o = { a: ((1) as any), b: 2 }\no.a = x'],
  ['const o = { a }\no.a = x', 'const o = { a: (a as any) }\no.a = x'],
  ['const { a } = o\no.a = x', 'const { a } = o\no.a = x'],
  ['f((n = 1) => n)', 'f((n = ((1) as any)) => n)'],
  ['x.reduce((a, b) => a + b, 0)', 'x.reduce((a, b) => a + b, ((0) as any))'],
])('%s', (code, text) => {
  const { tree } = parseProgram(code)
  expect(loosen(code, tree, doubtful([scan(tree, [], [])])).text).toBe(text)
})
