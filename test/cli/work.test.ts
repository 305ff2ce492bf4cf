/** `pca work`. */
import { expect, test } from 'vitest'
import { AGENT, Place, poll } from './fixtures/pca.ts'

test('a run that sleeps is finished by work --once when its time has come, and not before', async () => {
  using place = new Place()
  expect(await place.run('r', 'nap')).toMatchObject({ code: 3, out: expect.stringContaining('pca work') })
  expect(await place.pca('work', '--once', '--json')).toMatchObject({ code: 0, last: { v: 1, results: [] } })
  await poll(async () => ((await place.row('r'))?.wakeAt ?? 0) <= Date.now())
  expect(await place.pca('work', '--once')).toMatchObject({ code: 0, out: 'r  completed\n' })
  expect(await place.pca('work', '--once')).toMatchObject({ code: 0, out: '', err: 'Nothing was due.\n' })
})

test('an answered run and one whose process was killed are both driven, --json has a line for each', async () => {
  using place = new Place()
  const cut = place.start(['run', AGENT, 'script:hang', '--id', 'cut'])
  await cut.until('HANGING')
  cut.kill('SIGKILL')
  await cut.ended
  await place.run('asked', 'size')
  await place.pca('answer', (await place.questions())[0]?.id ?? '', 'M')
  const { code, lines } = await place.pca('work', '--once', '--json')
  expect(code).toBe(0)
  const results = lines.slice(0, -1)
  expect(Object.fromEntries(results.map((it) => [it['runId'], it['status']]))).toEqual({
    asked: 'completed',
    cut: 'paused',
  })
  expect(lines.at(-1)).toEqual({ v: 1, results })
})

test('a worker that stays drives what becomes due; SIGTERM leaves the run due for the next one', async () => {
  using place = new Place()
  await place.run('asked', 'size')
  await place.run('long', 'hang-later')
  const worker = place.start(['work'])
  await worker.until('Waiting for runs')
  for (const { id } of await place.questions()) await place.pca('answer', id, 'S')
  await worker.until('asked  completed')
  await worker.until('HANGING')
  worker.kill('SIGTERM')
  const ended = await worker.ended
  expect(ended).toMatchObject({ code: 0, err: expect.stringContaining('ABORTED') })
  expect(ended.out).toContain('long  paused: Interrupted by SIGTERM')
  // The tool gave its word when its signal fired, after the run had come to rest: that is its result, nobody is asked.
  expect((await place.pca('work', '--once', '--json')).last).toMatchObject({
    results: [{ runId: 'long', status: 'completed', output: 'aborted' }],
  })
})

test('a run whose code is not known is told of, and holds up no other', async () => {
  using place = new Place()
  const elsewhere = { env: { PCA_STATE_DIR: `${place.path}/other` } }
  await place.start(['run', AGENT, 'script:size', '--id', 'theirs'], elsewhere).ended
  await place.run('ours', 'size')
  for (const { id } of await place.questions()) await place.pca('answer', id, 'L')
  const { code, out, err } = await place.pca('work', '--once')
  expect({ code, out }).toEqual({ code: 1, out: 'ours  completed\n' })
  expect(err).toMatch(/theirs {2}not driven: .*pca work --agent <module>/)
  expect(await place.pca('work', '--once', '--agent', AGENT)).toMatchObject({
    code: 0,
    out: 'theirs  completed\n',
  })
})
