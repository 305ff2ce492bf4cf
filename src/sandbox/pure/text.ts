/** Texts as bytes and back. Bytes cross in base64. */

export function encodeText(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}

/**
 * The text of the bytes, and the encoding's proper name. `stream`: more will follow, and what is incomplete at the end
 * waits for it. @throws {RangeError | TypeError} as the platform's decoder.
 */
export function decodeText(
  label: string,
  fatal: boolean,
  ignoreBOM: boolean,
  stream: boolean,
  bytes: string,
): string[] {
  const decoder = new TextDecoder(label, { fatal, ignoreBOM })
  return [decoder.decode(Buffer.from(bytes, 'base64'), { stream }), decoder.encoding]
}
