/** The commands that only look: their shapes, and what they do not load. */
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { fixture, Place } from './fixtures/pca.ts'

test('list, show and inbox load neither sandbox nor front end, validator, models or tools', async () => {
  using place = new Place()
  await place.run('r', 'refund')
  const node = ['--import', pathToFileURL(fixture('loaded.ts')).href]
  for (const args of [
    ['list'],
    ['show', 'r'],
    ['show', 'r', '--events'],
    ['logs', 'r'],
    ['inbox', '--json'],
    ['--version'],
    ['--help'],
  ]) {
    const { code, err } = await place.start(args, { node }).ended
    expect(code).toBe(0)
    const loaded = JSON.parse(/^LOADED (.*)$/m.exec(err)?.[1] ?? '[]') as readonly string[]
    const ours = loaded
      .filter((url) => url.startsWith('file:'))
      .map((url) => url.replace(/^.*\/(src|node_modules)\//, '$1/'))
    expect(ours).toContain('src/cli/main.ts')
    expect(ours.filter((url) => /^src\/(sandbox|model|tool|telemetry)\//.test(url))).toEqual([])
    const packages = new Set(
      ours.filter((url) => url.startsWith('node_modules/')).map((url) => url.split('/')[1]),
    )
    expect([...packages].filter((name) => name !== 'commander' && name !== 'devalue')).toEqual([])
  }
})

test('they change no byte', async () => {
  using place = new Place()
  await place.run('r', 'refund')
  const before = place.bytes()
  for (const args of [
    ['list'],
    ['show', 'r'],
    ['show', 'r', '--vars'],
    ['show', 'r', '--events'],
    ['logs', 'r'],
    ['inbox'],
  ])
    expect((await place.pca(...args)).code).toBe(0)
  expect(place.bytes()).toBe(before)
})

test('list: one line a run, cut to the width; --status chooses', async () => {
  using place = new Place()
  await place.run('first', 'hello')
  await place.run('second', `refund ${'long '.repeat(60)}`)
  const { out } = await place.pca('list')
  expect(out).toMatch(
    /^RUN +STATUS +STEPS +QUESTIONS +AGE +TASK\nsecond +paused +1 +1 +\d+s +script:refund long .*…\nfirst +completed +1 +\d+s +script:hello\n$/,
  )
  const narrow = await place.start(['list'], { env: { COLUMNS: '30' } }).ended
  expect(Math.max(...narrow.out.split('\n').map((line) => line.length))).toBe(30)
  expect((await place.pca('list', '--status', 'paused', '--json')).last).toMatchObject({
    runs: [{ runId: 'second' }],
  })
  expect((await place.pca('list', '--status', 'asleep')).code).toBe(2)
})

test('show tells what happened and how to go on', async () => {
  using place = new Place()
  await place.run('r', 'refund')
  const { out } = await place.pca('show', 'r')
  for (const part of [
    'Task 1\n  script:refund',
    'Step 1',
    `    const paid = await tools.refund({ order: 'A-1', amount: 250 })`,
    '1.1 refund({"order":"A-1","amount":250}) open',
    'pca approve q_',
    'Go on: pca resume r',
  ]) {
    expect(out).toContain(part)
  }
  await place.pca('approve', (await place.questions())[0]?.id ?? '')
  await place.pca('resume')
  const done = (await place.pca('show', 'r')).out
  for (const part of [
    /refund\(.*\) returned \(\d+ ms\)/,
    /\| refunded 250 for A-1/,
    /Answer \(finalAnswer\)\n {2}refunded 250/,
  ])
    expect(done).toMatch(part)
  const one = await place.pca('show', 'r', '--step', '2')
  expect(one.out).toContain('finalAnswer(paid)')
  expect(one.out).not.toContain('Step 1')
  expect((await place.pca('show', 'r', '--step', '9')).code).toBe(2)
})

test('show tells what people said between the steps, and where a run was forked', async () => {
  using place = new Place()
  await place.run('r', 'size')
  expect((await place.pca('say', 'r', 'In EU sizes \u001b[2J', '--by', 'ann')).code).toBe(0)
  // The answer did not know it, and the script has no other: the task fails.
  expect((await place.pca('resume', 'r', '--answer', '42')).code).toBe(1)
  const { out } = await place.pca('show', 'r')
  expect(out).toMatch(
    /\n\nStep 1 [^]*\n\nSaid by ann\n {2}In EU sizes .*\[2J\n\nAnswer refused: a message came before it stood \(say\)\n/,
  )
  expect(out).not.toContain('\u001b')
  expect((await place.pca('fork', 'r', '--id', 'f', '--step', '1')).code).toBe(0)
  expect((await place.pca('show', 'f')).out).toMatch(/\n\nForked from run r at entry \d+\n/)
})

test('--json: the last line of each is one object of version 1', async () => {
  using place = new Place()
  await place.run('r', 'refund')
  expect((await place.pca('list', '--json')).lines).toEqual([
    {
      v: 1,
      runs: [
        {
          runId: 'r',
          status: 'paused',
          agent: 'tester',
          task: 'script:refund',
          stepCount: 1,
          questions: 1,
          createdAt: expect.any(String),
          updatedAt: expect.any(String),
        },
      ],
    },
  ])
  expect((await place.pca('inbox', '--json')).lines).toEqual([
    {
      v: 1,
      questions: [
        {
          runId: 'r',
          id: expect.stringMatching(/^q_/),
          kind: 'approval',
          message: expect.any(String),
          createdAt: expect.any(String),
          call: { tool: 'refund', args: { order: 'A-1', amount: 250 }, digest: expect.any(String) },
        },
      ],
    },
  ])
  expect((await place.pca('show', 'r', '--json')).lines).toEqual([
    {
      v: 1,
      runId: 'r',
      status: 'paused',
      reason: expect.stringContaining('Approve refund?'),
      agent: 'tester',
      task: 'script:refund',
      stepCount: 1,
      time: {
        thinking: expect.any(Number),
        computing: expect.any(Number),
        calling: 0,
        waiting: expect.any(Number),
      },
      calls: [{ id: '1.1', tool: 'refund', waits: 'asking', attempts: 0 }],
      variables: [],
      questions: [expect.objectContaining({ kind: 'approval' })],
      steps: [
        { kind: 'task', number: 1, task: 'script:refund' },
        expect.objectContaining({ kind: 'action', number: 1 }),
      ],
    },
  ])
  const { lines, last } = await place.pca('show', 'r', '--events', '--json')
  expect(lines[0]).toMatchObject({ seq: 1, kind: 'run-started', at: expect.stringMatching(/Z$/) })
  expect(last).toEqual({ v: 1, runId: 'r', events: lines.length - 1 })
})

test('show --vars: the variables as a step left them, read without running code', async () => {
  using place = new Place()
  await place.run('r', 'variables')
  const { out } = await place.pca('show', 'r', '--vars')
  expect(out).toMatch(/\nVariables {2}in the heap as it was after entry \d+\n/)
  expect(out).toMatch(
    /\n {2}count {3}2 {2}number \(step 2\)\n {2}orders {2}\[ 1, 2, 3 \] {2}array of 3 \(step 1\)\n/,
  )
  const past = await place.pca('show', 'r', '--vars', '--step', '1')
  expect(past.out).toMatch(
    /\n {2}count {3}number +\(step 1\)\n {2}orders {2}\S.* \(step 1\)\n {2}Values are kept of now/,
  )
  expect((await place.pca('show', 'r', '--vars', '--step', '1', '--json')).last).toMatchObject({
    variables: [
      { name: 'count', type: 'number', step: 1 },
      { name: 'orders', type: expect.stringContaining('3'), step: 1 },
    ],
    untold: 0,
  })
  expect((await place.pca('show', 'r', '--vars', '--events')).code).toBe(2)
})

test('list: --of an agent, --since a time; they go with --status', async () => {
  using place = new Place()
  await place.run('r', 'hello')
  const ids = async (...args: readonly string[]): Promise<unknown> =>
    ((await place.pca('list', '--json', ...args)).last['runs'] as { runId: string }[]).map(
      ({ runId }) => runId,
    )
  expect(await ids('--of', 'tester', '--since', '1h', '--status', 'completed')).toEqual(['r'])
  expect(await ids('--of', 'nobody')).toEqual([])
  expect(await ids('--since', '0s')).toEqual([])
  expect(await place.pca('list', '--since', 'monday')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--since'),
  })
})

test('list --watch: where there is no terminal, a line for each change', async () => {
  using place = new Place()
  await place.run('first', 'size')
  const [watcher, json] = [place.start(['list', '--watch']), place.start(['list', '--watch', '--json'])]
  await Promise.all([watcher.until('first  paused'), json.until('first')])
  await place.run('second', 'hello')
  await Promise.all([watcher.until('second  completed  1 step  script:hello'), json.until('"completed"')])
  for (const one of [watcher, json]) one.kill('SIGTERM')
  const { out } = await watcher.ended
  expect(out.match(/first/g)).toHaveLength(1)
  expect((await json.ended).lines).toContainEqual(
    expect.objectContaining({ v: 1, run: expect.objectContaining({ runId: 'second', status: 'completed' }) }),
  )
})

test('a reader that leaves early ends it quietly', async () => {
  using place = new Place()
  await place.run('r', 'endless', '--max-steps', '20')
  const reader = place.start(['show', 'r', '--events', '--json'])
  reader.closeOutput()
  expect(await reader.ended).toMatchObject({ code: 0, err: '' })
})
