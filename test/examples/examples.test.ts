/** Every example is a program that runs alone, says what happens, and ends well. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { runExample } from './run-example.ts'

// Each is a few processes; a machine may be busy.
vi.setConfig({ testTimeout: 120_000 })

/** Runs one that is expected to end well, without a word on stderr, and to leave nothing behind. */
async function outputOf(file: string): Promise<string> {
  const own = mkdtempSync(join(tmpdir(), 'examples-test-'))
  try {
    const { code, out, err } = await runExample(file, { TMPDIR: own, TEMP: own, TMP: own })
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).not.toContain('\u001B')
    expect(readdirSync(own)).toEqual([])
    return out
  } finally {
    rmSync(own, { recursive: true, force: true })
  }
}

test('01: a tool pauses, another process goes on in the same line and the same trace, a tool stops', async () => {
  const out = await outputOf('01-pause-and-resume.ts')
  expect(out).toContain('process 1: paused: Paused by a tool')
  expect(out).toContain('process 2: completed, resumed from snapshot')
  expect(out).toContain('output { count: 2 }')
  expect(out).toContain('1 before\n2 after')
  expect(out).toContain('another run: stopped: Stopped by a tool')
  const traces = [...out.matchAll(/trace ([0-9a-f]{32})/g)].map(([, id]) => id)
  expect(traces).toHaveLength(2)
  expect(new Set(traces).size).toBe(1)
})

test('02: each decision reaches the call that it is about, and the loop goes on', async () => {
  const out = await outputOf('02-approval-in-a-loop.ts')
  const ran = [...out.matchAll(/the tool runs: (.*)/g)].map(([, what]) => what)
  expect(ran).toEqual(['refund 40 for A', 'refund 250 for B', 'refund 400 for C', 'refund 10 for E'])
  expect(out.match(/^question: /gm)).toHaveLength(3)
  expect(out).toMatch(/completed \{\s+total: 700,/)
  expect(out).toContain('D: rejected by a person: call the customer first')
})

test('03: after a crash in a call, its effect says what happens, or its probe', async () => {
  const out = await outputOf('03-crash-in-the-middle.ts')
  expect(out.match(/the process died by SIGKILL/g)).toHaveLength(4)
  expect(out).toContain('idempotent: ran 2 times, with 1 key: paid')
  expect(out).toContain('keyed: ran 2 times, with 1 key: paid')
  expect(out).toContain('once: unknownOutcome: Nobody knows whether pay (call 1.1) happened')
  expect(out).toContain('once: ran once: paid, as a person found out')
  expect(out).toContain('probed: ran once: paid, as the bank says')
})

test('04: what had returned before the crash is not asked for again', async () => {
  const out = await outputOf('04-parallel-tools.ts')
  expect(out).toContain('process 1: started 5 calls, died by SIGKILL')
  expect(out).toContain('process 2: sent again: Oslo, Quito\n')
  expect(out).toContain("'Quito: 5 degrees',\n  'Rome: 4 degrees'\n]")
})

test('05: a follow-up task in another process sees the variables and functions of the first', async () => {
  const out = await outputOf('05-follow-up-tasks.ts')
  expect(out).toContain('process 1: task 1: Tue')
  expect(out).toContain("process 2: task 2: { best: 'Thu', days: 4 }")
  expect(out).toContain('process 2: 3 steps in the whole run')
})

test('every numbered example is tested here', () => {
  const files = readdirSync(join(import.meta.dirname, '../../examples')).filter((name) => /^\d/.test(name))
  expect(files.map((name) => name.slice(0, 2))).toEqual(['01', '02', '03', '04', '05'])
})
