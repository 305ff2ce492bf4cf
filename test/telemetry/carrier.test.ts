import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatTraceparent, freshTraceparent, parseTraceparent } from '../../src/telemetry/carrier.ts'

const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
const span = '00f067aa0ba902b7'

describe('traceparent', () => {
  test('is read and written', () => {
    const parsed = parseTraceparent(`00-${trace}-${span}-01`)
    expect(parsed).toEqual({ traceId: trace, spanId: span, flags: 1 })
    expect(parsed && formatTraceparent(parsed)).toBe(`00-${trace}-${span}-01`)
  })

  test('any ids and flags come back as they were', () => {
    const hex = (length: number) =>
      fc
        .string({
          unit: fc.integer({ min: 0, max: 15 }).map((digit) => digit.toString(16)),
          minLength: length,
          maxLength: length,
        })
        .filter((text) => !/^0+$/.test(text))
    fc.assert(
      fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 255 }), (traceId, spanId, flags) => {
        expect(parseTraceparent(formatTraceparent({ traceId, spanId, flags }))).toEqual({
          traceId,
          spanId,
          flags,
        })
      }),
    )
  })

  test('of a later version is read as far as it is known', () => {
    expect(parseTraceparent(`cc-${trace}-${span}-01-what-comes`)).toEqual({
      traceId: trace,
      spanId: span,
      flags: 1,
    })
    expect(parseTraceparent(`  00-${trace}-${span}-00 `)).toMatchObject({ flags: 0 })
  })

  test.each([
    undefined,
    null,
    7,
    '',
    'x',
    `00-${trace}-${span}`,
    `00-${trace}-${span}-1`,
    `00-${trace}-${span}-01-more`,
    `ff-${trace}-${span}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace}g-${span}-01`,
  ])('%j is none', (text) => {
    expect(parseTraceparent(text)).toBeUndefined()
  })

  test('a fresh one is valid, new, and says that nobody records it', () => {
    const fresh = Array.from({ length: 100 }, freshTraceparent)
    expect(new Set(fresh).size).toBe(100)
    for (const text of fresh) expect(parseTraceparent(text)).toMatchObject({ flags: 0 })
  })
})
