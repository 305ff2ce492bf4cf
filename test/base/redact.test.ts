/** Secrets are taken out of data in whatever form they come, and nothing else is touched (R1-R3). */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decode, encode } from '../../src/base/codec.ts'
import { Redactor } from '../../src/base/redact.ts'

const TOKEN = 'ghp_S3cr3t/Tok+en=9'
const PASSWORD = 'p"ä\\ss <w>\nör&d?'
const redactor = new Redactor([
  ['TOKEN', TOKEN],
  ['PASSWORD', PASSWORD],
])
const bytesOf = (text: string): Buffer => Buffer.from(text)
const values = [
  ['TOKEN', TOKEN],
  ['PASSWORD', PASSWORD],
] as const

describe.each(values)('%s', (name, value) => {
  const url = new URL('https://a.test/')
  url.searchParams.set('key', value)
  test.each([
    ['plain', value],
    ['as JSON', JSON.stringify({ key: value })],
    ['as JSON in JSON', JSON.stringify(JSON.stringify({ key: value }))],
    ['as JSON in JSON in JSON', JSON.stringify(JSON.stringify(JSON.stringify({ key: value })))],
    ['as a key of JSON', JSON.stringify({ [value]: 1 })],
    ['as JSON that escapes slashes', JSON.stringify([value]).replaceAll('/', '\\/')],
    ['encoded for the guest', encode({ key: [value], map: new Map([[value, 1]]) })],
    ['encodeURIComponent', `https://a.test/?key=${encodeURIComponent(value)}`],
    ['in lower case', encodeURIComponent(value).replaceAll(/%../g, (code) => code.toLowerCase())],
    ['URLSearchParams', url.href],
    ['base64', bytesOf(value).toString('base64')],
    ['base64 after one byte', bytesOf(`x${value}y`).toString('base64')],
    ['base64 after two bytes', bytesOf(`xx${value}yy`).toString('base64')],
    ['Basic', `Basic ${bytesOf(`user:${value}`).toString('base64')}`],
    ['base64url', bytesOf(value).toString('base64url')],
    ['base64url after two bytes', bytesOf(`xx${value}y`).toString('base64url')],
    ['hex', bytesOf(value).toString('hex')],
    ['HEX', bytesOf(value).toString('hex').toUpperCase()],
  ])('%s', (_, text) => {
    const cleaned = redactor.text(`${text}`)
    expect(cleaned).toContain(`[secret:${name}]`)
    for (const form of [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value)])
      expect(cleaned).not.toContain(form)
    const surrounded = redactor.text(`before ${text} after`)
    expect(surrounded).toMatch(/^before .*after$/s)
    expect(surrounded).toContain(`[secret:${name}]`)
  })

  test.each([
    ['its bytes', bytesOf(value)],
    ['its bytes within others', bytesOf(`….${value}.`)],
    ['base64 as bytes', bytesOf(bytesOf(value).toString('base64'))],
    ['JSON as bytes', bytesOf(JSON.stringify({ value }))],
    ['UTF-16', Buffer.from(value, 'utf16le')],
  ])('%s: overwritten, as many as before (R3)', (_, bytes) => {
    const given = { bytes: new Uint8Array(bytes), view: new DataView(Uint8Array.from(bytes).buffer) }
    const cleaned = decode(redactor.text(encode(given))) as typeof given
    const seen = Buffer.from(cleaned.bytes)
    expect(seen).toHaveLength(bytes.length)
    expect(seen.includes('********')).toBe(true)
    expect(seen.includes(value)).toBe(false)
    expect(cleaned.view.byteLength).toBe(bytes.length)
    expect(Buffer.from(cleaned.view.buffer)).toEqual(seen)
  })
})

