/** Many runs at once in one process: threads are few, a heap that waits leaves memory, and each goes on with its next line. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { scratch } from '../journal/fixtures/files.ts'

interface Reading {
  readonly rss: number
  readonly threads: number | null
}

interface Said {
  readonly before: Reading
  readonly busy: Reading
  readonly later: Reading
  readonly outOfOrder: number
  readonly outputs: readonly unknown[]
}

test('two hundred that wait at once', { timeout: 180_000 }, async () => {
  const child = join(import.meta.dirname, '../../bench/waiting-child.ts')
  using at = scratch()
  const { stdout } = await promisify(execFile)(process.execPath, [child, '200', at.file])
  const { before, busy, later, outOfOrder, outputs } = JSON.parse(stdout) as Said
  expect(outputs).toEqual([3])
  // A live guest has a thread of its own of 14 MB and more: two hundred would be three thousand.
  expect(later.rss - before.rss).toBeLessThan(600)
  if (before.threads !== null && busy.threads !== null && later.threads !== null) {
    expect(busy.threads - before.threads).toBeLessThan(50)
    expect(later.threads).toBeLessThan(busy.threads)
  }
  expect(outOfOrder).toBeLessThan(100)
})
