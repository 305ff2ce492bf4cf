/**
 * Heaps at rest: a chain of links, each of which says what changed since the heap of the one before. The first speaks
 * of the base. A link is compressed, named by the engine it belongs to, and bound to the link before it.
 *
 *      0  'PCAS'                      48  the checksum of the link before it, or zeros, 32 bytes
 *      4  format version, u32 LE      80  inflated size, u32 LE
 *      8  engine digest, 32 bytes     84  packed size, u32 LE
 *     40  position in the journal,    88  sha256 over bytes 0–87 and the packed bytes, 32 bytes
 *         f64 LE                     120  the packed bytes: one zstd frame
 *
 * K1  Nothing is inflated before the checksum holds, and never more than the header says.
 * K2  A link opens only after the one that it was made after: links that were mixed up, or dropped, open no heap.
 * K3  The checksum is against damage. Against tampering, the journal's key authenticates the row that holds this.
 */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdCompressSync, zstdDecompress, zstdDecompressSync } from 'node:zlib'
import { StateCorruptError } from '../base/errors.ts'
import { joined, openDelta, type Delta } from './delta.ts'
import type { Heap, Link } from './sandbox.ts'

const MAGIC = 'PCAS'
/** The version of a link. */
export const HEAP_VERSION = 1
const [ENGINE, POSITION, BEFORE, SIZE, PACKED, SUM, HEAD] = [8, 40, 48, 80, 84, 88, 120] as const
const NONE = new Uint8Array(HEAD - SUM)
/** No guest is larger, all links together: engine heaps are bounded far below this. */
const MAX_INFLATED = 1_024 * 2 ** 20

/** Up to so many bytes, a way to another thread and back costs more than the work. */
const AT_ONCE = 512 * 1_024

const compressBeside = promisify(zstdCompress)
const decompressBeside = promisify(zstdDecompress)

/** A link as it is stored, of the engine with this digest. */
export async function packLink(
  delta: Delta,
  position: number,
  before: Link | undefined,
  engine: string,
): Promise<Link> {
  const inflated = delta.bytes
  const packed = await compress(inflated)
  const bytes = Buffer.alloc(HEAD + packed.length)
  bytes.write(MAGIC, 0, 'latin1')
  bytes.writeUInt32LE(HEAP_VERSION, 4)
  bytes.write(engine, ENGINE, 'hex')
  bytes.writeDoubleLE(position, POSITION)
  bytes.set(sumOf(before), BEFORE)
  bytes.writeUInt32LE(inflated.length, SIZE)
  bytes.writeUInt32LE(packed.length, PACKED)
  bytes.set(packed, HEAD)
  bytes.set(checksum(bytes), SUM)
  return { position, payload: bytes }
}

/**
 * The heap of stored links; undefined if there are none, or they are sound but of another engine: replay is the way then.
 * @throws {StateCorruptError} if one is damaged, no link, not made after the one before it, or of a newer format.
 */
export async function openHeap(links: readonly Link[], engine: string): Promise<Heap | undefined> {
  for (const [index, link] of links.entries()) check(link, links[index - 1])
  const size = links.reduce((sum, { payload }) => sum + bufferOf(payload).readUInt32LE(SIZE), 0)
  if (size > MAX_INFLATED) throw damaged('is too large')
  if (links.length === 0 || links.some(({ payload }) => engineOf({ payload }) !== engine)) return undefined
  return { links, delta: (await deltaOf(links)).bytes }
}

/** The digest of the engine that a sound link belongs to. */
export function engineOf({ payload }: Pick<Link, 'payload'>): string {
  return bufferOf(payload).toString('hex', ENGINE, POSITION)
}

/** What `links`, which have been checked, together differ from the base by. */
export async function deltaOf(links: readonly Link[]): Promise<Delta> {
  return joined(await Promise.all(links.map(inflated)))
}

function check({ position, payload }: Link, before: Link | undefined): void {
  const data = bufferOf(payload)
  if (data.length < HEAD || data.toString('latin1', 0, 4) !== MAGIC) throw damaged('is no snapshot')
  if (Buffer.compare(checksum(data), data.subarray(SUM, HEAD)) !== 0) throw damaged('is damaged')
  const version = data.readUInt32LE(4)
  if (version !== HEAP_VERSION) throw damaged(`has format ${version}, which this version does not read`)
  if (data.readUInt32LE(PACKED) !== data.length - HEAD) throw damaged('has a wrong size')
  if (data.readDoubleLE(POSITION) !== position) throw damaged('is of another place')
  if (data.compare(sumOf(before), 0, NONE.length, BEFORE, SIZE) !== 0)
    throw damaged('does not follow the one before it')
}

async function inflated({ payload }: Link): Promise<Delta> {
  const size = bufferOf(payload).readUInt32LE(SIZE)
  try {
    const bytes = await decompress(payload.subarray(HEAD), size)
    if (bytes.length === size) return openDelta(bytes)
  } catch (cause) {
    throw damaged('cannot be inflated', cause)
  }
  throw damaged('has a wrong size')
}

async function compress(bytes: Uint8Array): Promise<Buffer> {
  const options = { params: { [constants.ZSTD_c_compressionLevel]: 1 }, chunkSize: chunkOf(bytes.length / 4) }
  return bytes.length <= AT_ONCE ? zstdCompressSync(bytes, options) : compressBeside(bytes, options)
}

async function decompress(bytes: Uint8Array, size: number): Promise<Buffer> {
  const options = { maxOutputLength: Math.max(size, 1), chunkSize: chunkOf(size) }
  return size <= AT_ONCE ? zstdDecompressSync(bytes, options) : decompressBeside(bytes, options)
}

/** Each chunk of output is a way to another thread and back. */
function chunkOf(bytes: number): number {
  return Math.min(Math.max(Math.ceil(bytes), 4_096), 32 * 2 ** 20)
}

/** The checksum by which the link after it knows this one. */
function sumOf(link: Link | undefined): Uint8Array {
  return link === undefined ? NONE : link.payload.subarray(SUM, HEAD)
}

function checksum(data: Buffer): Buffer {
  return createHash('sha256').update(data.subarray(0, SUM)).update(data.subarray(HEAD)).digest()
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

function damaged(what: string, cause?: unknown): StateCorruptError {
  return new StateCorruptError(`A stored snapshot ${what}.`, { cause })
}
