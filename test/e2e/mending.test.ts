/** A real job in a scratch project, over five processes of which two are killed: the test is run, the source mended once. */
import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { scratch } from '../journal/fixtures/files.ts'

interface Life {
  readonly signal: string | null
  readonly said: readonly {
    readonly status?: string
    readonly asked?: string
    readonly [key: string]: unknown
  }[]
}

async function live(folder: string, name: string): Promise<Life> {
  const program = join(import.meta.dirname, 'fixtures/mending.ts')
  const child = spawn(process.execPath, [program, folder, name], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<string | null>((resolve) => child.on('close', (_code, signal) => resolve(signal)))
  const said = (await text(child.stdout)).split('\n').filter((line) => line !== '')
  return { signal: await ended, said: said.map((line) => JSON.parse(line) as Life['said'][number]) }
}

test(
  'find the failing test, mend the source after approval, run it; killed twice on the way',
  { timeout: 120_000 },
  async () => {
    using dir = scratch()
    const project = join(dir.path, 'project')
    mkdirSync(project)
    writeFileSync(join(project, 'sum.mjs'), 'export const sum = (a, b) => a - b\n')
    writeFileSync(
      join(project, 'test.mjs'),
      "import { test } from 'node:test'\nimport { equal } from 'node:assert'\nimport { sum } from './sum.mjs'\ntest('adds', () => equal(sum(2, 2), 4))\n",
    )

    // Killed in a callback after the first step.
    expect((await live(dir.path, 'first')).signal).toBe('SIGKILL')
    // Goes on with the second step, and rests with the patch for a person.
    const second = await live(dir.path, 'second')
    expect(second.said.at(-1)).toMatchObject({
      status: 'paused',
      message: expect.stringContaining('Change sum.mjs?'),
    })
    expect(readFileSync(join(project, 'sum.mjs'), 'utf8')).toContain('a - b')
    // Approves, and is killed before anything comes of it.
    const third = await live(dir.path, 'third')
    expect(third).toMatchObject({ signal: 'SIGKILL', said: [{ asked: 'Change sum.mjs?\n- a - b\n+ a + b' }] })
    expect(readFileSync(join(project, 'sum.mjs'), 'utf8')).toContain('a - b')

    const fourth = await live(dir.path, 'fourth')
    expect(fourth.said.at(-1)).toMatchObject({
      status: 'completed',
      output: { before: 1, after: 0, source: 'export const sum = (a, b) => a + b\n' },
      stepCount: 2,
    })
    expect(readFileSync(join(dir.path, 'lives'), 'utf8').split('\n')).toEqual([
      'first step 1',
      'first killed',
      'second step 1',
      'third killed',
      'fourth step 2',
      '',
    ])
  },
)
