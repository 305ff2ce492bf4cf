/** Durations: a number of milliseconds, or text like `'30s'`, `'1h'`, `'2d'`. */
import { UsageError } from './errors.ts'

export type Duration = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd' | 'w'}`

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** A hundred years: what is longer is a mistake, and dates beyond it soon have no name. */
const LONGEST = 100 * 366 * 86_400_000

/** Milliseconds of a duration. @throws {UsageError} naming `what`, for anything else. */
export function milliseconds(duration: unknown, what: string): number {
  if (typeof duration === 'number' && duration >= 0 && duration <= LONGEST) return duration
  if (typeof duration === 'string') {
    const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/.exec(duration.trim())
    const factor = UNITS[match?.[2] ?? '']
    const ms = match === null || factor === undefined ? Infinity : Number(match[1]) * factor
    if (ms <= LONGEST) return ms
  }
  throw new UsageError(
    `${what} is no duration: ${show(duration)}. Write a number of ms, or '30s', '10m', '1h', '2d'; at most 100 years.`,
  )
}

/** Text for people: `1.2 s`, `3 min`. */
export function showDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  if (ms < 172_800_000) return `${(ms / 3_600_000).toFixed(1)} h`
  return `${(ms / 86_400_000).toFixed(1)} d`
}

const BYTES: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 }

/** Bytes of a size: a number, or text like `'64MB'`. @throws {UsageError} naming `what`. */
export function bytes(size: unknown, what: string): number {
  if (typeof size === 'number' && Number.isSafeInteger(size) && size > 0) return size
  if (typeof size === 'string') {
    const match = /^(\d+)\s*(b|kb|mb|gb)$/i.exec(size.trim())
    const factor = BYTES[(match?.[2] ?? '').toLowerCase()]
    if (match !== null && factor !== undefined) return Number(match[1]) * factor
  }
  throw new UsageError(`${what} is no size: ${show(size)}. Write a number of bytes, or '64MB'.`)
}

/** Text for people: `32 MB`, `1.5 KB`. */
export function showBytes(size: number): string {
  const [unit, factor] = size >= 1024 ** 2 ? ['MB', 1024 ** 2] : size >= 1024 ? ['KB', 1024] : ['bytes', 1]
  return `${Math.round((size / factor) * 10) / 10} ${unit}`
}

function show(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
