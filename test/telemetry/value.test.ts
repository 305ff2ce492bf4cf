import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contentOf } from '../../src/telemetry/content.ts'
import { tellable, tellableAttributes } from '../../src/telemetry/value.ts'

describe('the door for values (H41)', () => {
  test('no line break, control, or mark of direction leaves as itself', () => {
    expect(tellable('a\nb\r\u001b[31mred\u0000\u009b\u202e{"level":"error"}')).toBe(
      'a\\nb\\r\\u001b[31mred\\u0000\\u009b\\u202e{"level":"error"}',
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(tellable(text)).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u)
        expect(tellable(text).isWellFormed()).toBe(true)
      }),
    )
  })

  test('JSON that was escaped is still that JSON', () => {
    const value = { text: 'x\n\u007f\u202ey\u2028' }
    expect(JSON.parse(tellable(JSON.stringify(value)))).toEqual(value)
  })

  test('a megabyte is capped, and says so', () => {
    const told = tellable('x'.repeat(1_048_576))
    expect(told.length).toBeLessThanOrEqual(4_096)
    expect(told).toMatch(/^x+…\[\d+ characters left out\]…x+$/)
    expect(tellable('x'.repeat(4_096))).toBe('x'.repeat(4_096))
  })

  test('lists are capped in number and item; what is no number is left out', () => {
    const told = tellableAttributes({
      list: Array<string>(1_000).fill('y\n'),
      none: NaN,
      gone: undefined,
      n: 0,
    })
    expect(told).toEqual({ list: Array<string>(128).fill('y\\n'), n: 0 })
  })
})

describe('content', () => {
  test('is off, and then not even read', () => {
    const read = (): never => {
      throw new Error('read')
    }
    for (const option of [undefined, false])
      expect(contentOf(option).text('tool.call.result', read)).toBeUndefined()
  })

  test('is JSON, of any value that a tool takes', () => {
    const { text } = contentOf(true)
    const self: Record<string, unknown> = { big: 5n, map: new Map([[1, new Set(['a'])]]), at: new Date(0) }
    self['self'] = self
    self['again'] = [self['map'], self['map']]
    const inMap = [[1, ['a']]]
    expect(JSON.parse(text('tool.call.arguments', () => self) ?? '')).toEqual({
      big: '5n',
      map: inMap,
      at: '1970-01-01T00:00:00.000Z',
      self: '…',
      again: [inMap, inMap],
    })
    expect(text('tool.call.result', () => undefined)).toBeUndefined()
    expect(text('tool.call.result', () => new Uint8Array(9))).toBe('"(9 bytes)"')
  })

  test('of too many messages the oldest are left out, but for the first', () => {
    const messages = Array.from({ length: 50 }, (_, n) => ({ n, text: 'x'.repeat(10_000) }))
    const told = contentOf(true).text('input.messages', () => messages) ?? ''
    expect(told.length).toBeLessThanOrEqual(65_536)
    expect(JSON.parse(told).map(({ n }: { n: number }) => n)).toEqual([0, 45, 46, 47, 48, 49])
  })

  test('a function changes or withholds it; one that throws withholds', () => {
    const { text } = contentOf((kind, value) => {
      if (kind === 'error.message') throw new Error('no')
      return kind === 'tool.call.result' ? undefined : { was: typeof value }
    })
    expect(text('tool.call.arguments', () => 'secret')).toBe('{"was":"string"}')
    expect(text('tool.call.result', () => 'secret')).toBeUndefined()
    expect(text('error.message', () => 'secret')).toBeUndefined()
  })
})
