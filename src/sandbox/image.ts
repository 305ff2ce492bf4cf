/**
 * A raw image: the guest's memory above the engine's stack, and the pointers by which a new instance goes on.
 *
 *      0  magic, version, memory size, stack pointer, runtime, context, api, length of the grants: u32 LE each
 *     32  the grants in UTF-8, then the memory from the stack pointer on
 *
 * M1  When the guest has halted, the engine's stack is empty. It lies below the stack pointer (the module is linked
 *     stack first), so those bytes are dead: they are left out and come back as zeros.
 */
const MAGIC = 0x50434149
const VERSION = 1
const HEAD = 32
const PAGE = 65_536

export interface Heap {
  readonly memory: Uint8Array
  readonly stackPointer: number
  readonly runtimePtr: number
  readonly contextPtr: number
  /** The guest's one function, boxed in its own heap. */
  readonly api: number
  /** The tools granted, as the text that granted them. */
  readonly grants: string
}

export function sealImage(heap: Heap): Uint8Array<ArrayBuffer> {
  const { memory, stackPointer, runtimePtr, contextPtr, api } = heap
  const grants = new TextEncoder().encode(heap.grants)
  const bytes = new Uint8Array(HEAD + grants.length + memory.length - stackPointer)
  const view = new DataView(bytes.buffer)
  const words = [MAGIC, VERSION, memory.length, stackPointer, runtimePtr, contextPtr, api, grants.length]
  for (const [index, word] of words.entries()) view.setUint32(index * 4, word, true)
  bytes.set(grants, HEAD)
  bytes.set(memory.subarray(stackPointer), HEAD + grants.length)
  return bytes
}

/** @throws {TypeError} if the bytes are no image; their content is the business of whoever unpacked them. */
export function openImage(bytes: Uint8Array): Heap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEAD || view.getUint32(0, true) !== MAGIC || view.getUint32(4, true) !== VERSION) {
    throw new TypeError('These bytes are no image.')
  }
  const word = (index: number): number => view.getUint32(index * 4, true)
  const [size, stackPointer, runtimePtr, contextPtr, api, text] = [
    word(2),
    word(3),
    word(4),
    word(5),
    word(6),
    word(7),
  ]
  const body = HEAD + text
  const sound = size % PAGE === 0 && stackPointer <= size && bytes.length === body + size - stackPointer
  if (!sound || runtimePtr >= size || contextPtr >= size || api >= size)
    throw new TypeError('This image is not sound.')
  const memory = new Uint8Array(size)
  memory.set(bytes.subarray(body), stackPointer)
  const grants = new TextDecoder().decode(bytes.subarray(HEAD, body))
  return { memory, stackPointer, runtimePtr, contextPtr, api, grants }
}
