/** Images of a task: what people give becomes bytes with a media type, once, at the door. */
import { UsageError } from '../base/errors.ts'

/** Bytes, a data URL, or bytes or base64 text with its media type. */
export type ImageGiven =
  | Uint8Array
  | `data:${string}`
  | { readonly data: Uint8Array | string; readonly mediaType: string }

export interface TaskImage {
  readonly mediaType: string
  readonly data: Uint8Array
}

/** @throws {UsageError} naming the image that is none. */
export function imagesOf(given: readonly ImageGiven[]): readonly TaskImage[] {
  if (!Array.isArray(given)) throw new UsageError('images is a list of images.')
  return given.map((image: unknown, index) => imageOf(image, `images[${index}]`))
}

function imageOf(image: unknown, what: string): TaskImage {
  if (image instanceof Uint8Array) return { mediaType: sniff(image), data: image }
  if (typeof image === 'string') {
    const match = /^data:([^;,]+);base64,(.*)$/s.exec(image)
    if (match !== null) return { mediaType: match[1] ?? '', data: base64(match[2] ?? '', what) }
    throw new UsageError(`${what} is text, but no data URL (data:image/png;base64,…).`)
  }
  const { data, mediaType } = Object(image) as { readonly data?: unknown; readonly mediaType?: unknown }
  if (typeof mediaType === 'string' && /^[a-z]+\/[\w.+-]+$/i.test(mediaType)) {
    if (data instanceof Uint8Array) return { mediaType, data }
    if (typeof data === 'string') return { mediaType, data: base64(data, what) }
  }
  throw new UsageError(`${what} is no image: give bytes, a data URL, or { data, mediaType }.`)
}

function base64(text: string, what: string): Uint8Array {
  if (!/^[\w+/=\s-]*$/.test(text)) throw new UsageError(`${what} is not base64.`)
  return new Uint8Array(Buffer.from(text, 'base64'))
}

/** The first bytes of the formats that models take. */
const SIGNATURES: readonly (readonly [mediaType: string, hex: string])[] = [
  ['image/png', '89504e47'],
  ['image/jpeg', 'ffd8ff'],
  ['image/gif', '47494638'],
  ['image/webp', '52494646'],
]

function sniff(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, 4)).toString('hex')
  return SIGNATURES.find(([, signature]) => hex.startsWith(signature))?.[0] ?? 'image/*'
}
