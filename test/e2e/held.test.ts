/** A process that drives a run stays, although nothing but the run's own tool would keep it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const FIXTURE = join(import.meta.dirname, 'fixtures', 'held.ts')

test('a tool that holds no handle keeps its process; a stop from another one reaches its abort signal', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pca-held-'))
  try {
    const file = join(folder, 'state.db')
    const driving = spawn(process.execPath, [FIXTURE, 'run', file], { stdio: ['ignore', 'pipe', 'ignore'] })
    const ended = once(driving, 'exit')
    let said = ''
    const waiting = new Promise<void>((resolve) => {
      driving.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text
        if (said.includes('waiting')) resolve()
      })
    })
    await Promise.race([waiting, ended])
    const [stopped] = await once(
      spawn(process.execPath, [FIXTURE, 'stop', file], { stdio: 'ignore' }),
      'exit',
    )
    expect(stopped).toBe(0)
    expect((await ended)[0]).toBe(0)
    expect(said).toBe('waiting\nstopped\n')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
