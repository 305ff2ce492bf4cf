/** Code as text and as JSON, and calls that mean something though they are not written as they should be. */
import { describe, expect, test } from 'vitest'
import { compile } from '../../src/sandbox/compile.ts'
import type { ModelRequest, Reply } from '../../src/model/ask.ts'
import { type Part, ask, call, finish, streaming, text } from './fake-models.ts'

const compiles = (source: string): boolean => compile(1, source).ok

function said(format: 'text' | 'json' | 'tool', words: string): Promise<Reply> {
  return ask(streaming(...text(words), finish()), { format, compiles })
}

describe('text', () => {
  test('offers no tool', async () => {
    const model = streaming(...text('```ts\n1\n```'), finish())
    await ask(model, { format: 'text' })
    expect(model.asked[0]).not.toHaveProperty('tools')
    expect(model.asked[0]).not.toHaveProperty('responseFormat')
  })

  test.each([
    ['a block among words', 'First I look.\n```ts\nconst a = 1\n```\nThen more.', 'const a = 1'],
    ['several blocks', '```ts\na()\n```\nand\n```js\nb()\n```', 'a()\n;\nb()'],
    ['a block that is not closed', 'So:\n```typescript\na()\nb()', 'a()\nb()'],
    ['a block of no language', 'So:\n```\na()\n```', 'a()'],
    ['blocks of TypeScript beside one of output', '```ts\na()\n```\nprints\n```\n42\n```', 'a()'],
    ['blocks of TypeScript beside one of data', '```json\n{}\n```\n```ts\na()\n```', 'a()'],
    ['a template with a fence in it', '````ts\nconst a = `\n```\n`\n````', 'const a = `\n```\n`'],
    ['an indented block', '1. do\n   ```ts\n   a()\n   ```', '   a()'],
    ['bare code', 'const a = await tools.get({ id: 1 })\nfinalAnswer(a)', undefined],
    ['bare TypeScript', 'const a: number = 1\nprint(a)', undefined],
  ])('%s', async (_name, words, code) => {
    expect(await said('text', words)).toMatchObject({ code: code ?? words })
  })

  test.each([
    ['words', 'The answer is 42.', /no program in your reply.*```ts.*finalAnswer/],
    ['one word, though it would compile', 'Done', /no program/],
    ['words that compile', 'answer: 42', /no program/],
    ['words with brackets', 'I would call f(x) now.', /no program/],
    ['another language', '```python\nprint(1)\n```', /Only TypeScript can run here, not python/],
    ['an empty block', '```ts\n\n```', /program was empty/],
    ['nothing', ' ', /reply was empty.*```ts/],
  ])('a mistake: %s', async (_name, words, mistake) => {
    const reply = await said('text', words)
    expect(reply.mistake).toMatch(mistake)
    expect(reply).not.toHaveProperty('code')
  })

  test('a call of run_code is understood too', async () => {
    const reply = await ask(streaming(call('{"code":"1"}'), finish('tool-calls')), { format: 'text' })
    expect(reply.code).toBe('1')
  })

  test('a cut reply never runs, closed block or not', async () => {
    const reply = await ask(streaming(...text('```ts\npay()\n```\n```ts\npay('), finish('length')), {
      format: 'text',
    })
    expect(reply).not.toHaveProperty('code')
    expect(reply.mistake).toMatch(/cut at the length limit/)
  })
})

describe('json', () => {
  test('asks for { thoughts, code } and offers no tool', async () => {
    const model = streaming(...text('{"thoughts":"t","code":"1"}'), finish())
    expect((await ask(model, { format: 'json' })).code).toBe('1')
    expect(model.asked[0]).not.toHaveProperty('tools')
    expect(model.asked[0]?.responseFormat).toMatchObject({
      type: 'json',
      schema: { required: ['thoughts', 'code'] },
    })
  })

  test.each([
    ['in a fence', '```json\n{"thoughts":"t","code":"a()"}\n```', 'a()'],
    ['with line breaks in the code', '{"thoughts":"t","code":"a()\nb()"}', 'a()\nb()'],
    ['without thoughts', '{"code":"a()"}', 'a()'],
    ['with a fence in the code', JSON.stringify({ code: '```ts\na()\n```' }), 'a()'],
    ['as a block instead', 'So:\n```ts\na()\n```', 'a()'],
    ['as bare code instead', 'finalAnswer(1)', 'finalAnswer(1)'],
  ])('%s', async (_name, words, code) => {
    expect(await said('json', words)).toMatchObject({ code })
  })

  test.each([
    ['words', 'I am done.', /no program in your reply.*JSON object/],
    ['no code', '{"thoughts":"t"}', /no program/],
    ['code that is no text', '{"thoughts":"t","code":1}', /no program/],
    ['empty code', '{"thoughts":"t","code":" "}', /program was empty/],
    ['half a text', '{"thoughts":"t","code":"pay(', /no program/],
  ])('a mistake: %s', async (_name, words, mistake) => {
    const reply = await said('json', words)
    expect(reply.mistake).toMatch(mistake)
    expect(reply).not.toHaveProperty('code')
  })
})

describe('calls', () => {
  const how: Partial<ModelRequest> = { compiles, tools: new Set(['search', 'a-b']) }
  const asked = (...parts: readonly Part[]): Promise<Reply> =>
    ask(streaming(...parts, finish('tool-calls')), how)

  test('of run_code with bare code for arguments', async () => {
    expect((await asked(call('finalAnswer(1)'))).code).toBe('finalAnswer(1)')
    expect((await asked(call('I give up'))).mistake).toMatch(/not JSON of the form/)
  })

  test('of a function of the code are that line of code', async () => {
    expect((await asked(call('{"query":"x"}', 'c1', 'search'))).code).toBe(
      'await tools["search"]({"query":"x"})',
    )
    expect((await asked(call('', 'c1', 'a-b'))).code).toBe('await tools["a-b"]({})')
  })

  test('of several print what each gave, in order', async () => {
    const reply = await asked(
      call('{"query":"x"}', 'c1', 'search'),
      call('{"code":"let a = 1"}', 'c2'),
      call('{"query":"y"}', 'c3', 'search'),
    )
    expect(reply.code).toBe(
      'print(await tools["search"]({"query":"x"}))\n;\nlet a = 1\n;\nprint(await tools["search"]({"query":"y"}))',
    )
  })

  test.each([
    ['a function that is not there', call('{}', 'c1', 'serch'), /no tool "serch".*await tools\.name/],
    ['finalAnswer', call('{"answer":1}', 'c1', 'finalAnswer'), /no tool "finalAnswer"/],
    ['arguments that are no object', call('3', 'c1', 'search'), /no tool "search"/],
    ['arguments that are no JSON', call('{"query":"x', 'c1', 'search'), /no tool "search"/],
    ['a key that is none in a literal', call('{"__proto__":{}}', 'c1', 'search'), /no tool "search"/],
  ])('a mistake: %s', async (_name, part, mistake) => {
    const reply = await asked(part)
    expect(reply.mistake).toMatch(mistake)
    expect(reply).not.toHaveProperty('code')
  })
})
