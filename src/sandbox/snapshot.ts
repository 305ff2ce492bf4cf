/**
 * Images at rest: compressed, and named by the engine they belong to.
 *
 *      0  'PCAS'                      40  inflated size, u32 LE
 *      4  format version, u32 LE      44  packed size, u32 LE
 *      8  engine digest, 32 bytes     48  sha256 over bytes 0–47 and the packed bytes, 32 bytes
 *                                     80  the packed bytes: one zstd frame, whose
 *                                         dictionary is the engine's wasm
 *
 * K1  Nothing is inflated before the checksum holds, and never more than the header says.
 * K2  The checksum is against damage. Against tampering, the journal's key authenticates the row that holds this.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import { StateCorruptError } from '../base/errors.ts'
import { engineBytes, engineDigest } from './parts.ts'
import type { Image } from './sandbox.ts'

const MAGIC = 'PCAS'
const VERSION = 1
const HEAD = 80
const SUMMED = 48
/** No guest is larger: engine heaps are bounded far below this. */
const MAX_INFLATED = 512 * 2 ** 20

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)

/** `engine`: sound, but of another engine build; replay is the way then. */
export type Unpacked =
  | { readonly ok: true; readonly image: Image }
  | { readonly ok: false; readonly why: 'engine' }

/** An image as it is stored: of this process's engine. */
export async function pack(image: Image): Promise<Uint8Array> {
  const params = { [constants.ZSTD_c_compressionLevel]: 1 }
  const packed = await compress(image.bytes, { params, dictionary: engineBytes() })
  const bytes = Buffer.alloc(HEAD + packed.length)
  bytes.write(MAGIC, 0, 'latin1')
  bytes.writeUInt32LE(VERSION, 4)
  bytes.write(engineDigest(), 8, 'hex')
  bytes.writeUInt32LE(image.bytes.length, 40)
  bytes.writeUInt32LE(packed.length, 44)
  packed.copy(bytes, HEAD)
  checksum(bytes).copy(bytes, SUMMED)
  return bytes
}

/**
 * The image of stored bytes, if it belongs to the engine with this digest.
 * @throws {StateCorruptError} if the bytes are damaged, no snapshot, or of a newer format.
 */
export async function unpack(bytes: Uint8Array, digest: string): Promise<Unpacked> {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (data.length < HEAD || data.toString('latin1', 0, 4) !== MAGIC) throw damaged('is no snapshot')
  if (!timingSafeEqual(checksum(data), data.subarray(SUMMED, HEAD))) throw damaged('is damaged')
  const version = data.readUInt32LE(4)
  if (version !== VERSION) throw damaged(`has format ${version}, which this version does not read`)
  const size = data.readUInt32LE(40)
  if (data.readUInt32LE(44) !== data.length - HEAD || size > MAX_INFLATED) throw damaged('has a wrong size')
  if (data.toString('hex', 8, 40) !== digest) return { ok: false, why: 'engine' }
  const image = await inflate(data.subarray(HEAD), size)
  return { ok: true, image: { bytes: image } }
}

async function inflate(packed: Uint8Array, size: number): Promise<Uint8Array> {
  const options = { maxOutputLength: Math.max(size, 1), dictionary: engineBytes() }
  const bytes = await decompress(packed, options).catch((cause: unknown) => {
    throw damaged('cannot be inflated', cause)
  })
  if (bytes.length !== size) throw damaged('has a wrong size')
  return bytes
}

function checksum(data: Buffer): Buffer {
  return createHash('sha256').update(data.subarray(0, SUMMED)).update(data.subarray(HEAD)).digest()
}

function damaged(what: string, cause?: unknown): StateCorruptError {
  return new StateCorruptError(`A stored snapshot ${what}.`, { cause })
}
