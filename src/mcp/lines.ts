/**
 * Bytes of a pipe as lines, one for each message. A line that is too long is not kept: its two ends are all that is left
 * of it, and the lines after it are read as ever.
 */

/** So much of each end of a line that was too long. */
const ENDS = 256

interface Hear {
  line(text: string): void
  tooLong(head: string, tail: string): void
}

export class Lines {
  readonly #max: number
  readonly #hear: Hear
  #parts: Buffer[] = []
  #length = 0
  #tail: Buffer = Buffer.alloc(0)

  constructor(max: number, hear: Hear) {
    this.#max = max
    this.#hear = hear
  }

  push(chunk: Buffer): void {
    let rest = chunk
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      this.#add(rest.subarray(0, end))
      this.#end()
      rest = rest.subarray(end + 1)
    }
    this.#add(rest)
  }

  #add(part: Buffer): void {
    if (part.length === 0) return
    const was = this.#length
    this.#length += part.length
    if (this.#length <= this.#max) {
      this.#parts.push(part)
      return
    }
    if (was <= this.#max) this.#parts = [Buffer.from(Buffer.concat([...this.#parts, part]).subarray(0, ENDS))]
    this.#tail = Buffer.from(Buffer.concat([this.#tail, part.subarray(-ENDS)]).subarray(-ENDS))
  }

  #end(): void {
    const kept = Buffer.concat(this.#parts).toString('utf8')
    if (this.#length > this.#max) this.#hear.tooLong(kept, this.#tail.toString('utf8'))
    else if (kept.trim() !== '') this.#hear.line(kept)
    this.#parts = []
    this.#length = 0
    this.#tail = Buffer.alloc(0)
  }
}

/** The id that a response carries, where it stands at one of its ends: where every program that we know writes it. */
export function idOf(head: string, tail: string): number | undefined {
  const first = /^\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*(\d{1,15})\s*,/.exec(head)
  const last = /"id"\s*:\s*(\d{1,15})\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$/.exec(tail)
  const id = (first ?? last)?.[1]
  return id === undefined ? undefined : Number(id)
}
