/** The door to time: once, not early, not after it was called off. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'

const DAY = 86_400_000

describe('a timer', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  test('fires once, when its time has come', () => {
    const due = vi.fn<() => void>()
    systemClock.after(1_000, due, new AbortController().signal)
    vi.advanceTimersByTime(999)
    expect(due).not.toHaveBeenCalled()
    vi.advanceTimersByTime(5_000)
    expect(due).toHaveBeenCalledTimes(1)
  })

  test('that is called off never fires, nor one that was called off before', () => {
    const due = vi.fn<() => void>()
    const off = new AbortController()
    systemClock.after(1_000, due, off.signal)
    off.abort()
    systemClock.after(1_000, due, off.signal)
    vi.advanceTimersByTime(5_000)
    expect(due).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  test.each([-5, 0])('of %s ms fires at the next turn, not at once', (ms) => {
    const due = vi.fn<() => void>()
    systemClock.after(ms, due, new AbortController().signal)
    expect(due).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(due).toHaveBeenCalledTimes(1)
  })

  test.each([60 * DAY, Infinity])('of %s ms does not fire at once, as Node would let it', (ms) => {
    const due = vi.fn<() => void>()
    systemClock.after(ms, due, new AbortController().signal)
    vi.advanceTimersByTime(20 * DAY)
    expect(due).not.toHaveBeenCalled()
  })

  test('that has fired leaves no listener on its signal', () => {
    const { signal } = new AbortController()
    const removed = vi.spyOn(signal, 'removeEventListener')
    systemClock.after(1, () => undefined, signal)
    vi.advanceTimersByTime(2)
    expect(removed).toHaveBeenCalledTimes(1)
  })
})

test('the time never goes back', () => {
  const times = Array.from({ length: 1_000 }, () => systemClock.now())
  expect(times).toEqual(times.toSorted((a, b) => a - b))
})
