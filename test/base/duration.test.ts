/** Durations and sizes: what people write, and nothing else. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytes, milliseconds, showDuration } from '../../src/base/duration.ts'

const usage = expect.objectContaining({ code: 'USAGE' })

describe('a duration', () => {
  test.each([
    [0, 0],
    [1.5, 1.5],
    ['0ms', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['1.5m', 90_000],
    ['1h', 3_600_000],
    ['2d', 172_800_000],
    ['1w', 604_800_000],
    [' 1h ', 3_600_000],
  ])('%j is %s ms', (duration, ms) => {
    expect(milliseconds(duration, 'timeout')).toBe(ms)
  })

  test.each([
    -1,
    NaN,
    Infinity,
    '',
    's',
    '1',
    '1 h',
    '-1s',
    '1e3s',
    '1.s',
    '.5s',
    '1H',
    '1hour',
    '1h30m',
    '１s',
    null,
    undefined,
    {},
    [1],
    true,
    1n,
  ])('%s is none, and the error names what it was for', (duration) => {
    expect(() => milliseconds(duration, 'limits.stepTimeout')).toThrow(usage)
    expect(() => milliseconds(duration, 'limits.stepTimeout')).toThrow(/^limits\.stepTimeout is no duration/)
  })

  test.each([1e300, 8.64e15, '99999999999999w'])('%s is longer than anybody waits', (duration) => {
    expect(() => milliseconds(duration, 'sleep')).toThrow(usage)
  })

  test('a symbol or an object that throws as text is refused like any other', () => {
    expect(() => milliseconds(Symbol('x'), 'timeout')).toThrow(usage)
  })

  test('any number of ms from 0 to a hundred years is taken as it is', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, noNaN: true, max: 3_155_760_000_000 }), (ms) => {
        expect(milliseconds(ms, 'x')).toBe(ms)
      }),
    )
  })
})

describe('a size', () => {
  test.each([
    [1, 1],
    ['1b', 1],
    ['64MB', 67_108_864],
    ['1 kb', 1_024],
    ['2Gb', 2_147_483_648],
  ])('%j is %s bytes', (size, count) => {
    expect(bytes(size, 'memory')).toBe(count)
  })

  test.each([0, -1, 1.5, NaN, '', '1.5MB', '64', 'MB', '64MiB', null, undefined, {}])(
    '%s is none',
    (size) => {
      expect(() => bytes(size, 'limits.memory')).toThrow(/^limits\.memory is no size/)
    },
  )
})

test('text for people keeps to one unit, the largest that fits', () => {
  expect([0, 999, 1_000, 59_900, 60_000, 3_600_000, 172_800_000].map(showDuration)).toEqual([
    '0 ms',
    '999 ms',
    '1.0 s',
    '59.9 s',
    '1 min',
    '1.0 h',
    '2.0 d',
  ])
})
