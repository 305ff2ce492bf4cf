/** The registry of secrets: what is refused, what is remembered, and what references become. */
import { describe, expect, test } from 'vitest'
import { ToolError, UsageError } from '../../src/base/errors.ts'
import { referenceMark } from '../../src/base/id.ts'
import {
  filled,
  NO_SECRETS,
  referencesIn,
  resolved,
  secret,
  Secrets,
  secretsIn,
  type SecretsGiven,
} from '../../src/tool/secret.ts'

const TOKEN = 'ghp_S3cr3tTok3n'

describe('what is refused when an agent is made', () => {
  test.each([
    ['a value that is too short', { PIN: '1234' }, /^The secret PIN has less than 8 characters\.$/],
    ['one that is short but for spaces', { PIN: ' 1234 \n\n\n\n' }, /less than 8/],
    [
      'an environment variable that is not set',
      { TOKEN: undefined },
      /^The secret TOKEN is no text, but undefined/,
    ],
    ['a number', { PIN: 12345678 }, /is no text, but number/],
    ['a name with a dash', { 'A-B': TOKEN }, /name of a secret is letters/],
    ['a list', [TOKEN], /secrets is a record/],
    ['null', null, /secrets is a record/],
  ])('%s', (_, given, message) => {
    expect(() => new Secrets(given as unknown as SecretsGiven)).toThrow(UsageError)
    expect(() => new Secrets(given as unknown as SecretsGiven)).toThrow(message)
  })
})

describe('values', () => {
  test('of a name that is not there: the error names those that are', async () => {
    const secrets = new Secrets({ A: TOKEN, B: TOKEN })
    await expect(secrets.value('C', undefined)).rejects.toThrow(
      new ToolError("There is no secret C; there are: A, B. Give it in the agent's secrets."),
    )
    await expect(secrets.value('constructor', undefined)).rejects.toThrow('no secret constructor')
  })

  test('of a function: asked each time, with the context, and every value is remembered', async () => {
    let asked = 0
    const secrets = new Secrets({ T: ({ context }) => `${String(context)}-token-${++asked}` })
    expect(secrets.clean('tenant-token-1')).toBe('tenant-token-1')
    await secrets.known('tenant')
    expect(secrets.clean('tenant-token-1')).toBe('[secret:T]')
    await secrets.known('tenant')
    expect(asked).toBe(1)
    expect(await secrets.value('T', 'tenant')).toBe('tenant-token-2')
    expect(secrets.clean(['tenant-token-1', 'tenant-token-2'])).toEqual(['[secret:T]', '[secret:T]'])
  })

  test('of a function that fails, or gives what is no secret: told without what it said', async () => {
    const vault = new Error('vault at 10.0.0.1 is down')
    const secrets = new Secrets({ A: () => Promise.reject(vault), B: () => 'short' })
    await secrets.known(undefined)
    await expect(secrets.value('A', undefined)).rejects.toThrow(
      new ToolError('The secret A could not be had.', { cause: vault }),
    )
    await expect(secrets.value('B', undefined)).rejects.toThrow('The secret B has less than 8 characters.')
  })
})

test('an agent below another: both take out what either knows, and it uses its own', async () => {
  const above = new Secrets({ UP: 'up-value-1' })
  const below = new Secrets({ DOWN: 'down-value-1' }).below(above)
  expect(below.clean('up-value-1 down-value-1')).toBe('[secret:UP] [secret:DOWN]')
  const pieces = below.pieces()
  expect(pieces.hear('up-val') + pieces.hear('ue-1 down-v') + pieces.hear('alue-1!') + pieces.end()).toBe(
    '[secret:UP] [secret:DOWN]!',
  )
  await expect(below.value('UP', undefined)).rejects.toThrow('There is no secret UP')
  expect(new Secrets({ A: TOKEN }).below(NO_SECRETS).isEmpty).toBe(false)
})

test('without secrets data goes through as it is', () => {
  const data = { any: ['thing'] }
  expect(NO_SECRETS.clean(data)).toBe(data)
  expect(NO_SECRETS.isEmpty).toBe(true)
})

test('errors keep their class, and lose the value from message, stack, hint and causes', () => {
  const secrets = new Secrets({ T: TOKEN })
  const error = new UsageError(`bad ${TOKEN}`, { hint: `not ${TOKEN}`, cause: new Error(TOKEN) })
  expect(secrets.error(error)).toBe(error)
  expect([error.message, error.hint, (error.cause as Error).message]).toEqual([
    'bad [secret:T]',
    'not [secret:T]',
    '[secret:T]',
  ])
  expect(`${error.stack} ${(error.cause as Error).stack}`).not.toContain(TOKEN)
  expect(secrets.error('no error')).toBe('no error')
  expect(() => secrets.error(Object.freeze(new Error(TOKEN)))).not.toThrow()
})

describe('references', () => {
  test("an author's are text with the value put in", async () => {
    const text = `Bearer ${secret('A')}:${secret('B')}`
    expect(secretsIn(text)).toEqual(['A', 'B'])
    expect(await resolved(text, async (name) => `${name}$&`)).toBe('Bearer A$&:B$&')
    expect(() => secret('no name')).toThrow(UsageError)
  })

  test("the code's bear the mark of their run: no other text is one (X2)", async () => {
    const [mine, other] = [referenceMark('seed'), referenceMark('other seed')]
    const input = JSON.stringify([`secret.A.${mine}`, `secret.B.${other}`, 'secret.C.x', secret('D')])
    expect([...referencesIn(input, mine)]).toEqual(['A'])
    expect(JSON.parse(await filled(input, mine, async () => 'va"l\nue'))).toEqual([
      'va"l\nue',
      `secret.B.${other}`,
      'secret.C.x',
      '{{secret:D}}',
    ])
  })
})
