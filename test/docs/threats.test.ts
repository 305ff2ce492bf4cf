/** docs/threats.md: each row names a test that is there and speaks of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const docs = join(import.meta.dirname, '../../docs')
const rows = [
  ...readFileSync(join(docs, 'threats.md'), 'utf8').matchAll(/^\| (H[^|]+) \|.*\(([^)]+)\) \|$/gm),
].map(([, numbers = '', file = '']) => ({ numbers, file }))

test('there are rows', () => {
  expect(rows.length).toBeGreaterThan(20)
})

test.each(rows)('$numbers: $file', ({ numbers, file }) => {
  const text = readFileSync(join(docs, file), 'utf8')
  for (const part of numbers.split(', ')) {
    const [from = 0, to = from] = part.split('–').map((one) => Number(one.replace('H', '')))
    for (let number = from; number <= to; number++) expect(text).toMatch(new RegExp(`\\bH${number}\\b`))
  }
})
