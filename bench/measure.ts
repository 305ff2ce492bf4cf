/** Clocks and counters of this process, and what is made of repeated measurements. */
import { readFileSync } from 'node:fs'

/** Of one figure, measured several times: the machine is shared, so the least is the truer one. */
export interface Spread {
  readonly median: number
  readonly min: number
}

/** @throws {RangeError} if nothing was measured. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((one, other) => one - other)
  const [min, middle] = [sorted[0], sorted[Math.floor(sorted.length / 2)]]
  if (min === undefined || middle === undefined) throw new RangeError('Nothing was measured')
  const below = sorted[(sorted.length >> 1) - 1] ?? middle
  return { min, median: sorted.length % 2 === 0 ? (middle + below) / 2 : middle }
}

/** The value below which `percent` of them lie. @throws {RangeError} if nothing was measured. */
export function percentileOf(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  const found = sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))]
  if (found === undefined) throw new RangeError('Nothing was measured')
  return found
}

export function medianOf(values: readonly number[]): number {
  return spreadOf(values).median
}

/** What this process has used up to now, its threads included. */
export interface Reading {
  /** ms */
  readonly wall: number
  /** ms */
  readonly cpu: number
}

export function read(): Reading {
  const { user, system } = process.cpuUsage()
  return { wall: performance.now(), cpu: (user + system) / 1000 }
}

/** Bytes that this process has given to write calls; undefined where the kernel does not tell. */
export function written(): number | undefined {
  try {
    return Number(/^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1])
  } catch {
    return undefined
  }
}

/** How long `work` takes, in ms, and what it gives. */
export async function timed<T>(
  work: () => T | Promise<T>,
): Promise<{ readonly ms: number; readonly value: T }> {
  const began = performance.now()
  const value = await work()
  return { ms: performance.now() - began, value }
}

/** ms since the epoch, finer than `Date.now()`; comparable between processes of one machine. */
export function instant(): number {
  return performance.timeOrigin + performance.now()
}
