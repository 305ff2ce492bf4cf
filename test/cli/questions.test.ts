/** `pca inbox`, `approve`, `reject`, `answer`. */
import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { valueOf } from '../../src/cli/decide.ts'
import { exampleOf } from '../../src/cli/example.ts'
import { Place } from './fixtures/pca.ts'

/** A run that waits, and the id of its first question. */
async function waiting(place: Place, script: string): Promise<string> {
  expect((await place.run('r', script)).code).toBe(3)
  return (await place.questions())[0]?.id ?? ''
}

test('two questions of one run are answered one by one; the second answer is by its schema', async () => {
  using place = new Place()
  const first = await waiting(place, 'two')
  const second = (await place.questions())[1]?.id ?? ''
  expect(await place.pca('answer', first, 'blue')).toMatchObject({
    code: 0,
    out: expect.stringContaining(`Answered ${first}: "blue"`),
  })
  expect(await place.pca('answer', second, 'many')).toMatchObject({
    code: 2,
    err: expect.stringContaining('expected integer'),
  })
  expect((await place.pca('resume', 'r')).code).toBe(3)
  expect((await place.questions()).map((it) => it.id)).toEqual([second])
  expect((await place.pca('answer', second, '3')).code).toBe(0)
  expect(await place.pca('resume', 'r', '--json')).toMatchObject({ code: 0, last: { output: ['blue', 3] } })
})

test('what reads as JSON is text where the schema wants text', async () => {
  using place = new Place()
  await place.pca('answer', await waiting(place, 'size'), '42')
  expect(await place.pca('resume', 'r')).toMatchObject({ code: 0, out: 'size 42\n' })
})

test('another decision on an answered question is exit 1, the same one harmless, before and after it was used', async () => {
  using place = new Place()
  const question = await waiting(place, 'refund')
  await place.pca('approve', question)
  const again = async (): Promise<void> => {
    expect((await place.pca('approve', question)).code).toBe(0)
    expect(await place.pca('reject', question, '--json')).toMatchObject({
      code: 1,
      last: { v: 1, error: { code: 'ALREADY_ANSWERED', message: expect.stringContaining('approve') } },
    })
  }
  await again()
  expect((await place.pca('resume')).code).toBe(0)
  await again()
})

test('a prefix of a question will do; an unknown question is exit 2', async () => {
  using place = new Place()
  const question = await waiting(place, 'refund')
  expect(await place.pca('reject', 'q_none')).toMatchObject({
    code: 2,
    err: expect.stringContaining('no open question q_none'),
  })
  expect(await place.pca('reject', question.slice(0, 5), '--reason', 'too much')).toMatchObject({ code: 0 })
  await place.pca('resume')
  expect((await place.pca('show', 'r')).out).toContain('RejectedError: rejected by a person: too much')
})

test('an ambiguous prefix of a question lists the candidates', async () => {
  using place = new Place()
  await waiting(place, 'two')
  const { code, err } = await place.pca('answer', 'q_', '1')
  expect(code).toBe(2)
  for (const { id } of await place.questions()) expect(err).toContain(id)
})

test('--edit approves other arguments, which must fit', async () => {
  using place = new Place()
  const question = await waiting(place, 'refund')
  expect((await place.pca('approve', question, '--edit', '{"order":1}')).code).toBe(2)
  expect((await place.pca('approve', question, '--edit', '{oops')).code).toBe(2)
  expect(await place.pca('approve', question, '--edit', '{"order":"B","amount":7}')).toMatchObject({
    code: 0,
    out: expect.stringContaining('"amount": 7'),
  })
  expect(await place.pca('resume')).toMatchObject({ code: 0, out: 'refunded 7 for B\n' })
})

test('--edit without a value opens $EDITOR and shows what it changed; nothing changed sends nothing', async () => {
  using place = new Place()
  const question = await waiting(place, 'refund')
  const editor = join(place.path, 'my editor.sh')
  writeFileSync(editor, '#!/bin/sh\nsed -i.bak "s/250/125/" "$1"\n')
  chmodSync(editor, 0o700)
  const edit = async (command: string): Promise<{ readonly code: number | null; readonly err: string }> =>
    place.start(['approve', question, '--edit'], { env: { VISUAL: '', EDITOR: command } }).ended
  expect(await edit('true')).toMatchObject({ code: 2, err: expect.stringContaining('Nothing was changed') })
  expect(await edit('false')).toMatchObject({ code: 2, err: expect.stringContaining('failed') })
  const { code, err } = await edit(`'${editor}'`)
  expect(code).toBe(0)
  expect(err).toContain('  -  "amount": 250\n')
  expect(err).toContain('  +  "amount": 125\n')
  expect((await place.pca('resume')).out).toBe('refunded 125 for A-1\n')
})

