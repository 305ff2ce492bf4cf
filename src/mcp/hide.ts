/** Takes what a server was given in confidence (its environment, its headers, what its address asks) out of texts. */
import type { Way } from './options.ts'

/** A value shorter than this is no secret, and would be found everywhere. */
const SHORTEST = 6

export type Hide = (text: string) => string

/** `given`: the environment or the headers, as they were sent last. */
export function hiding(way: Way, given: () => Readonly<Record<string, string>>): Hide {
  const asked = way.is === 'url' ? Object.fromEntries(way.url.searchParams) : {}
  return (text) => {
    let shown = text
    const secrets = Object.entries({ ...asked, ...given() }).flatMap(([name, value]) =>
      // Of `Bearer abc` the second word is the secret.
      [value, value.replace(/^(?:Bearer|Basic|Token)\s+/i, '')]
        .filter((part) => part.length >= SHORTEST)
        .map((part) => [name, part] as const),
    )
    for (const [name, value] of secrets.toSorted(([, a], [, b]) => b.length - a.length))
      for (const form of [value, encodeURIComponent(value), JSON.stringify(value).slice(1, -1)])
        shown = shown.replaceAll(form, `<${name}>`)
    return shown
  }
}
