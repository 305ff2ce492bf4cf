/** Every example is a program that runs alone, says what happens, and ends well. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { WireServer } from '../model/fixtures/wire-server.ts'
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

test('06: a callback pauses after a step, and changes what the model is told of it', async () => {
  const out = await outputOf('06-review-between-steps.ts')
  expect(out.match(/^paused: Please look at step 1$/gm)).toHaveLength(1)
  expect(out).toContain("{ from: '<an address>', text: 'The parcel is damaged.' }")
  expect(out).not.toContain('tim@example.com')
  expect(out).toContain("completed [ 'complaint', 'question' ]")
})

test('07: an agent below asks, and its question is the question of the one above', async () => {
  const out = await outputOf('07-a-team.ts')
  expect(out.match(/^editor > researcher asks: In which year was the Tay Bridge opened\?$/gm)).toHaveLength(1)
  expect(out).toContain("completed { forth: 1890, tay: 1887, later: 'Forth Bridge' }")
  expect(out.match(/^researcher: completed: /gm)).toHaveLength(2)
})

test('08: a tool of an MCP server that was approved and has changed is asked about again', async () => {
  const out = await outputOf('08-an-mcp-server.ts')
  expect(out.match(/^asked: wiki_delete_page\(\{"page":"draft"\}\)$/gm)).toHaveLength(1)
  expect(out.match(/^asked again: wiki_delete_page\(\{"page":"draft"\}\)$/gm)).toHaveLength(1)
  expect(out).toContain("completed [ 'deleted draft' ]")
})

test('09: forks with another answer and another result, and the run that they come from', async () => {
  const out = await outputOf('09-another-past.ts')
  expect(out).toBe(`as it was: booked Krone
if a person had said no: rejected by a person: ask the boss first
if a night had cost 300: too dear: 300
the run itself: completed 0
`)
})

test('10: a chat gets an approval as a part, and goes on after a restart of its server', async () => {
  const out = await outputOf('10-a-chat.ts')
  expect(out).toBe(`the client sees: refund({"order":"A-17","amount":250}): approval-requested
the server was restarted
the client sees: refunded 250 for A-17
`)
})

const files = readdirSync(join(import.meta.dirname, '../../examples')).filter((name) => /^\d/.test(name))

test('every numbered example is tested here, and named in the README', () => {
  expect(files.map((name) => Number(name.slice(0, 2)))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
  for (const name of files) expect(readme).toContain(`(examples/${name})`)
})

test.for(files)('%s asks the model that it is given', async (file) => {
  const place = mkdtempSync(join(tmpdir(), 'examples-test-'))
  try {
    const { out, err } = await runExample(file, { TMPDIR: place, TEMP: place, TMP: place }, undefined, [
      '--model',
      'nobody/model-1',
    ])
    expect(out + err).toContain('npm i @ai-sdk/nobody')
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
})

test('with a model of a provider, over the wire', async () => {
  await using server = await WireServer.open([
    {
      code: [
        `let total = 0
for (const [order, amount] of [['A', 40], ['B', 250]]) total += await refund({ order, amount })
finalAnswer({ total })`,
      ],
    },
  ])
  const env = { OPENAI_BASE_URL: `${server.url}/v1`, OPENAI_API_KEY: 'a-key-for-tests' }
  const ended = await runExample('02-approval-in-a-loop.ts', env, undefined, ['--model', 'openai/gpt-5'])
  expect(ended).toMatchObject({ code: 0, err: '', out: expect.stringContaining('completed { total: 290 }') })
  expect(server.sent).toHaveLength(1)
  expect(server.sent[0]?.text).toContain('Refund these orders')
})
