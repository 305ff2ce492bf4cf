/** `pca run` and `pca resume`, as processes. */
import { expect, test } from 'vitest'
import { AGENT, fixture, Place } from './fixtures/pca.ts'

test('a task runs to its end: output on stdout, progress on stderr, exit 0', async () => {
  using place = new Place()
  const { code, out, err } = await place.run('r', 'hello')
  expect({ code, out }).toEqual({ code: 0, out: '{\n  "n": 42\n}\n' })
  expect(err).toMatch(
    /^refund, hang: nobody said[^\n]*\nrun r\nstep 1: asks the model\nstep 1: print\('hi'\).*\n {2}\| hi\nrun r · 1 step/,
  )
})

test('run rests at a question with exit 3, the approval is given elsewhere, resume ends it with exit 0', async () => {
  using place = new Place()
  const run = await place.run('r', 'refund')
  expect(run.code).toBe(3)
  const [question] = await place.questions()
  expect(run.out).toContain('"order": "A-1",\n      "amount": 250')
  expect(run.out).toContain(`pca approve ${question?.id}\n`)
  expect(run.out).toContain('pca resume r\n')
  const approved = await place.pca('approve', String(question?.id), '--by', 'ann')
  expect(approved.code).toBe(0)
  expect(approved.out).toMatch(
    /^Approved q_\w+: refund\n {4}\{\n {6}"order": "A-1",\n {6}"amount": 250\n {4}\}\nGo on:\n {2}pca resume r\n$/,
  )
  const resumed = await place.pca('resume', '--json')
  expect(resumed.code).toBe(0)
  expect(resumed.last).toMatchObject({
    v: 1,
    status: 'completed',
    output: 'refunded 250 for A-1',
    runId: 'r',
    stepCount: 2,
  })
  expect(resumed.err).toContain('answered: approve by ann')
})

test('resume without anything new rests again with exit 3; of a completed run it prints the result', async () => {
  using place = new Place()
  await place.run('r', 'size')
  expect((await place.pca('resume', 'r')).code).toBe(3)
  expect(await place.pca('resume', 'r', '--answer', 'XL')).toMatchObject({ code: 0, out: 'size XL\n' })
  const before = place.bytes()
  expect(await place.pca('resume', 'r')).toMatchObject({ code: 0, out: 'size XL\n' })
  expect(await place.run('r', 'size')).toMatchObject({ code: 0, out: 'size XL\n' })
  expect(place.bytes()).toBe(before)
})

test('the task comes from stdin with -', async () => {
  using place = new Place()
  const { ended } = place.start(['run', AGENT, '-', '--id', 'r'], { stdin: 'script:hello from a pipe\n' })
  expect((await ended).code).toBe(0)
  expect((await place.row('r'))?.task).toBe('script:hello from a pipe')
})

test('--input gives variables: JSON where it is JSON, else text', async () => {
  using place = new Place()
  const { last } = await place.run('r', 'inputs', '--input', 'name=Ada', '--input', 'count=3', '--json')
  expect(last['output']).toEqual({ name: 'Ada', count: 3 })
})

test('a run that fails exits 1, by a limit 5; resume tries again', async () => {
  using place = new Place()
  expect(await place.run('l', 'endless', '--max-steps', '2', '--json')).toMatchObject({
    code: 5,
    last: { status: 'failed', error: { code: 'LIMIT' } },
  })
  expect(await place.run('f', 'over', '--json')).toMatchObject({
    code: 1,
    last: { status: 'failed', error: { code: 'MODEL' } },
  })
  expect((await place.pca('resume', 'l', '--json')).last).toMatchObject({ status: 'failed', stepCount: 4 })
})

test('--wait stays through a timer', async () => {
  using place = new Place()
  expect(await place.run('r', 'nap', '--wait')).toMatchObject({ code: 0, out: 'rested\n' })
})

test('the same id for another task is refused with exit 2', async () => {
  using place = new Place()
  await place.run('r', 'hello')
  expect(await place.run('r', 'size')).toMatchObject({
    code: 2,
    err: expect.stringContaining('exists already'),
  })
})

test('the module may export a function that makes the agent', async () => {
  using place = new Place()
  expect((await place.pca('run', fixture('factory.ts'), 'script:hello')).code).toBe(0)
})

test.for([
  {
    module: fixture('not-an-agent.ts'),
    says: 'does not export an agent: its default export is a plain object',
  },
  { module: fixture('loaded.ts'), says: 'does not export an agent: its default export is missing' },
  { module: fixture('throws.ts'), says: 'could not be loaded: TypeError: no key in the environment' },
  { module: 'nowhere.ts', says: 'There is no module nowhere.ts.' },
])('a module that cannot be used is exit 2: $says', async ({ module, says }) => {
  using place = new Place()
  const { code, err, out } = await place.pca('run', module, 'x')
  expect({ code, out }).toEqual({ code: 2, out: '' })
  expect(err).toContain(says)
  expect(place.bytes()).toBeUndefined()
})

