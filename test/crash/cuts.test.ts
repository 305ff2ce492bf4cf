/**
 * A crash after every entry. Each reference program is run once, whole. Then its journal is cut after each entry, as
 * if the process had died there, and another agent goes on: from the journal alone, and over a rest with a snapshot.
 * Whatever the cut, the output is the same; an accepted result is never asked for again; a `once` call that was cut
 * is never sent again without a person's word.
 */
import { describe, expect, test } from 'vitest'
import { PersistentCodeAgent, type RunResult, type Store } from '../../src/index.ts'
import { violations } from '../../src/journal/check.ts'
import type { Entry } from '../../src/journal/entry.ts'
import { isOneWith } from '../../src/journal/together.ts'
import { scriptedModel } from '../../src/testing.ts'
import { HandClock, journalOf, must, output } from '../e2e/fixtures/bench.ts'
import { decisionOf, programs, World, type Program } from './fixtures/programs.ts'
import { recorded, type Recording } from './fixtures/recorded.ts'

interface Going {
  readonly agent: PersistentCodeAgent
  readonly world: World
  readonly clock: HandClock
  asked: number
}

function going(program: Program, store: Store, clock: HandClock, past: readonly Entry[] = []): Going {
  const world = new World(past)
  const made: Going = {
    world,
    clock,
    asked: 0,
    agent: new PersistentCodeAgent({
      store,
      ...program.options(world),
      model: scriptedModel(program.script, {
        onCall: ({ replies }) => {
          made.asked++
          world.happened(`turn ${replies + 1}`)
        },
      }),
    }),
  }
  return made
}

/** Answers and waits until the last task is done. */
async function toTheEnd(program: Program, { agent, clock }: Going, first: RunResult): Promise<unknown> {
  let result = first
  for (let turns = 0; turns < 30; turns++) {
    if (result.status === 'completed') {
      const next = program.tasks[program.tasks.indexOf(agent.task) + 1]
      if (next === undefined) return output(result)
      result = await agent.run(next, { reset: false })
    } else if (result.status === 'paused') {
      for (const question of result.questions) await agent.answer(question.id, decisionOf(program, question))
      if (result.questions.length === 0 && result.wakeAt !== undefined) clock.forward(must(program.forward))
      result = await agent.run(agent.task, { reset: false })
    } else throw new Error(`The run rests as ${JSON.stringify(result)}`)
  }
  throw new Error('The run does not come to its end')
}

/** What must hold of a journal and of what was done since the cut, whatever was cut. */
function check(journal: readonly Entry[], cut: number, { world, asked }: Going): void {
  expect(violations(journal)).toEqual([])
  const since = journal.slice(cut)
  const requested = new Map(
    journal.flatMap((entry) => (entry.kind === 'call-requested' ? [[entry.call, entry]] : [])),
  )
  expect(requested.size, 'a call is requested once').toBe(
    journal.filter((entry) => entry.kind === 'call-requested').length,
  )
  for (const [call, { effect, tool }] of requested) {
    const story = journal.filter((entry) => 'call' in entry && entry.call === call)
    expect(
      story.filter((entry) => entry.kind === 'call-returned').length,
      `results of ${call}`,
    ).toBeLessThanOrEqual(1)
    const returned = story.findIndex((entry) => entry.kind === 'call-returned')
    const starts = story.flatMap((entry, index) => (entry.kind === 'call-started' ? [index] : []))
    if (returned >= 0)
      expect(
        starts.every((start) => start < returned),
        `${call} is not sent after its result`,
      ).toBe(true)
    if (effect !== 'once') continue
    const asks = story.filter((entry) => entry.kind === 'question-asked' && entry.asks !== 'approval').length
    expect(starts.length, `${tool} (${call}) is sent again only after a question`).toBeLessThanOrEqual(
      1 + asks,
    )
  }
  const started = since.flatMap((entry) =>
    entry.kind === 'call-started' ? [`${must(requested.get(entry.call)).tool} ${entry.call}`] : [],
  )
  expect(world.ran.toSorted(), 'what ran is what was started').toEqual(started.toSorted())
  expect(asked, 'requests to the model').toBe(since.filter((entry) => entry.kind === 'model-called').length)
}

