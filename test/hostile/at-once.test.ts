/**
 * H45: whatever people do to a run, they do all of it at once. What was acknowledged stands, what was refused has a reason,
 * and each journal is one that a single driver could have written.
 */
import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { drainDue, isPersistentAgentError, sqliteStore, tool } from '../../src/index.ts'
import type { SqliteStore } from '../../src/journal/sqlite.ts'
import { forkRun } from '../../src/run/fork.ts'
import { removeRun } from '../../src/run/keep.ts'
import { answerQuestion, haltRun, sayTo } from '../../src/run/signal.ts'
import { verifyRun } from '../../src/run/verify.ts'
import { seeded } from '../simulation/random.ts'
import { scratch } from '../journal/fixtures/files.ts'
import { agentOf, goOn, journalOf, must } from '../e2e/fixtures/bench.ts'

const ROUNDS = process.env['HOSTILE'] === 'all' ? 40 : 6
const AT_ONCE = 100

test.each(Array.from({ length: ROUNDS }, (_, round) => round))(
  `${AT_ONCE} commands at once, lot %i`,
  { timeout: 120_000 },
  async (lot) => {
    using place = scratch()
    await using store = sqliteStore(place.file)
    const random = seeded(lot)
    const sent: string[] = []
    const send = tool({
      name: 'send',
      description: 'Sends a letter',
      effect: 'once',
      inputSchema: { type: 'object' },
      execute: async (_input, { runId, toolCallId }) => void sent.push(`${runId} ${toolCallId}`),
    })
    const agent = agentOf({
      store,
      tools: [send],
      pauseGrace: 50,
      script: Array.from({ length: 40 }, () => 'await ask("Which?")\nawait tools.send({})\nawait sleep(5)'),
    })
    const { runId } = await agent.run('x', { runId: 'r' })
    expect(runId).toBe('r')
    const among = [...COMMANDS, ...must(ENDS[lot % ENDS.length])]
    const did = await Promise.allSettled(
      Array.from({ length: AT_ONCE }, async (_, at) => {
        const some = at < 50 ? COMMANDS : among
        const what = at === 0 ? 'answer' : must(some[random.below(some.length)])
        // A turn of the event loop or some: they come while others are in their middle.
        for (let turns = random.below(at < 50 ? 30 : 90); turns > 0; turns--) await setImmediate()
        await act(what, store, { at, goOn: async () => goOn(agent) })
        return what
      }),
    )
    for (const one of did)
      if (one.status === 'rejected')
        expect(isPersistentAgentError(one.reason) ? '' : String(one.reason?.stack ?? one.reason)).toBe('')
    const done = did.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    await drainDue(store, [agent])

    const rows = await store.runs({}, 1_000)
    for (const row of rows) expect((await verifyRun(store, row.runId)).faults).toEqual([])
    expect(new Set(sent).size).toBe(sent.length)
    const forks = rows.filter((row) => row.runId.startsWith('fork-')).map((row) => row.runId)
    expect(forks.length).toBe(done.filter((what) => what === 'fork').length)
    const left = rows.find((row) => row.runId === 'r')
    if (done.includes('remove')) expect(left).toBeUndefined()
    else if (done.includes('stop')) expect(left?.status).toBe('stopped')
    else expect(left).toBeDefined()
    if (left === undefined || left.status === 'stopped') return
    const said = (await journalOf(store, 'r')).flatMap((entry) =>
      entry.kind === 'message-said' ? [entry.text] : [],
    )
    const unread = (await store.signals('r')).flatMap(({ signal }) =>
      signal.kind === 'say' ? [signal.text] : [],
    )
    const words = did.flatMap((one, at) =>
      one.status === 'fulfilled' && one.value === 'say' ? [`word ${at}`] : [],
    )
    expect([...said, ...unread].toSorted()).toEqual(words.toSorted())
  },
)

const COMMANDS = [
  'pause',
  'resume',
  'resume',
  'drive',
  'drive',
  'fork',
  'say',
  'answer',
  'answer',
  'answer',
] as const
/** Nobody can drive a run any more that was stopped or removed: not in every lot. */
const ENDS = [[], ['stop'], ['remove']] as const

async function act(
  what: (typeof COMMANDS | (typeof ENDS)[number])[number],
  store: SqliteStore,
  { at, goOn }: { readonly at: number; goOn(): Promise<unknown> },
): Promise<unknown> {
  switch (what) {
    case 'stop':
    case 'pause':
      return haltRun(store, 'r', { kind: what, reason: `${what} ${at}` })
    case 'resume':
      return store.signal('r', `resume ${at}`, { kind: 'resume' })
    case 'drive':
      return goOn()
    case 'fork':
      return forkRun(store, 'r', { runId: `fork-${at}` })
    case 'say':
      return sayTo(store, 'r', `word ${at}`)
    case 'answer': {
      const [question] = await store.questions({ runId: 'r' })
      if (question === undefined) return 'nothing is asked'
      return answerQuestion(store, 'r', question.id, { type: 'respond', value: 'this' })
    }
    case 'remove':
      return removeRun(store, 'r')
    default:
      return what satisfies never
  }
}
