/** `pca logs`: a line for each fact, from another process, as they come. */
import { expect, test } from 'vitest'
import { AGENT, Place } from './fixtures/pca.ts'

test('a line for each event, with its time and number', async () => {
  using place = new Place()
  await place.run('r', 'refund')
  await place.pca('approve', (await place.questions())[0]?.id ?? '', '--by', 'ann')
  await place.pca('resume')
  const { code, out, err } = await place.pca('logs', 'r')
  expect([code, err]).toEqual([0, ''])
  const lines = out.trimEnd().split('\n')
  for (const [index, line] of lines.entries())
    expect(line).toMatch(new RegExp(`^\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d +${index + 1}  \\S`))
  for (const part of [
    /tester begins/,
    /task 1: script:refund/,
    /1\.1 refund\({"order":"A-1","amount":250}\)/,
    /question q_\w+ \(approval\)/,
    /question q_\w+: approve by ann/,
    /1\.1 refund returned \(\d+ ms\): "refunded 250 for A-1"/,
    /completed \(finalAnswer\): "refunded 250 for A-1"/,
  ])
    expect(out).toMatch(part)
  const rest = await place.pca('logs', 'r', '--after', '3')
  expect(rest.out).toBe(`${lines.slice(3).join('\n')}\n`)
  expect((await place.pca('logs', 'r', '--after', 'x')).code).toBe(2)
  expect((await place.pca('logs', 'none')).code).toBe(2)
})

test('--json: each event, and one object of version 1 at the end', async () => {
  using place = new Place()
  await place.run('r', 'hello')
  const { lines, last } = await place.pca('logs', 'r', '--json')
  expect(lines[0]).toMatchObject({ run: 'r', seq: 1, kind: 'run-started', at: expect.stringMatching(/Z$/) })
  expect(last).toEqual({ v: 1, runId: 'r', status: 'completed', events: lines.length - 1 })
})

test('-f follows a run that another process drives, through its pause, to its end', async () => {
  using place = new Place()
  const driver = place.start(['run', AGENT, 'script:refund', '--id', 'r'])
  await driver.until('run r')
  const follower = place.start(['logs', 'r', '-f', '--json'])
  await follower.until('question-asked')
  await driver.ended
  await place.pca('approve', (await place.questions())[0]?.id ?? '')
  await place.pca('resume')
  const { code, lines, last } = await follower.ended
  expect([code, last]).toEqual([0, { v: 1, runId: 'r', status: 'completed', events: lines.length - 1 }])
  expect(lines.slice(0, -1).map(({ seq }) => seq)).toEqual(lines.slice(0, -1).map((_, at) => at + 1))
})

test.for([
  ['SIGINT', 130],
  ['SIGTERM', 130],
] as const)('-f: %s leaves, with what was told in order', async ([signal, exit]) => {
  using place = new Place()
  await place.run('r', 'size')
  const follower = place.start(['logs', 'r', '-f', '--json'])
  await follower.until('question-asked')
  follower.kill(signal)
  const { code, last } = await follower.ended
  expect(code).toBe(exit)
  expect(last).toMatchObject({ v: 1, runId: 'r', status: 'paused' })
  expect((await place.row('r'))?.status).toBe('paused')
})

test('a reader that leaves early ends it quietly', async () => {
  using place = new Place()
  await place.run('r', 'endless', '--max-steps', '20')
  const reader = place.start(['logs', 'r', '-f'])
  reader.closeOutput()
  expect(await reader.ended).toMatchObject({ code: 0, err: '' })
})

test('what strangers wrote reaches no terminal', async () => {
  using place = new Place()
  await place.run('r', 'hostile')
  const { out } = await place.pca('logs', 'r')
  expect(out).toContain('\\u001b')
  expect(out).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
})
