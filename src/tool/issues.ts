/** What is wrong with a value, in words that the model can act on. */

/** `message` is written for the model: which field, what was expected, what was received; five issues at most. */
export type Checked =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly message: string }

/** `path` from the value to the field; `alternatives` are what would have done, where the message does not say. */
export interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly alternatives?: readonly string[]
}

const MAX_ISSUES = 5
const MAX_MESSAGE = 300

/** `what` begins the sentence: "The input of refund". Types of what was received are named, values never. */
export function describeIssues(issues: readonly Issue[], value: unknown, what: string): string {
  const lines = issues
    .slice(0, MAX_ISSUES)
    .map((issue) => `- ${showPath(issue.path)}: ${sentence(issue, value)}`)
  const rest = issues.length - lines.length
  if (rest > 0) lines.push(`- and ${rest} more`)
  return [`${what} is not valid:`, ...lines].join('\n')
}

/** `items[0].name`, `["a b"]`; `(the whole)` for the value itself. */
export function showPath(path: readonly PropertyKey[]): string {
  const text = path
    .map((key) => {
      if (typeof key === 'number' || (typeof key === 'string' && /^\d{1,9}$/.test(key)))
        return `[${String(key)}]`
      return /^[A-Za-z_$][\w$]*$/.test(String(key))
        ? `.${String(key)}`
        : `[${JSON.stringify(cut(String(key), 60))}]`
    })
    .join('')
  return text === '' ? '(the whole)' : cut(text.replace(/^\./, ''), 200)
}

/** `string`, `null`, `array`, `Date`, …: what a person would call it. */
export function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  if (value instanceof Date || value instanceof Map || value instanceof Set) return value.constructor.name
  return typeof value
}

function sentence(issue: Issue, value: unknown): string {
  const said = cut(issue.message.replace(/^Invalid input: (?=expected)/, ''), MAX_MESSAGE)
  if (/received|\(was |^cannot be checked/i.test(said)) return said
  const expected = issue.alternatives?.length ? `, expected ${issue.alternatives.join(' or ')}` : ''
  const received = at(value, issue.path)
  return received.found ? `${said}${expected}, received ${typeName(received.value)}` : said + expected
}

function at(
  value: unknown,
  path: readonly PropertyKey[],
): { readonly found: boolean; readonly value?: unknown } {
  let here: unknown = value
  for (const key of path) {
    if (typeof here !== 'object' || here === null) return { found: false }
    here = Object.hasOwn(here, key) ? (here as Readonly<Record<PropertyKey, unknown>>)[key] : undefined
  }
  return { found: true, value: here }
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}
