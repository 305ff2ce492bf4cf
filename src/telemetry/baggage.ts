/**
 * W3C baggage as text: what a run stores of its caller's, so that tools have it after a pause too.
 * Format: https://www.w3.org/TR/baggage/#header-content
 *
 * G1  What is stored is bounded: so many entries, so many characters each and together. What does not fit is left out
 *     whole; nothing is cut in its middle.
 */

/** Entries that are kept. */
const MOST = 32
/** Characters of one entry, and of all. */
const LONGEST = 1_024
const LONGEST_ALL = 4_096

/** A key is a token of HTTP. */
const KEY = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

type Entries = readonly (readonly [key: string, value: string])[]

/** The text of what is kept (G1), of the keys named if any are; undefined: nothing is. */
export function formatBaggage(entries: Entries, keys?: readonly string[]): string | undefined {
  const kept: string[] = []
  let room = LONGEST_ALL
  for (const [key, value] of entries) {
    if (!KEY.test(key) || (keys !== undefined && !keys.includes(key))) continue
    const text = `${key}=${encodeURIComponent(value.toWellFormed())}`
    if (text.length > LONGEST || text.length + 1 > room || kept.length === MOST) continue
    kept.push(text)
    room -= text.length + 1
  }
  return kept.length === 0 ? undefined : kept.join(',')
}

/** Entries of a text that anybody may have written: what is none is passed over. Properties of entries are dropped. */
export function parseBaggage(text: string | undefined): Entries {
  if (text === undefined || text.length > LONGEST_ALL * 2) return []
  return text.split(',').flatMap((member): Entries => {
    const [pair = ''] = member.split(';')
    const equals = pair.indexOf('=')
    const key = pair.slice(0, equals).trim()
    if (equals < 1 || !KEY.test(key)) return []
    try {
      return [[key, decodeURIComponent(pair.slice(equals + 1).trim())]]
    } catch {
      return []
    }
  })
}
