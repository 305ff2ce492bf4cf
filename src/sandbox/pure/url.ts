/** URLs and their queries, by the platform's own parser. */
import type { Json } from '../../base/json.ts'

/** The parts of a URL, in the order in which it is shown; `null` for what is no URL. */
export function parseUrl(input: string, base: string | null): Json {
  return partsOf(URL.parse(input, base ?? undefined))
}

/** The URL `href` after one of its parts was set. */
export function changeUrl(href: string, part: string, value: string): Json {
  const url = new URL(href)
  switch (part) {
    case 'protocol':
    case 'username':
    case 'password':
    case 'host':
    case 'hostname':
    case 'port':
    case 'pathname':
    case 'search':
    case 'hash':
      url[part] = value
  }
  return partsOf(url)
}

function partsOf(url: URL | null): Json {
  if (url === null) return null
  const { href, origin, protocol, username, password, host, hostname, port, pathname, search, hash } = url
  return { href, origin, protocol, username, password, host, hostname, port, pathname, search, hash }
}

/** Names and values in turn. */
export function parseQuery(text: string): Json {
  return [...new URLSearchParams(text)].flat()
}

export function writeQuery(...entries: string[]): Json {
  const query = new URLSearchParams()
  for (let i = 0; i + 1 < entries.length; i += 2) query.append(entries[i] ?? '', entries[i + 1] ?? '')
  return query.toString()
}
