/**
 * The base: the heap in which the prelude has run, nothing else. Every guest begins as this heap, and every other heap
 * is stored as what differs from it. It is made once, by `npm run base`, and lies beside this file.
 *
 *      0  'PCAB'                       8  bytes of memory, stack pointer, runtime, context, api, packed size: u32 LE each
 *      4  format version, u32 LE      32  the engine that made it: sha256 over its wasm and how it is changed, 32 bytes
 *                                     64  the memory from the stack pointer on: one zstd frame, whose dictionary is
 *                                         the engine's wasm
 *
 * This file is on the path of a worker's start: it imports nothing that takes time to load.
 */
import { zstdDecompressSync } from 'node:zlib'

/** What heaps are compared by. Smaller pages find no less, larger ones cost more: docs/decisions/0011-heaps-by-pages.md. */
export const PAGE = 4_096

const MAGIC = 'PCAB'
const VERSION = 1
const HEAD = 64

export interface Base {
  /** All of it; below the stack pointer zeros. */
  readonly memory: Uint8Array<ArrayBuffer>
  readonly stackPointer: number
  readonly runtimePtr: number
  readonly contextPtr: number
  /** The guest's one function, boxed in its own heap. */
  readonly api: number
}

/** The file's bytes. `compressed` is the memory from the stack pointer on. */
export function sealBase(base: Base, compressed: Uint8Array, engine: Uint8Array): Uint8Array {
  const { memory, stackPointer, runtimePtr, contextPtr, api } = base
  const bytes = Buffer.alloc(HEAD + compressed.length)
  bytes.write(MAGIC, 0, 'latin1')
  const words = [VERSION, memory.length, stackPointer, runtimePtr, contextPtr, api, compressed.length]
  for (const [index, word] of words.entries()) bytes.writeUInt32LE(word, 4 + index * 4)
  bytes.set(engine, 32)
  bytes.set(compressed, HEAD)
  return bytes
}

/** The id of the engine that made it. @throws {Error} the file is no base: the package is not as it was published. */
export function engineOfBase(bytes: Buffer): Buffer {
  const sound = bytes.toString('latin1', 0, 4) === MAGIC && bytes.readUInt32LE(4) === VERSION
  if (sound) return bytes.subarray(32, HEAD)
  throw new Error('The base heap beside the sandbox is none. Make it with: npm run base')
}

/** Whose base it is was checked on the host (`parts.ts`): there the digest is at hand. */
export function openBase(bytes: Buffer, wasm: Uint8Array): Base {
  const [size, stackPointer, runtimePtr, contextPtr, api] = [8, 12, 16, 20, 24].map((at) =>
    bytes.readUInt32LE(at),
  ) as [number, number, number, number, number]
  const options = { dictionary: wasm, maxOutputLength: size }
  const memory = new Uint8Array(size)
  memory.set(zstdDecompressSync(bytes.subarray(HEAD), options), stackPointer)
  return { memory, stackPointer, runtimePtr, contextPtr, api }
}
