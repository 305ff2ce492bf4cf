/** A tool that fails and may be tried again: attempts are facts, the wait between them survives the process. */
import { describe, expect, test } from 'vitest'
import { memoryStore, tool, ToolError, type Effect } from '../../src/index.ts'
import {
  again,
  agentOf,
  entriesOf,
  goOn,
  HandClock,
  journalOf,
  must,
  output,
  rested,
} from './fixtures/bench.ts'

interface Sent {
  readonly attempt: number
  readonly key: string
}

/** Fails until `fails` attempts have been made. */
function shaky(
  sent: Sent[],
  fails: number,
  {
    effect = 'keyed',
    error = () => new Error('busy'),
    attempts = 3,
    backoff = 0,
  }: {
    readonly effect?: Effect
    readonly error?: () => Error
    readonly attempts?: number
    readonly backoff?: number | string
  } = {},
): ReturnType<typeof tool> {
  return tool({
    name: 'shaky',
    description: 'Fails at first',
    effect,
    retry: { attempts, backoff: backoff as number },
    execute: async (_input, { attempt, idempotencyKey }) => {
      sent.push({ attempt, key: idempotencyKey })
      if (sent.length <= fails) throw error()
      return `done in ${attempt}`
    },
  })
}

const SCRIPT = ['finalAnswer(await shaky({}).catch((error) => error.message))']

describe('retry', () => {
  test.each(['read', 'idempotent', 'keyed'] as const)(
    '%s: until it succeeds, under one key',
    async (effect) => {
      const store = memoryStore()
      const sent: Sent[] = []
      const agent = agentOf({ store, tools: [shaky(sent, 2, { effect })], script: SCRIPT })
      expect(output(await agent.run('try'))).toBe('done in 3')
      expect(sent.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
      expect(new Set(sent.map(({ key }) => key)).size).toBe(1)
      const failed = await entriesOf(store, must(agent.runId), 'call-failed')
      expect(failed.map(({ attempt, error }) => [attempt, error.message])).toEqual([
        [1, 'busy'],
        [2, 'busy'],
      ])
    },
  )

  test('the last attempt counts, whatever it says', async () => {
    const sent: Sent[] = []
    const agent = agentOf({ tools: [shaky(sent, 9)], script: SCRIPT })
    expect(output(await agent.run('try'))).toBe('busy')
    expect(sent).toHaveLength(3)
  })

  test('a ToolError is a word for the code: no other attempt', async () => {
    const sent: Sent[] = []
    const tools = [shaky(sent, 9, { error: () => new ToolError('no such order') })]
    expect(output(await agentOf({ tools, script: SCRIPT }).run('try'))).toBe('no such order')
    expect(sent).toHaveLength(1)
  })

  test('a long wait puts the run to rest; the attempts count on in another process', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const sent: Sent[] = []
    const options = { store, tools: [shaky(sent, 2, { backoff: '1h' })], script: SCRIPT }
    const first = rested(await agentOf(options).run('try'), 'paused')
    expect(first.message).toContain('shaky is tried again at')
    expect(first.questions).toEqual([])
    expect(first.wakeAt).toEqual(new Date(clock.now() + 3_600_000))
    expect(rested(await goOn(await again(options)), 'paused').wakeAt).toEqual(first.wakeAt)
    expect(sent).toHaveLength(1)
    clock.forward(3_600_000)
    // Twice as long as the first time.
    const second = rested(await goOn(await again(options)), 'paused')
    expect(second.wakeAt).toEqual(new Date(clock.now() + 7_200_000))
    clock.forward(7_200_000)
    expect(output(await goOn(await again(options)))).toBe('done in 3')
    expect(sent.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
  })

  test('what waits for its next attempt is withdrawn when the task ends', async () => {
    const store = memoryStore()
    const sent: Sent[] = []
    const tools = [shaky(sent, 9, { backoff: '1h' })]
    const script = ['void shaky({})\nawait Promise.race([sleep(0), shaky({})])\nfinalAnswer(1)']
    const agent = agentOf({ store, tools, script })
    expect(output(await agent.run('leave'))).toBe(1)
    const journal = await journalOf(store, must(agent.runId))
    expect(journal.filter((entry) => entry.kind === 'call-withdrawn')).toHaveLength(2)
    expect(sent.length).toBeLessThanOrEqual(2)
  })

  test('a stop while it waits ends it', async () => {
    const clock = new HandClock()
    const store = memoryStore(clock)
    const sent: Sent[] = []
    const agent = agentOf({ store, tools: [shaky(sent, 9, { backoff: '1h' })], script: SCRIPT })
    await agent.run('try')
    await agent.stop('enough')
    clock.forward(3_600_000)
    expect((await goOn(agent)).status).toBe('stopped')
    expect(sent).toHaveLength(1)
  })
})
