/**
 * All that the engine's code imports: a clock, randomness and an output, each of our making (G1 of `engine.ts`), and the
 * way on which it tells that something ran out (G6).
 */
import type { KillReason } from '../base/halt.ts'

// Neither our libs nor Node's types declare what WebAssembly gives.

/** The memory's bytes, to be asked for afresh each time: they move when the memory grows. */
export function buffer(memory: unknown): ArrayBuffer {
  return (memory as { readonly buffer: ArrayBuffer }).buffer
}

/** For a guest that runs nothing: every import says that there is no such thing. */
export const STILL = {
  clock_time_get: (): number => 0,
  random_get: (): number => 0,
  fd_write: (): number => 8,
}

const telling = new Map<number, KillReason | undefined>()
const FORMATS: readonly (readonly [text: string, reason: KillReason])[] = [
  ['Maximum call stack', 'stack'],
  ['out of memory', 'memory'],
]

/** What an error with this format text says about the guest. The texts are constants of the engine. */
function reasonOf(memory: unknown, format: number): KillReason | undefined {
  if (!telling.has(format)) {
    const text = String.fromCharCode(...new Uint8Array(buffer(memory), format, 24))
    telling.set(format, FORMATS.find(([begin]) => text.startsWith(begin))?.[1])
  }
  return telling.get(format)
}

/** The imports of a guest: its clock stands at `clock()` ms; `ranOut` hears of memory and stack, and may throw. */
export function worldOf(
  memory: unknown,
  { clock, ranOut }: { readonly clock: () => number; readonly ranOut: (reason: KillReason) => void },
): Record<string, (...args: never[]) => number> {
  return {
    clock_time_get: (_id: number, _precision: bigint, at: number) => {
      new DataView(buffer(memory)).setBigUint64(at, BigInt(Math.trunc(clock())) * 1_000_000n, true)
      return 0
    },
    random_get: (at: number, length: number) => {
      new Uint8Array(buffer(memory), at, length).fill(7)
      return 0
    },
    fd_write: () => 8,
    fd_close: (format: number) => {
      const reason = reasonOf(memory, format)
      if (reason !== undefined) ranOut(reason)
      return 8
    },
  }
}