/** Turns that have a reply: none is asked for again. */
function turnsOf(journal: readonly Entry[]): number {
  return journal.filter((entry) => entry.kind === 'model-replied' || entry.kind === 'plan-made').length
}

async function reference(
  program: Program,
): Promise<{ readonly recording: Recording; readonly answer: unknown }> {
  const clock = new HandClock()
  const recording = recorded(clock)
  const run = going(program, recording.store, clock)
  const answer = await toTheEnd(program, run, await run.agent.run(must(program.tasks[0])))
  check(recording.entries, 0, run)
  return { recording, answer }
}

async function resumed(
  program: Program,
  recording: Recording,
  cut: number,
  over: 'replay' | 'rest',
): Promise<unknown> {
  const past = recording.entries.slice(0, cut)
  const clock = new HandClock(must(past.at(-1)).at)
  const store = await recording.cut(cut, clock)
  const { runId } = recording.run
  const run = going(program, store, clock, past)
  await run.agent.resume({ runId })
  const abortSignal = over === 'rest' ? AbortSignal.abort() : undefined
  const first = await run.agent.run(run.agent.task, {
    reset: false,
    ...(abortSignal === undefined ? {} : { abortSignal }),
  })
  // A rest that was driven to leaves the heap behind (a run that only waits is not even opened); a second life opens it.
  if (over === 'rest' && first.status === 'paused' && first.resumedFrom !== undefined)
    expect((await store.checkpoint(runId))?.links.length, 'the heap at its rest').toBeGreaterThan(0)
  const answer = await toTheEnd(program, run, first)
  const journal = await journalOf(store, runId)
  check(journal, cut, run)
  expect(turnsOf(journal), 'turns of the model').toBe(turnsOf(recording.entries))
  return answer
}

/** `SWEEP=all`: every cut, both ways. Minutes instead of seconds. */
const ALL = process.env['SWEEP'] === 'all'
/** How many journals are cut and gone on with at the same time: one guest's thread works while another's waits. */
const LANES = 3
/** A rest with its snapshot costs another guest: every so many cuts only, unless all are asked for. */
const REST_EVERY = ALL ? 1 : 6

/**
 * Where a crash can come: after every write that there was, and (of those every sixth, unless all are asked for) after
 * every entry that could have been a write's last.
 */
function cutsOf({ entries, commits }: Recording): readonly number[] {
  return [...entries.keys()].filter(
    (cut) =>
      cut >= 2 &&
      (commits.has(cut) ||
        ((ALL || cut % 6 === 0) && !isOneWith(must(entries[cut]), must(entries[cut - 1])))),
  )
}

async function sweep(program: Program, over: 'replay' | 'rest'): Promise<readonly string[]> {
  const { recording, answer } = await reference(program)
  const cuts = [...cutsOf(recording)].filter((_cut, index) => over === 'replay' || index % REST_EVERY === 0)
  const broken: string[] = []
  const lane = async (): Promise<void> => {
    for (let cut = cuts.shift(); cut !== undefined; cut = cuts.shift()) {
      try {
        expect(await resumed(program, recording, cut, over)).toEqual(answer)
      } catch (error) {
        broken.push(`cut after ${cut} ${must(recording.entries[cut - 1]).kind}: ${String(error)}`)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return broken
}

describe.each(programs.map((program) => ({ name: program.name, program })))('$name', ({ program }) => {
  test.each(['replay', 'rest'] as const)(
    'cut after every entry, then %s',
    { timeout: 60_000 },
    async (over) => {
      expect(await sweep(program, over)).toEqual([])
    },
  )
})
