/** What a tool says beside its result: it is shown as far as it can be, and never hurts the call. */
import { describe, expect, test } from 'vitest'
import { NO_SECRETS, Secrets } from '../../src/tool/secret.ts'
import { Aside } from '../../src/agent/aside.ts'

function heard(): { aside: Aside; lines: string[]; values: unknown[] } {
  const lines: string[] = []
  const values: unknown[] = []
  const aside = new Aside({
    secrets: NO_SECRETS,
    log: (line) => void lines.push(line),
    progress: (value) => void values.push(value),
  })
  return { aside, lines, values }
}

const ring: { self?: unknown } = {}
ring.self = ring
const trap = new Proxy(
  {},
  {
    get: () => {
      throw new Error('no')
    },
    ownKeys: () => {
      throw new Error('no')
    },
  },
)

describe('the log', () => {
  test.each([
    ['text and data', ['a', { b: 1 }, 2, null, undefined], 'a {"b":1} 2 null undefined'],
    ['a cycle', [ring], '<ref *1> { self: [Circular *1] }'],
    ['a BigInt', [7n], '7n'],
    ['what throws when it is read', [trap], '{}'],
    ['a function', [() => 1], '() => 1'],
  ])('takes %s', (_, parts, line) => {
    const { aside, lines } = heard()
    aside.log(...parts)
    expect(lines).toEqual([line])
  })

  test('loses its secrets before it is cut: no half of one is left', () => {
    const lines: string[] = []
    const secrets = new Secrets({ TOKEN: 'ghp_S3cr3tTok3n' })
    const aside = new Aside({ secrets, log: (line) => void lines.push(line), progress: () => undefined })
    aside.log(`${'x'.repeat(9_995)}ghp_S3cr3tTok3n`)
    expect(lines[0]?.slice(9_990)).toBe('xxxxx[secr… (10009 characters)')
  })

  test('cuts a line that nobody can read, and ends a flood', () => {
    const { aside, lines } = heard()
    aside.log('x'.repeat(1_000_000))
    expect(lines[0]).toMatch(/^x{10000}… \(1000000 characters\)$/)
    for (let i = 0; i < 100_000; i++) aside.log('again')
    expect(lines).toHaveLength(10_001)
    expect(lines.at(-1)).toBe('more than 10000 lines: the rest is not shown')
  })
})

describe('progress', () => {
  test('is a copy: what the tool does to it afterwards is not seen', () => {
    const { aside, values } = heard()
    const state = { done: 1, at: new Date(0) }
    aside.progress(state)
    state.done = 2
    expect(values).toEqual([{ done: 1, at: new Date(0) }])
  })

  test.each([
    ['a function', () => 1, 'it is a function'],
    ['what throws when it is read', trap, 'no'],
    ['a megabyte', 'x'.repeat(1_000_001), 'it has 1000005 characters'],
  ])('that cannot be shown (%s) is a line of the log', (_, value, why) => {
    const { aside, lines, values } = heard()
    aside.progress(value)
    expect(values).toEqual([])
    expect(lines[0]).toMatch(/^progress that cannot be shown: /)
    expect(lines[0]).toContain(why)
  })
})
