/** What whoever watches a run at a terminal sees: code in colour, and the line that says what it is doing. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Doing } from '../../src/cli/doing.ts'
import { highlighted } from '../../src/cli/highlight.ts'
import type { Paint } from '../../src/cli/screen.ts'
import { safe, widthOf } from '../../src/cli/text.ts'
import type { Entry } from '../../src/journal/entry.ts'
import type { RunEvent } from '../../src/run/event.ts'

const named = (paint: Paint, text: string): string => `<${paint}:${text}>`

test('words, text, numbers, comments and calls have their colours', () => {
  expect(
    highlighted("// why\nconst a = await look({ q: 'it\\'s', of: 0x1f })\n/* so\nit */ x.new", 80, named),
  ).toEqual([
    '<dim:// why>',
    "<magenta:const> a = <magenta:await> <cyan:look>({ q: <green:'it\\'s'>, <magenta:of>: <yellow:0x1f> })",
    '<dim:/* so>',
    '<dim:it */> x.new',
  ])
})

test('a text over several lines, and a quote that is open, end where they must', () => {
  expect(highlighted('`a ${b}\nc` + 1n\n"open\nlet c3 = 3', 80, named)).toEqual([
    '<green:`a ${b}>',
    '<green:c`> + <yellow:1n>',
    '<green:"open>',
    '<magenta:let> c3 = <yellow:3>',
  ])
})

test('colour changes no character, and no line is wider than it may be', () => {
  const plain = (_: Paint, text: string): string => text
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.integer({ min: 2, max: 40 }), (code, columns) => {
      expect(highlighted(code, 100_000, plain).join('\n')).toBe(safe(code).replaceAll('\t', '  '))
      for (const line of highlighted(code, columns, plain)) expect(widthOf(line)).toBeLessThanOrEqual(columns)
    }),
  )
})

const usage = { inputTokens: 90, outputTokens: 10, cost: 0.5 }

function entry(kind: string, at: number, body: object): RunEvent {
  return {
    type: 'entry',
    run: 'r',
    seq: 1,
    entry: { kind, at, seq: 1, v: 1, epoch: 1, ...body } as unknown as Entry,
  } as RunEvent
}

test('the status line: the model, the code, the calls; tokens and cost so far', () => {
  const doing = new Doing()
  doing.learn(entry('model-called', 0, { step: 2, attempt: 1, purpose: 'step' }))
  doing.learn(entry('plan-made', 0, { step: 2, usage: { inputTokens: 1, outputTokens: 0 } }))
  doing.learn(entry('call-started', 0, { call: '2.1' }))
  expect(doing.told(0)).toBe('')
  doing.hear(entry('model-called', 1_000, { step: 3, attempt: 2, purpose: 'step' }))
  doing.hear({ type: 'code', run: 'r', after: 1, delta: 'print(' })
  expect(doing.told(3_500)).toBe('step 3: asks the model, attempt 2 · 2.5 s · 6 characters · 1 token')
  doing.hear(entry('model-replied', 3_500, { step: 3, usage }))
  expect(doing.told(3_500)).toBe('')
  doing.hear(entry('step-started', 3_500, { step: 3 }))
  expect(doing.told(3_600)).toBe('step 3: computes · 100 ms · 101 tokens · $0.5000')
  for (const at of [1, 2, 3, 4, 5]) {
    doing.hear(entry('call-requested', 4_000, { call: `3.${at}`, tool: at === 1 ? '$ask' : 'look' }))
    doing.hear(entry('call-started', 4_000 + at, { call: `3.${at}` }))
  }
  expect(doing.told(5_001)).toMatch(
    /^step 3: 3\.1 ask, 3\.2 look, 3\.3 look and 2 more · 1\.0 s · 101 tokens/,
  )
  for (const at of [1, 2, 3, 4, 5])
    doing.hear(entry('call-returned', 5_000, { call: `3.${at}`, outcome: { ok: true } }))
  expect(doing.told(5_500)).toMatch(/^step 3: computes · 2\.0 s/)
  doing.hear(entry('step-ended', 6_000, { step: 3 }))
  expect(doing.told(6_000)).toBe('')
})
