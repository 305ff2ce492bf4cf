/** H48, C14: a run that kills its process again and again is put aside with a question, and harms no other run. */
import { test, vi } from 'vitest'
import { PersistentCodeAgent, sqliteStore } from '../../src/index.ts'
import { createRun } from '../../src/run/begin.ts'
import { agentOf } from './fixtures/killer.ts'
import { Life, World } from './fixtures/world.ts'

vi.setConfig({ testTimeout: 120_000 })

type By = 'look' | 'put' | 'model'
/** Each has an agent of its own. */
const AGENTS: Readonly<Record<By, string>> = { look: 'look', put: 'put', model: 'dieThinking' }
/** Where it died, as far as the journal tells: a read is begun before its call is durable. */
const SAYS: Readonly<Record<By, RegExp>> = {
  look: /in step 1( with look \(1\.1\) open)?\. Approve to undo the step and go on, reject to stop\.$/,
  put: /in step 1 with put \(1\.1\) open\. Approve to undo the step and go on, reject to stop\.$/,
  model: /after step 0\. Approve to try again, reject to stop\.$/,
}

/** Two runs that nobody has driven yet, the poisonous one first. */
async function begun(where: string): Promise<World> {
  const world = new World()
  await using store = sqliteStore(world.file)
  for (const runId of ['poison', 'healthy'])
    await createRun(
      store,
      agentOf(world, where === 'dieThinking' && runId === 'healthy' ? 'look' : where).definition(),
      {
        task: 'go',
        runId,
      },
    )
  return world
}

/** What a process that does all that is due came to. */
async function worked(world: World): Promise<unknown> {
  await using life = new Life('killer.ts', [world.folder])
  const { code, signal, lines } = await life.end()
  return code === 0 ? JSON.parse(lines.at(-1) ?? '') : signal
}

/** How many processes it kills, and what the next one comes to. */
async function killed(world: World): Promise<{ readonly deaths: number; readonly said: unknown }> {
  for (let deaths = 0; ; deaths++) {
    const said = await worked(world)
    if (said !== 'SIGKILL') return { deaths, said }
  }
}

async function statuses(world: World): Promise<unknown> {
  await using store = sqliteStore(world.file)
  return Object.fromEntries((await store.runs({}, 10)).map(({ runId, status }) => [runId, status]))
}

async function asked(world: World): Promise<PersistentCodeAgent> {
  return PersistentCodeAgent.resumeExecution(world.file, { runId: 'poison' })
}

test.concurrent.for(['look', 'put', 'model'] as const)('killed by %s three times', async (by, { expect }) => {
  using world = await begun(AGENTS[by])
  const { deaths, said } = await killed(world)
  // That its step began, and that a read was called, may be durable by another time only: so far the run got somewhere.
  expect(by === 'look' ? [3, 4, 5] : [3]).toContain(deaths)
  // The next one puts it aside, and gets on with the other.
  expect(said).toContainEqual(['poison', 'paused'])
  expect(await statuses(world)).toEqual({ poison: 'paused', healthy: 'completed' })
  const poisonous = (): number => world.effects().filter(({ run }) => run === 'poison').length
  expect(poisonous()).toBe(deaths)
  // It stays aside, for every process, until it is answered.
  expect(await worked(world)).toEqual([])
  await using person = await asked(world)
  const [question] = person.questions
  expect(question).toMatchObject({ kind: 'diverged' })
  expect(question?.message).toMatch(/ended 3 times before it got anywhere/)
  expect(question?.message).toMatch(SAYS[by])
  expect(poisonous()).toBe(deaths)
  // An answer gives it three more, counted from the start.
  await person.answer(question?.id ?? '', { type: 'approve' })
  if (by === 'model') {
    expect(await killed(world)).toEqual({ deaths: 3, said: [['poison', 'paused']] })
    expect(poisonous()).toBe(6)
    world.mark('cured')
    await using next = await asked(world)
    expect(next.questions.map(({ id }) => id)).not.toContain(question?.id)
    await next.answer(next.questions[0]?.id ?? '', { type: 'approve' })
  }
  // The step is undone, and the model finds another way.
  expect(await worked(world)).toEqual([['poison', 'completed']])
  await using done = await asked(world)
  expect(done.result).toMatchObject({ status: 'completed', output: by === 'model' ? 'gone' : 'another way' })
})

test.concurrent('rejected, it is stopped', async ({ expect }) => {
  using world = await begun('look')
  const { deaths } = await killed(world)
  await using person = await asked(world)
  await person.answer(person.questions[0]?.id ?? '', { type: 'reject' })
  expect(await worked(world)).toEqual([['poison', 'stopped']])
  expect(world.effects().filter(({ run }) => run === 'poison')).toHaveLength(deaths)
})