describe('R2: what was encoded can be decoded', () => {
  test('a value of all kinds, with secrets everywhere', () => {
    const given = {
      [TOKEN]: TOKEN,
      list: Object.assign([TOKEN], { 2: -0, 4: 9n }),
      map: new Map<unknown, unknown>([[TOKEN, new Set([TOKEN])]]),
      error: new TypeError(`bad ${TOKEN}`, { cause: new Error(TOKEN) }),
      url: new URL(`https://a.test/${encodeURIComponent(TOKEN)}`),
      date: new Date(0),
      pattern: /a/g,
      deep: JSON.stringify({ also: TOKEN }),
    }
    const cleaned = decode(redactor.text(encode(given)))
    expect(cleaned).toEqual({
      '[secret:TOKEN]': '[secret:TOKEN]',
      list: Object.assign(['[secret:TOKEN]'], { 2: -0, 4: 9n }),
      map: new Map<unknown, unknown>([['[secret:TOKEN]', new Set(['[secret:TOKEN]'])]]),
      error: new TypeError('bad [secret:TOKEN]', { cause: new Error('[secret:TOKEN]') }),
      url: new URL('https://a.test/[secret:TOKEN]'),
      date: new Date(0),
      pattern: /a/g,
      deep: '{"also":"[secret:TOKEN]"}',
    })
  })

  test('a secret of digits that comes as a number', () => {
    const pin = new Redactor([['PIN', '1234567890']])
    expect(decode(pin.text(encode({ pin: 1234567890, other: 1 })))).toEqual({ pin: '[secret:PIN]', other: 1 })
  })

  test('a secret that lies across the parts of a structure: nothing of it is kept', () => {
    const odd = new Redactor([['ODD', '","b","c']])
    expect(odd.text('["a","b","c"]')).not.toContain('b')
    expect(() => decode(odd.text('["a","b","c"]'))).not.toThrow()
  })

  test('JSON of a depth that nobody writes', () => {
    const deep = `${'['.repeat(200_000)}"${TOKEN}"${']'.repeat(200_000)}`
    expect(redactor.text(deep)).not.toContain(TOKEN)
  })

  test('any value, with a secret put into any of its texts', () => {
    const leaky = fc.anything({
      withDate: true,
      withMap: true,
      withSet: true,
      withBigInt: true,
      withTypedArray: true,
      values: [fc.string(), fc.integer(), fc.constant(TOKEN), fc.constant(`a${PASSWORD}b`)],
      key: fc.oneof(fc.string(), fc.constant(TOKEN)),
    })
    fc.assert(
      fc.property(leaky, (value) => {
        const text = redactor.text(encode(value))
        expect(() => decode(text)).not.toThrow()
        expect(text).not.toContain(TOKEN)
        expect(text).not.toContain(JSON.stringify(PASSWORD).slice(1, -1))
      }),
      { numRuns: 500 },
    )
  })
})

describe('R1: what holds no secret', () => {
  test('is the same, object for object', () => {
    const data = { kind: 'x', list: [{ text: 'secret' }], none: undefined, bytes: new Uint8Array(3), at: 7 }
    expect(redactor.data(data)).toBe(data)
    const text = encode({ bytes: new Uint8Array(100), text: 'ghp_S3cr3t' })
    expect(redactor.text(text)).toBe(text)
  })

  test('beside what does', () => {
    const clean = { text: 'clean' }
    const cleaned = redactor.data({ clean, leak: [TOKEN] })
    expect(cleaned).toEqual({ clean, leak: ['[secret:TOKEN]'] })
    expect(cleaned.clean).toBe(clean)
  })

  test('any value comes back', () => {
    fc.assert(
      fc.property(fc.anything({ withTypedArray: true, withMap: true, withDate: true }), (value) => {
        const text = encode(value)
        expect(redactor.text(text)).toBe(text)
      }),
      { numRuns: 500 },
    )
  })
})

test('a stream of pieces, cut anywhere', () => {
  const text = `before ${TOKEN} between ghp_S3 and ${bytesOf(TOKEN).toString('hex')} ghp_`
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: text.length }), (sizes) => {
      const pieces = redactor.pieces()
      let said = ''
      let at = 0
      for (const size of sizes) {
        said += pieces.hear(text.slice(at, at + size))
        expect(said).not.toContain(TOKEN.slice(0, 15))
        at += size
      }
      expect(said + pieces.end()).toBe('before [secret:TOKEN] between ghp_S3 and [secret:TOKEN] ghp_')
    }),
    { numRuns: 200 },
  )
})