test.for([
  [],
  [AGENT],
  [AGENT, '-'],
  [AGENT, '  '],
  [AGENT, 'x', '--max-steps', 'many'],
  [AGENT, 'x', '--max-cost', '-1'],
  [AGENT, 'x', '--timeout', 'soon'],
  [AGENT, 'x', '--input', 'y'],
])('pca run %s is exit 2 and makes no file', async (args) => {
  using place = new Place()
  const { code, err } = await place.pca('run', ...args)
  expect(code).toBe(2)
  expect(err).toMatch(/^error: .+\n.+/)
  expect(place.bytes()).toBeUndefined()
})

test('the agent may come from PCA_AGENT, the file from its storagePath, from PCA_STORE, and from --store', async () => {
  using place = new Place()
  const start = (args: readonly string[], env: NodeJS.ProcessEnv): Promise<unknown> =>
    place.start([...args], { env: { PCA_AGENT: AGENT, TEST_STORAGE: './own.db', ...env } }).ended
  expect(await start(['run', 'script:hello'], {})).toMatchObject({ code: 0 })
  expect(await start(['run', 'script:hello'], { PCA_STORE: 'env.db' })).toMatchObject({ code: 0 })
  expect(await start(['run', 'script:hello', '--store', 'flag.db'], { PCA_STORE: 'env.db' })).toMatchObject({
    code: 0,
  })
  for (const name of ['own.db', 'env.db', 'flag.db']) expect(place.bytes(name)).toBeDefined()
  expect(await start(['list', '--json'], {})).toMatchObject({ last: { runs: [{ task: 'script:hello' }] } })
})

test('commands that are printed name the store and the agent where they are needed', async () => {
  using place = new Place()
  const { out } = await place.run('r', 'refund', '--store', `it's mine.db`)
  expect(out).toMatch(/pca approve q_\w+ --store 'it'\\''s mine\.db'\n/)
  expect(out).toContain(`pca resume r --store 'it'\\''s mine.db'\n`)
  const env = { PCA_STATE_DIR: AGENT }
  const unknown = await place.start(['run', AGENT, 'script:refund', '--id', 's'], { env }).ended
  expect(unknown.out).toContain(`pca resume s --agent ${AGENT}\n`)
})

test('a run that somebody else started is not resumed with a module that nobody named', async () => {
  using place = new Place()
  await place.run('r', 'refund')
  const elsewhere = { env: { PCA_STATE_DIR: `${place.path}/other` } }
  const before = place.bytes()
  const refused = await place.start(['resume', 'r'], elsewhere).ended
  expect(refused.code).toBe(2)
  expect(refused.err).toContain('pca resume r --agent <module>')
  expect(place.bytes()).toBe(before)
  expect((await place.start(['resume', 'r', '--agent', AGENT], elsewhere).ended).code).toBe(3)
  expect((await place.start(['resume', 'r'], elsewhere).ended).code).toBe(3)
})

test('a module that hangs is given up with exit 2', async () => {
  using place = new Place()
  const env = { PCA_LOAD_TIMEOUT: '50ms' }
  const { code, err } = await place.start(['run', fixture('hangs.ts'), 'x'], { env }).ended
  expect(code).toBe(2)
  expect(err).toMatch(/^error: .*hangs\.ts does not finish loading: 50 ms have passed\.\nLook for an await/)
  expect(place.bytes()).toBeUndefined()
})

test('--timeout is a limit of the run', async () => {
  using place = new Place()
  await place.run('r', 'hello', '--timeout', '2h')
  const { lines } = await place.pca('show', 'r', '--events', '--json')
  expect(lines[0]).toMatchObject({ options: { timeout: 7_200_000, ofTask: ['timeout'] } })
})

test('an error that nobody caught ends the process, says so, and the run goes on with what is typed next', async () => {
  using place = new Place()
  const { code, err } = await place.pca('run', fixture('stray.ts'), 'go', '--id', 'r')
  expect(code).toBe(1)
  expect(err).toMatch(
    /\nerror: An error that nobody caught ended this process: TypeError: nobody looks .*\n {4}at .*stray\.ts:\d/,
  )
  expect(err).not.toContain('\u001b')
  expect(err).toMatch(/\nOften it is a promise .*go on with: pca resume r --agent '?\S+stray\.ts'?\n$/)
  expect(await place.pca('resume', 'r', '--agent', fixture('stray.ts'))).toMatchObject({
    code: 0,
    out: 'home\n',
  })
})

test('with --json it is the last line of stdout, and its stack on stderr', async () => {
  using place = new Place()
  const { code, last, err } = await place.pca('run', fixture('stray.ts'), 'go', '--json')
  expect(code).toBe(1)
  expect(last).toMatchObject({ v: 1, error: { code: 'UNCAUGHT' } })
  expect(err).toContain('stray.ts:')
})
