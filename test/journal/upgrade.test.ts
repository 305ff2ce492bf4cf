/** The version after this one, in processes of their own: what is asleep goes on there, and who is older is refused. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { scratch } from './fixtures/files.ts'

type Line = Readonly<Record<string, unknown>>

class Program {
  readonly #child: ReturnType<typeof spawn>
  readonly #lines: AsyncIterator<string>

  constructor(file: string, act: string, newer?: 'tables' | 'entries') {
    const hook = newer === undefined ? [] : ['--import', join(import.meta.dirname, 'fixtures', 'newer.ts')]
    this.#child = spawn(
      process.execPath,
      [...hook, join(import.meta.dirname, 'fixtures', 'drill.ts'), file, act],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, NEWER: newer },
      },
    )
    const { stdout } = this.#child
    if (stdout === null) throw new Error('The program has no output.')
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]()
  }

  async line(): Promise<Line> {
    const { value } = await this.#lines.next()
    return JSON.parse(value ?? '{}') as Line
  }

  async ended(): Promise<void> {
    if (this.#child.exitCode === null) await once(this.#child, 'exit')
  }

  say(): void {
    this.#child.stdin?.write('now\n')
  }
}

const outcome = async (...given: ConstructorParameters<typeof Program>): Promise<Line> =>
  new Program(...given).line()

test('new tables: a run that sleeps goes on in the newer version; older processes are refused, and change nothing', async () => {
  using place = scratch()
  expect(await outcome(place.file, 'begin')).toMatchObject({ status: 'paused' })
  const older = new Program(place.file, 'stay')
  expect(await older.line()).toEqual({ status: 'ready' })
  expect(await outcome(place.file, 'go-on', 'tables')).toMatchObject({
    status: 'completed',
    output: 42,
    resumedFrom: 'snapshot',
  })
  // It was open all the time.
  older.say()
  expect(await older.line()).toMatchObject({
    code: 'STATE_CORRUPT',
    message: expect.stringContaining('newer version'),
  })
  // The last of its closing brings the log into the file.
  await older.ended()
  const before = readFileSync(place.file)
  expect(await outcome(place.file, 'go-on')).toMatchObject({
    code: 'STATE_CORRUPT',
    message: expect.stringContaining('newer version'),
  })
  expect(readFileSync(place.file).equals(before)).toBe(true)
})

test('new entries: the newer version goes on with a run of the older; the older refuses that run then, and no other', async () => {
  using place = scratch()
  await outcome(place.file, 'begin')
  expect(await outcome(place.file, 'go-on', 'entries')).toMatchObject({ status: 'completed', output: 42 })
  expect(await outcome(place.file, 'go-on')).toMatchObject({
    code: 'STATE_CORRUPT',
    message: expect.stringMatching(/written by a newer version/),
  })
  // The file is theirs both: a new run of the older one is its own.
  const older = new Program(place.file, 'stay')
  expect(await older.line()).toEqual({ status: 'ready' })
  older.say()
  expect(await older.line()).toEqual({ status: 'said' })
})
