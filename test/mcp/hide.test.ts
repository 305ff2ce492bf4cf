/** What a server was given in confidence, in texts that people and runs may keep. */
import { expect, test } from 'vitest'
import { hiding } from '../../src/mcp/hide.ts'
import { settingsOf } from '../../src/mcp/options.ts'

test('values are taken out as they are, in URLs and in JSON; the longer one first', () => {
  const { way } = settingsOf({ name: 'a', url: 'https://x.example/mcp?key=open%20sesame&n=1' })
  const given = { authorization: 'Bearer abcdefgh', cookie: 'Bearer abcdefghij', short: 'abc' }
  const hide = hiding(way, () => given)
  expect(hide('sent abcdefgh')).toBe('sent <authorization>')
  expect(hide('sent Bearer abcdefghij')).toBe('sent <cookie>')
  expect(hide('GET /mcp?key=open%20sesame&n=1')).toBe('GET /mcp?key=<key>&n=1')
  expect(hide('abc stays')).toBe('abc stays')
  const { way: command } = settingsOf({ name: 'a', command: 'x' })
  const quoted = hiding(command, () => ({ TOKEN: 'say "please"' }))
  expect(quoted('{"error":"say \\"please\\""}')).toBe('{"error":"<TOKEN>"}')
})
