/** Questions at the terminal, with the person played. */
import { expect, test } from 'vitest'
import { askPerson } from '../../src/cli/prompt.ts'
import type { Pen } from '../../src/cli/screen.ts'
import type { Question } from '../../src/run/result.ts'

/** A terminal whose person types these lines and then leaves. */
async function decide(
  question: Partial<Question>,
  ...typed: readonly string[]
): Promise<{ readonly decision: unknown; readonly shown: string }> {
  const lines: string[] = []
  const pen: Pen = {
    isTerminal: true,
    columns: 80,
    rows: 24,
    erase: () => undefined,
    line: (text = '') => void lines.push(text),
    paint: (_, text) => text,
  }
  const left = [...typed]
  const read = async (prompt: string): Promise<string | undefined> => {
    lines.push(prompt)
    return left.shift()
  }
  const whole: Question = {
    id: 'q_1',
    kind: 'approval',
    message: 'Sure?',
    createdAt: new Date(0),
    call: { tool: 'refund', args: { n: 1 }, digest: 'd' },
    ...question,
  }
  return { decision: await askPerson({ pen, read }, whole), shown: lines.join('\n') }
}

test('an approval shows the exact arguments and takes yes, no with a reason, and later', async () => {
  const yes = await decide({}, 'y')
  expect(yes.decision).toEqual({ type: 'approve' })
  expect(yes.shown).toContain('refund\n    {\n      "n": 1\n    }')
  expect((await decide({}, 'what', '', 'YES')).decision).toEqual({ type: 'approve' })
  expect((await decide({}, 'n', 'too much')).decision).toEqual({ type: 'reject', reason: 'too much' })
  expect((await decide({}, 'n', '')).decision).toEqual({ type: 'reject' })
  expect((await decide({}, 'l')).decision).toBeUndefined()
})

test('a person who leaves decides nothing', async () => {
  expect((await decide({})).decision).toBeUndefined()
  expect((await decide({}, 'n')).decision).toBeUndefined()
  expect((await decide({ kind: 'input' })).decision).toBeUndefined()
})

test('a question takes a value, as its schema allows', async () => {
  expect((await decide({ kind: 'input' }, '3')).decision).toEqual({ type: 'respond', value: 3 })
  expect((await decide({ kind: 'input', schema: { type: 'string' } }, '3')).decision).toEqual({
    type: 'respond',
    value: '3',
  })
  expect((await decide({ kind: 'input' }, '')).decision).toBeUndefined()
})

test('an unknown outcome can also be given its result', async () => {
  expect((await decide({ kind: 'unknownOutcome' }, 'r', '{"ok":true}')).decision).toEqual({
    type: 'respond',
    value: { ok: true },
  })
})
