/** H48, C14: a run that kills its process again and again is put aside with a question, and harms no other run. */
import { expect, test } from 'vitest'
import { PersistentCodeAgent, sqliteStore } from '../../src/index.ts'
import { createRun } from '../../src/run/begin.ts'
import { Life, World } from './fixtures/world.ts'

type By = 'look' | 'put' | 'model'
/** Each has an agent of its own. */
const AGENTS: Readonly<Record<By, string>> = { look: 'look', put: 'put', model: 'dieThinking' }
/** Where it died, as far as the journal tells: a read is begun before its call is durable. */
const SAYS: Readonly<Record<By, string>> = {
  look: 'in step 1. Approve to undo the step and go on, reject to stop.',
  put: 'in step 1 with put (1.1) open. Approve to undo the step and go on, reject to stop.',
  model: 'after step 0. Approve to try again, reject to stop.',
}

/** Two runs that nobody has driven yet, the poisonous one first. */
async function begun(where: string): Promise<World> {
  const world = new World()
  await using store = sqliteStore(world.file)
  process.argv[2] = world.folder
  const { agentOf } = await import('./fixtures/killer.ts')
  for (const runId of ['poison', 'healthy'])
    await createRun(
      store,
      agentOf(where === 'dieThinking' && runId === 'healthy' ? 'look' : where).definition(),
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

async function statuses(world: World): Promise<unknown> {
  await using store = sqliteStore(world.file)
  return Object.fromEntries((await store.runs({}, 10)).map(({ runId, status }) => [runId, status]))
}

async function asked(world: World): Promise<PersistentCodeAgent> {
  return PersistentCodeAgent.resumeExecution(world.file, { runId: 'poison' })
}

test.each(['look', 'put', 'model'] as const)('killed by %s three times', { timeout: 120_000 }, async (by) => {
  using world = await begun(AGENTS[by])
  for (let death = 1; death <= 3; death++) expect(await worked(world)).toBe('SIGKILL')
  // The next one puts it aside, and gets on with the other.
  expect(await worked(world)).toContainEqual(['poison', 'paused'])
  expect(await statuses(world)).toEqual({ poison: 'paused', healthy: 'completed' })
  const poisonous = (): number => world.effects().filter(({ run }) => run === 'poison').length
  expect(poisonous()).toBe(3)
  // It stays aside, for every process, until it is answered.
  expect(await worked(world)).toEqual([])
  await using person = await asked(world)
  const [question] = person.questions
  expect(question).toMatchObject({ kind: 'diverged' })
  expect(question?.message).toMatch(/ended 3 times before it got anywhere/)
  expect(question?.message).toContain(SAYS[by])
  expect(poisonous()).toBe(3)
  // An answer gives it three more, counted from the start.
  await person.answer(question?.id ?? '', { type: 'approve' })
  if (by === 'model') {
    for (let death = 1; death <= 3; death++) expect(await worked(world)).toBe('SIGKILL')
    expect(await worked(world)).toEqual([['poison', 'paused']])
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

test('rejected, it is stopped', { timeout: 60_000 }, async () => {
  using world = await begun('look')
  for (let death = 1; death <= 3; death++) expect(await worked(world)).toBe('SIGKILL')
  await worked(world)
  await using person = await asked(world)
  await person.answer(person.questions[0]?.id ?? '', { type: 'reject' })
  expect(await worked(world)).toEqual([['poison', 'stopped']])
  expect(world.effects().filter(({ run }) => run === 'poison')).toHaveLength(3)
})