test('hostile text in task, arguments and output reaches no terminal raw, and nothing of it is lost', async () => {
  using place = new Place()
  const task = 'script:hostile \u001b[2J\u202eevil\u009b\r\u0007'
  const run = await place.start(
    ['run', join(import.meta.dirname, 'fixtures', 'agent.ts'), '-', '--id', 'r'],
    { stdin: `${task}!` },
  ).ended
  const shown = [
    run,
    await place.pca('show', 'r'),
    await place.pca('list'),
    await place.pca('inbox'),
    await place.pca('show', 'r', '--events'),
  ]
  const asJson = [
    await place.pca('inbox', '--json'),
    await place.pca('list', '--json'),
    await place.pca('show', 'r', '--json'),
  ]
  for (const { out, err } of [...shown, ...asJson]) expect(out + err).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
  expect(run.out).toContain('"order": "A\\u001b]0;x\\u0007\\u202eB\\u009b"')
  expect(asJson[0]?.last).toMatchObject({
    questions: [{ call: { args: { order: 'A\u001b]0;x\u0007\u202eB\u009b', amount: 500 } } }],
  })
  expect(asJson[1]?.last).toMatchObject({ runs: [{ task: `${task}!` }] })
})

test('an answer of the wrong shape is told with the schema and an example, and nothing is recorded', async () => {
  using place = new Place()
  await place.run('r', 'two')
  const { last } = await place.pca('inbox', '--json')
  const asked = last['questions'] as { id: string; schema?: object }[]
  const id = asked.find(({ schema }) => schema !== undefined)?.id ?? ''
  const { code, err } = await place.pca('answer', id, 'many')
  expect(code).toBe(2)
  expect(err).toMatch(
    new RegExp(
      `^error: The answer does not fit .+\\nThe schema is \\{"type":"integer"\\}\\nFor example: pca answer ${id} 1\\n$`,
    ),
  )
  expect(await place.questions()).toHaveLength(2)
})

test.for([
  [
    { type: 'object', properties: { a: { type: 'string' }, b: { type: 'number' } }, required: ['b'] },
    { b: 1 },
  ],
  [{ type: 'object', properties: { a: { enum: ['x'] } } }, { a: 'x' }],
  [{ type: 'array', items: { type: 'boolean' } }, [true]],
  [{ anyOf: [{ const: 4 }, { type: 'null' }] }, 4],
  [{ type: ['integer', 'null'], minimum: 7 }, 7],
  [{}, null],
] as const)('an example of %j is %j', ([schema, example]) => {
  expect(exampleOf(schema)).toEqual(example)
})

test('a yes to an approval would be its result: it takes a word more', async () => {
  using place = new Place()
  await place.run('r', 'refund')
  const id = (await place.questions())[0]?.id ?? ''
  const refused = await place.pca('answer', id, 'yes')
  expect(refused).toMatchObject({ code: 2, out: '' })
  expect(refused.err).toContain(`pca approve ${id}`)
  expect(refused.err).toContain('--as-result')
  expect(await place.questions()).toHaveLength(1)
  expect((await place.pca('answer', id, 'by hand')).out).toContain('the tool does not run')
  expect((await place.pca('resume', 'r')).out).toBe('by hand\n')
  expect((await place.pca('show', 'r')).out).toContain('returned what a person answered')
})

test.for([
  ['12', 12],
  ['01234', '01234'],
  ['1e5', '1e5'],
  ['12345678901234567890', '12345678901234567890'],
  ['{"a":1e5}', { a: 1e5 }],
  ['-0.5', -0.5],
] as const)('what is typed as %s is what the code gets', async ([typed, value]) => {
  expect(await valueOf(typed, undefined)).toEqual(value)
  expect(await valueOf(typed, { type: 'string', pattern: '^x$' })).toBe(typed)
})
