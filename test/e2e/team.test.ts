/** A manager and three researchers at once, over three processes: one asks, the first process is killed, another answers. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { PersistentCodeAgent, sqliteStore, type RunResult } from '../../src/index.ts'
import { violations } from '../../src/journal/check.ts'
import { scratch } from '../journal/fixtures/files.ts'
import { journalOf, must, onlyQuestion } from './fixtures/bench.ts'

async function life(folder: string, what: string): Promise<{ signal: string | null; said: string }> {
  const program = join(import.meta.dirname, 'fixtures/team.ts')
  const child = spawn(process.execPath, [program, folder, what], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise<string | null>((resolve) => child.on('close', (_, signal) => resolve(signal)))
  const said = await text(child.stdout)
  return { signal: await ended, said }
}

test('all finish, and nothing is done twice', { timeout: 60_000 }, async () => {
  using place = scratch()
  const path = join(place.path, 'state.db')
  expect((await life(place.path, 'start')).signal).toBe('SIGKILL')

  // Another process takes the family over, and rests with the question of the one that waits.
  const second = JSON.parse((await life(place.path, 'resume')).said) as RunResult
  expect(onlyQuestion(second)).toMatchObject({
    message: 'Which year do you mean for the New bridge?',
    path: ['manager', 'researcher'],
  })

  // A third one answers it.
  const third = JSON.parse((await life(place.path, 'answer')).said) as RunResult
  expect(third).toMatchObject({ status: 'completed', output: [1357, 2021, 1932] })

  const ledger = readFileSync(join(place.path, 'ledger'), 'utf8').trimEnd().split('\n')
  const published = ledger.filter((line) => line.includes('publish'))
  expect(published).toHaveLength(3)
  expect(new Set(published.map((line) => line.split(' ').at(-1)))).toEqual(new Set(['Old', 'New', 'Harbour']))
  expect(ledger.filter((line) => line.includes('the manager thinks'))).toEqual(['start the manager thinks'])
  // What only reads was cut in its middle, so it was asked again.
  expect(ledger.filter((line) => line.includes('lookUp Harbour'))).toEqual([
    'start lookUp Harbour',
    'resume lookUp Harbour',
  ])

  const runs = await PersistentCodeAgent.runs(path)
  expect(runs.map((run) => run.status)).toEqual(['completed', 'completed', 'completed', 'completed'])
  await using store = sqliteStore(path, { readOnly: true })
  for (const { runId } of runs) expect(violations(await journalOf(store, runId))).toEqual([])
  expect(must(runs[0]).agent).toBeDefined()
})
