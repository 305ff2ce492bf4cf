import { describe, expect, test } from 'vitest'
import { type Part, ask, call, finish, streaming, text } from './fake-models.ts'

describe('code', () => {
  test('of one call', async () => {
    expect(
      await ask(streaming(...text('I try.'), call('{"code":"let a = 1"}'), finish('tool-calls'))),
    ).toMatchObject({ code: 'let a = 1', text: 'I try.' })
  })

  test('of two calls is one program, safe at the seam', async () => {
    const reply = await ask(
      streaming(call('{"code":"const f = g"}', 'a'), call('{"code":"(1)"}', 'b'), finish('tool-calls')),
    )
    expect(reply.code).toBe('const f = g\n;\n(1)')
    expect(reply.parts).toHaveLength(2)
  })

  test('with odd arguments that still say what they mean', async () => {
    expect((await ask(streaming(call('"1 + 1"'), finish('tool-calls')))).code).toBe('1 + 1')
    expect((await ask(streaming(call('{"code":"```ts\\n1\\n```"}'), finish('tool-calls')))).code).toBe('1')
    expect((await ask(streaming(call('{"code":"1","why":"x"}'), finish('tool-calls')))).code).toBe('1')
    // Arguments that a provider parsed against the spec.
    expect(
      (await ask(streaming({ ...call(''), input: { code: '2' } } as unknown as Part, finish('tool-calls'))))
        .code,
    ).toBe('2')
  })

  test('a call counts, whatever the finish reason calls itself', async () => {
    expect((await ask(streaming(call('{"code":"1"}'), finish('stop')))).code).toBe('1')
    expect((await ask(streaming(call('{"code":"1"}'), finish('other')))).code).toBe('1')
  })
})

describe('a text', () => {
  test.each([
    ['ts', '```ts\nlet a = 1\na\n```', 'let a = 1\na'],
    ['no language', '```\n1\n```', '1'],
    ['around it only space', '\n\n  ```typescript\n1\n```  \n', '1'],
    ['tildes', '~~~js\n1\n~~~', '1'],
    ['Windows', '```ts\r\n1\r\n2\r\n```', '1\n2'],
    ['a longer fence around a shorter one', '````ts\nconst a = `\n```\n`\n````', 'const a = `\n```\n`'],
    ['info after the language', '```ts title=x\n1\n```', '1'],
  ])('that is wholly one fenced block runs: %s', async (_name, words, code) => {
    expect((await ask(streaming(...text(words), finish()))).code).toBe(code)
  })

  test.each([
    ['with words before', 'So:\n```ts\n1\n```'],
    ['with words after', '```ts\n1\n```\nThat is it.'],
    ['of two fences', '```ts\n1\n```\n```ts\n2\n```'],
    ['in another language', '```json\n{"a":1}\n```'],
    ['with a fence left open', '```ts\n1'],
    ['plain', 'The answer is 42.'],
    ['of a fence sign only', '```'],
    ['in line', '```1 + 1```'],
  ])('%s is the answer', async (_name, words) => {
    const reply = await ask(streaming(...text(words), finish()))
    expect(reply).not.toHaveProperty('code')
    expect(reply).not.toHaveProperty('mistake')
    expect(reply.text).toBe(words)
  })

  test('a fence does not run where no code is asked for', async () => {
    expect(await ask(streaming(...text('```ts\n1\n```'), finish()), { format: 'none' })).not.toHaveProperty(
      'code',
    )
  })
})

describe('a mistake', () => {
  const begun: Part = { type: 'tool-input-start', id: 'c1', toolName: 'run_code' }

  test.each<[string, readonly Part[], RegExp]>([
    ['arguments that are no JSON', [call('{"code":"1'), finish('tool-calls')], /not JSON of the form/],
    ['arguments without code', [call('{"script":"1"}'), finish('tool-calls')], /not JSON of the form/],
    ['no arguments', [call(''), finish('tool-calls')], /not JSON of the form/],
    ['a list', [call('["1"]'), finish('tool-calls')], /not JSON of the form/],
    ['null', [call('null'), finish('tool-calls')], /not JSON of the form/],
    ['a number as code', [call('{"code":1}'), finish('tool-calls')], /not JSON of the form/],
    ['blank code', [call('{"code":" \\n"}'), finish('tool-calls')], /was empty/],
    ['an unknown tool', [call('{}', 'c1', 'search'), finish('tool-calls')], /no tool "search"/],
    [
      'one good call and one bad: nothing runs',
      [call('{"code":"1"}'), call('{', 'c2'), finish('tool-calls')],
      /not JSON/,
    ],
    [
      'a good call in a reply that was cut',
      [call('{"code":"1"}'), finish('length')],
      /cut at the length limit/,
    ],
    ['a text that was cut', [...text('so'), finish('length')], /cut at the length limit/],
    [
      'a call that was begun and cut',
      [begun, { type: 'tool-input-delta', id: 'c1', delta: '{"co' }, finish('length')],
      /cut/,
    ],
    ['a call that was begun and never made', [begun, ...text('hm'), finish('stop')], /not completed/],
    ['a filtered reply', [...text('x'), finish('content-filter')], /content filter/],
    ['nothing', [finish()], /was empty/],
    ['nothing but space', [...text(' \n'), finish()], /was empty/],
    ['nothing but reasoning', [{ type: 'reasoning-delta', id: 'r', delta: 'hm' }, finish()], /was empty/],
  ])('%s', async (_name, parts, mistake) => {
    const reply = await ask(streaming(...parts))
    expect(reply.mistake).toMatch(mistake)
    expect(reply).not.toHaveProperty('code')
  })

  test('a call where no tool was offered', async () => {
    const reply = await ask(streaming(...text('x'), call('{"code":"1"}'), finish('tool-calls')), {
      format: 'none',
    })
    expect(reply).toMatchObject({ mistake: expect.stringMatching(/plain text/), text: 'x' })
  })

  test('a call under another id than its input is complete', async () => {
    expect((await ask(streaming(begun, call('{"code":"1"}', 'other'), finish('tool-calls')))).code).toBe('1')
  })
})
