/** State keys: what counts as one, and that a wrap opens with its own key, for its own run, and in no other way (K1–K4). */
import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { keyringOf, newDataKey, type KeyWrap } from '../../src/journal/keys.ts'

const key = randomBytes(32)
const other = randomBytes(32)
const dataKey = newDataKey()

async function wrapped(given: Parameters<typeof keyringOf>[0] = key, runId = 'run-1'): Promise<KeyWrap> {
  const wrap = await keyringOf(given).wrap(runId, dataKey)
  if (wrap === undefined) throw new Error('There is a key')
  return wrap
}

describe('what is a key (K2)', () => {
  test.each([
    ['hex', key.toString('hex')],
    ['hex in capitals', key.toString('hex').toUpperCase()],
    ['base64', key.toString('base64')],
    ['base64 without padding', key.toString('base64').replace('=', '')],
    ['base64url', key.toString('base64url')],
    ['bytes', new Uint8Array(key)],
  ])('32 bytes as %s are the key itself', async (_, given) => {
    const wrap = await wrapped()
    expect(await keyringOf(given).unwrap('run-1', wrap)).toEqual(dataKey)
    expect(wrap.stretch).toBe('')
  })

  test.each([
    ['a few words', 'correct horse battery staple'],
    ['31 bytes of base64', randomBytes(31).toString('base64')],
    ['33 bytes of hex', randomBytes(33).toString('hex')],
    ['a letter too much', `${key.toString('hex')}0`],
  ])('%s are a passphrase, and stretched', async (_, given) => {
    const wrap = await wrapped(given)
    expect(wrap.stretch).toMatch(/^scrypt:15:8:3:/)
    expect(await keyringOf(given).unwrap('run-1', wrap)).toEqual(dataKey)
    expect(JSON.stringify(wrap)).not.toContain(given)
  })

  test('a passphrase is the same in every normal form', async () => {
    const wrap = await wrapped('Stra\u00dfe caf\u00e9')
    expect(await keyringOf('Stra\u00dfe cafe\u0301').unwrap('run-1', wrap)).toEqual(dataKey)
  })

  test.each([
    ['nothing', ''],
    ['16 bytes', randomBytes(16)],
    ['no bytes', new Uint8Array()],
  ])('%s cannot be a key', (_, given) => {
    expect(() => keyringOf(given)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })

  test('a passphrase is stretched once for each salt', async () => {
    const keyring = keyringOf('correct horse')
    const first = await keyring.wrap('run-1', dataKey)
    const second = await keyring.wrap('run-2', dataKey, first?.stretch)
    expect(second?.stretch).toBe(first?.stretch)
    expect(second?.keyId).toBe(first?.keyId)
    expect(second?.salt).not.toEqual(first?.salt)
  })
})

describe('a wrap opens in no other way (K1)', () => {
  test('for another run', async () => {
    const wrap = await wrapped()
    await expect(keyringOf(key).unwrap('run-2', wrap)).rejects.toThrow(
      expect.objectContaining({ code: 'STATE_CORRUPT' }),
    )
  })

  test('with any bit of it flipped', async () => {
    const wrap = await wrapped()
    for (const field of ['salt', 'wrapped'] as const) {
      for (const index of wrap[field].keys()) {
        const bytes = wrap[field].map((byte, at) => (at === index ? byte ^ 1 : byte))
        await expect(keyringOf(key).unwrap('run-1', { ...wrap, [field]: bytes })).rejects.toThrow(
          expect.objectContaining({ code: 'STATE_CORRUPT' }),
        )
      }
    }
  })

  test.each([0, 1, 27, 28, 59])('cut off at %i bytes', async (length) => {
    const wrap = await wrapped()
    const cut = { ...wrap, wrapped: wrap.wrapped.subarray(0, length) }
    await expect(keyringOf(key).unwrap('run-1', cut)).rejects.toThrow(
      expect.objectContaining({ code: 'STATE_CORRUPT' }),
    )
  })

  test('under another id of the data key', async () => {
    const wrap = { ...(await wrapped()), dataKeyId: '0123456789ab' }
    await expect(keyringOf(key).unwrap('run-1', wrap)).rejects.toThrow(
      expect.objectContaining({ code: 'STATE_CORRUPT' }),
    )
  })

  test('under another id of the state key: that is damage, not another key', async () => {
    const wrap = { ...(await wrapped()), keyId: '0123456789ab' }
    await expect(keyringOf(key).unwrap('run-1', wrap)).rejects.toThrow(
      expect.objectContaining({ code: 'STATE_CORRUPT' }),
    )
  })

  test('with another key, a passphrase, or none: the id that is wanted is named (K4)', async () => {
    const wrap = await wrapped()
    for (const given of [other, 'some words', undefined, () => undefined, () => other]) {
      const refused = keyringOf(given).unwrap('run-1', wrap)
      await expect(refused).rejects.toThrow(expect.objectContaining({ code: 'USAGE' }))
      await expect(refused).rejects.toThrow(wrap.keyId)
    }
  })

  test('a file cannot make us stretch for ever (K3)', async () => {
    const wrap = await wrapped('some words')
    for (const stretch of ['scrypt:30:8:1:', 'scrypt:15:99:1:', 'scrypt:15:8:99:', 'scrypt:0:8:1:', 'x:']) {
      const greedy = { ...wrap, stretch: `${stretch}0123456789abcdef` }
      await expect(keyringOf('some words').unwrap('run-1', greedy)).rejects.toThrow(
        expect.objectContaining({ code: 'STATE_CORRUPT' }),
      )
    }
  })
})

test('a function is asked by the id of the key, and with undefined for the key of new runs', async () => {
  const asked: unknown[] = []
  const keyring = keyringOf(async (keyId) => {
    asked.push(keyId)
    return key
  })
  const wrap = await keyring.wrap('run-1', dataKey)
  if (wrap === undefined) throw new Error('There is a key')
  await keyring.unwrap('run-1', wrap)
  expect(asked).toEqual([undefined, wrap.keyId])
  expect(await keyringOf(() => undefined).wrap('run-1', dataKey)).toBeUndefined()
  expect(await keyringOf(undefined).wrap('run-1', dataKey)).toBeUndefined()
})
