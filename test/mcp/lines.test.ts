/** Lines of a pipe: however they are cut into chunks, and however long one of them is. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { idOf, Lines } from '../../src/mcp/lines.ts'

/** More than what is kept of each end. */
const MAX = 300

/** What is heard of a text that comes in chunks of these lengths, again and again. */
function heard(bytes: Buffer, lengths: readonly number[]): readonly unknown[] {
  const said: unknown[] = []
  const lines = new Lines(MAX, {
    line: (text) => said.push(text),
    tooLong: (head, tail) => said.push({ head, tail }),
  })
  for (let from = 0, turn = 0; from < bytes.length; turn++) {
    const length = lengths[turn % lengths.length] ?? 1
    lines.push(bytes.subarray(from, from + length))
    from += length
  }
  return said
}

test('law: the same lines are heard, whatever the chunks; those that are too long by their ends', () => {
  const line = fc
    .tuple(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom(1, 1, 1, 20, 60))
    .map(([text, times]) => text.replaceAll('\n', ' ').repeat(times))
  fc.assert(
    fc.property(
      fc.array(line),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (all, lengths) => {
        const bytes = Buffer.from(all.map((one) => `${one}\n`).join(''))
        const whole = all
          .filter((one) => one.trim() !== '' || Buffer.byteLength(one) > MAX)
          .map((one) => {
            const own = Buffer.from(one)
            if (own.length <= MAX) return one
            return { head: own.subarray(0, 256).toString('utf8'), tail: expect.any(String) }
          })
        expect(heard(bytes, lengths)).toEqual(whole)
      },
    ),
  )
})

test('of 10 MB on one line, next to nothing is kept, and its id is known', () => {
  const head = '{"jsonrpc":"2.0","id":17,"result":"'
  const said: string[] = []
  const lines = new Lines(1_000, {
    line: (text) => said.push(text),
    tooLong: (...ends) => said.push(...ends),
  })
  lines.push(Buffer.from(head))
  for (let n = 0; n < 160; n++) lines.push(Buffer.alloc(65_536, 'x'))
  lines.push(Buffer.from('"}\n{"next":1}\n'))
  const [first = '', last = '', next] = said
  expect(first.length + last.length).toBeLessThanOrEqual(512)
  expect(idOf(first, last)).toBe(17)
  expect(next).toBe('{"next":1}')
})

test.for([
  ['{"jsonrpc":"2.0","id":3,"result":{', '…', 3],
  ['{"id":4,"jsonrpc":"2.0","result":{', '…', 4],
  ['{"result":{"content":[', ']},"jsonrpc":"2.0","id":5}', 5],
  ['{"result":{"id":9', '"id":9}],"x":1}', undefined],
  ['{"method":"notifications/message"', '}', undefined],
  ['not JSON at all', '…', undefined],
] as const)('the id of %s … %s', ([head, tail, id]) => {
  expect(idOf(head, tail)).toBe(id)
})
