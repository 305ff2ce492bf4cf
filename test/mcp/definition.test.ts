/** What a server says of its tools, read: whatever it says, names are ours, and nothing is believed of who is not trusted. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkToolName } from '../../src/tool/name.ts'
import type { Tool } from '../../src/mcp/client.ts'
import { listedOf } from '../../src/mcp/definition.ts'
import { settingsOf, type McpCommand } from '../../src/mcp/options.ts'

const settings = (more: Partial<McpCommand> = {}): ReturnType<typeof settingsOf> =>
  settingsOf({ name: 'srv', command: 'x', ...more })

const anyTool = fc.record(
  {
    name: fc.oneof(
      fc.string(),
      fc.constantFrom('a-b', 'a_b', 'a.b', 'constructor', '__proto__', 'then', 'x'.repeat(200)),
    ),
    description: fc.string(),
    inputSchema: fc.oneof(
      fc.constant({ type: 'object' }),
      fc.constant({ type: 'nonsense' }),
      fc.constant({ type: 'object', properties: { x: { $ref: '#' } } }),
    ),
    annotations: fc.record(
      { readOnlyHint: fc.boolean(), destructiveHint: fc.boolean(), idempotentHint: fc.boolean() },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ['name', 'inputSchema'] },
) as unknown as fc.Arbitrary<Tool>

test('law: each tool is listed once under a name of its own that code can call, or refused by name', () => {
  fc.assert(
    fc.property(fc.array(anyTool), fc.boolean(), (raw, trust) => {
      const { tools, refused } = listedOf(raw, settings({ trust }))
      expect(tools.length + refused.length).toBe(raw.length)
      const names = tools.map(({ ownName }) => ownName)
      expect(new Set(names).size).toBe(names.length)
      for (const name of names) {
        expect(name.startsWith('srv_')).toBe(true)
        expect(checkToolName(name)).toBe(name)
        expect(name).not.toContain('-')
      }
      for (const { effect, needsApproval } of trust ? [] : tools)
        expect([effect, needsApproval]).toEqual(['once', true])
    }),
  )
})

test('the digest is of all that it says', () => {
  const base = { name: 'a', inputSchema: { type: 'object' } } as Tool
  const digestOf = (more: Partial<Tool>): unknown =>
    listedOf([{ ...base, ...more }], settings()).tools[0]?.digest
  const changed = [
    {},
    { title: 'A' },
    { description: 'x' },
    { inputSchema: { type: 'object', properties: {} } },
    { outputSchema: { type: 'object' } },
    { annotations: { readOnlyHint: true } },
    { annotations: { openWorldHint: true } },
  ] as readonly Partial<Tool>[]
  expect(new Set(changed.map(digestOf)).size).toBe(changed.length)
  expect(digestOf({ annotations: {} })).toBe(digestOf({}))
})

test('a description that is too long for a prompt is cut', () => {
  const raw = { name: 'a', inputSchema: { type: 'object' }, description: 'x'.repeat(100_000) } as Tool
  const [tool] = listedOf([raw], settings()).tools
  expect(tool?.description.length).toBeLessThan(8_100)
  expect(tool?.description).toMatch(/… \(cut\)$/)
})

test('where nothing is said of the world outside, it is taken to be there', () => {
  const touches = (annotations: object, more: Partial<McpCommand> = {}): unknown =>
    listedOf([{ name: 'a', inputSchema: { type: 'object' }, annotations }], settings(more)).tools[0]?.touches
  expect(touches({})).toEqual(['untrusted', 'outbound'])
  expect(touches({ openWorldHint: false })).toEqual([])
  expect(touches({ openWorldHint: false }, { trust: false })).toEqual(['untrusted', 'outbound'])
  expect(touches({}, { touches: ['private'] })).toEqual(['private'])
})
