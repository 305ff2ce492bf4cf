/** Pausing and stopping: from the keyboard, from another process, and who may drive. */
import { expect, test } from 'vitest'
import { AGENT, Place } from './fixtures/pca.ts'

const HANG = ['run', AGENT, 'script:hang', '--id', 'r'] as const

test('stop from another process: the tool sees its abort signal, exit 4, and resume says the same', async () => {
  using place = new Place()
  const run = place.start([...HANG, '--json'])
  await run.until('HANGING')
  const stop = await place.pca('stop', 'r', '--reason', 'enough')
  expect(stop).toMatchObject({ code: 0, out: expect.stringContaining('asked to stop') })
  const ended = await run.ended
  expect(ended.err).toContain('ABORTED')
  expect(ended).toMatchObject({ code: 4, last: { v: 1, status: 'stopped', message: 'enough' } })
  expect(await place.pca('resume', 'r')).toMatchObject({ code: 4, out: 'Run r is stopped: enough\n' })
})

test('a run that another process drives is refused with exit 1, and is left alone', async () => {
  using place = new Place()
  const run = place.start(HANG)
  await run.until('HANGING')
  expect(await place.pca('resume', 'r', '--json')).toMatchObject({
    code: 1,
    last: { v: 1, error: { code: 'RUN_BUSY' } },
  })
  expect(await place.run('r', 'hang')).toMatchObject({ code: 1 })
  expect((await place.row('r'))?.status).toBe('running')
  await place.pca('stop', 'r')
  expect((await run.ended).code).toBe(4)
})

test.for(['SIGINT', 'SIGTERM'] as const)('%s once pauses: exit 3 and the way on', async (signal) => {
  using place = new Place()
  const run = place.start(HANG)
  await run.until('HANGING')
  run.kill(signal)
  const { code, out, err } = await run.ended
  expect(code).toBe(3)
  expect(err).toContain('Pausing at the next safe point')
  expect(out).toContain(`Run r is paused: Interrupted by ${signal}`)
  expect(out).toContain('pca resume r\n')
})

test.for([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s twice leaves at once with %i, and the run can be taken over', async ([signal, code]) => {
  using place = new Place()
  // A grace long enough for the second signal.
  const run = place.start(HANG, { env: { TEST_GRACE: '60000' } })
  await run.until('HANGING')
  run.kill(signal)
  await run.until('Pausing')
  run.kill(signal)
  expect((await run.ended).code).toBe(code)
  const resumed = await place.pca('resume', 'r', '--json')
  expect(resumed).toMatchObject({ code: 3, last: { questions: [{ kind: 'unknownOutcome' }] } })
})

test('pause and stop of a run that nobody drives are done at once; of one that ended, refused', async () => {
  using place = new Place()
  await place.run('r', 'refund')
  expect(await place.pca('pause', 'r', '--json')).toMatchObject({
    code: 0,
    last: { v: 1, runId: 'r', asked: 'pause', status: 'paused' },
  })
  expect(await place.pca('stop', 'r', '--json')).toMatchObject({
    code: 0,
    last: { v: 1, runId: 'r', asked: 'stop', status: 'stopped' },
  })
  expect(await place.pca('stop', 'r')).toMatchObject({ code: 0, out: 'Run r is stopped.\n' })
  expect(await place.pca('pause', 'r')).toMatchObject({ code: 2 })
  expect(await place.questions()).toEqual([])
})

test('fork: another run from the same past, which a person resumes', async () => {
  using place = new Place()
  expect(await place.run('r', 'refund')).toMatchObject({ code: 3 })
  expect(await place.pca('fork', 'r', '--id', 'early', '--json')).toMatchObject({
    code: 0,
    last: { status: 'paused', stepCount: 1 },
  })
  expect(await place.pca('resume', 'early')).toMatchObject({ code: 3 })
  const mine = (await place.questions()).find(({ runId }) => runId === 'r')
  await place.pca('approve', mine?.id ?? '')
  await place.pca('resume', 'r')
  const forked = await place.pca('fork', 'r', '--step', '1', '--id', 'twin', '--json')
  expect(forked).toMatchObject({
    code: 0,
    last: { v: 1, runId: 'twin', from: 'r', status: 'paused', stepCount: 1 },
  })
  expect(await place.pca('resume', 'twin', '--json')).toMatchObject({
    code: 0,
    last: { status: 'completed' },
  })
  expect(await place.pca('fork', 'r', '--step', '99')).toMatchObject({
    code: 2,
    err: expect.stringContaining('no finished step 99'),
  })
  expect(await place.pca('fork', 'r', '--step', 'x')).toMatchObject({ code: 2 })
  expect(await place.pca('fork', 'r', '--id', 'twin')).toMatchObject({
    code: 2,
    err: expect.stringContaining('exists already'),
  })
})

test('a reader of stdout that goes away asks for a pause: the call in flight comes home, and is not made again', async () => {
  using place = new Place()
  const run = place.start(['run', AGENT, 'script:chatter', '--id', 'r'], { env: { TEST_GRACE: '20000' } })
  run.closeOutput()
  expect((await run.ended).code).toBe(3)
  const { code, out } = await place.pca('resume', 'r')
  expect({ code, out }).toEqual({ code: 0, out: 'said\n' })
})

test('with --json, what a tool prints goes to stderr', async () => {
  using place = new Place()
  const { code, out, err } = await place.pca('run', AGENT, 'script:chatter', '--id', 'r', '--json')
  expect(code).toBe(0)
  expect(
    out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { v?: number }).v),
  ).toContain(1)
  expect(out).not.toContain('line 1')
  expect(err).toContain('line 8\n')
})

test('a run whose process was killed says so in list and show, and how to go on', async () => {
  using place = new Place()
  const run = place.start(['run', AGENT, 'script:hang', '--id', 'r'])
  await run.until('HANGING')
  expect((await place.pca('list')).out).toMatch(/\nr +running /)
  run.kill('SIGKILL')
  await run.ended
  expect((await place.pca('list')).out).toMatch(/\nr +left behind /)
  expect((await place.pca('list', '--json')).last).toMatchObject({
    runs: [{ runId: 'r', status: 'running', leftBehind: true }],
  })
  const { out } = await place.pca('show', 'r')
  expect(out).toContain('left behind: nobody drives it')
  expect(out).toContain('Go on: pca resume r')
  expect((await place.pca('stop', 'r', '--reason', 'enough')).code).toBe(0)
  expect((await place.pca('show', 'r')).out).toMatch(/^r {2}stopped .*\n {2}enough\n/)
})
