/**
 * What the engine's allocator has free is wiped when a step has ended: dead bytes are zeros, so they are not stored, and
 * a heap that once was large costs what lives in it. (Wasm memory never shrinks.)
 *
 *      chunk:  0  size of the chunk before it, if that one is free     4  size, and three bits: 1 the chunk before it is
 *              in use, 2 this one is, 4 none                           8  what is in use; of a free one up to 24 bytes of
 *                                                                         links, then nothing
 *
 * W1  The allocator (dlmalloc, as wasi-libc has it) lays its chunks one after the other up to the end of the memory. All
 *     of them are looked at first; where one is not as above, nothing is wiped.
 * W2  It happens after the same deliveries in every life of a run, so heaps stay byte for byte a function of the journal.
 * W3  The engine keeps small objects in slabs of a few KB; what is free within one is not seen.
 */

import type { HeapSize } from '../base/halt.ts'

const USED_BEFORE = 1
const USED = 2
const FLAGS = 7
const LEAST = 16
const HEAD = 8
/** Where nothing of the allocator's own stands in a free chunk any more. The last one of all has less. */
const DEAD = 32
/** The last chunk is only a mark: that there is memory no more. */
const FOOT = 64

/** Wipes what is free from the chunk at `first` on, and tells what is left; undefined if the memory is not as expected (W1). */
export function sweep(memory: Uint8Array, first: number): HeapSize | undefined {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength)
  const free: number[] = []
  let used = 0
  let wasFree: number | undefined
  for (let at = first; at < memory.length;) {
    const head = view.getUint32(at + 4, true)
    const size = head & ~FLAGS
    const next = at + size
    const isMark = next === memory.length && size <= FOOT
    if (size < LEAST || next > memory.length || (head & (FLAGS & ~(USED | USED_BEFORE))) !== 0)
      return undefined
    if (at > first && ((head & USED_BEFORE) === 0) !== (wasFree !== undefined)) return undefined
    // The one before the mark is not in use, though the mark does not say so of itself: it is where memory is taken from.
    if (wasFree !== undefined && !isMark && view.getUint32(at, true) !== wasFree) return undefined
    const isFree = (head & USED) === 0 && !isMark
    if (isFree) free.push(at)
    else used += size
    wasFree = isFree ? size : undefined
    at = next
  }
  for (const at of free) {
    const end = at + (view.getUint32(at + 4, true) & ~FLAGS)
    if (end - at > DEAD) memory.fill(0, at + DEAD, end)
  }
  return { bytes: memory.length, used }
}

/** The chunk of what was given out at `pointer`. */
export function chunkOf(pointer: number): number {
  return pointer - HEAD
}
