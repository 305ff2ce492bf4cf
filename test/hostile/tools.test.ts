/** Tools that do what no tool should: each costs its call, never the run, and never the process. */
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { memoryStore, sqliteStore, tool, type RunEvent } from '../../src/index.ts'
import { createRun } from '../../src/run/begin.ts'
import { Run } from '../../src/run/run.ts'
import { scratch } from '../journal/fixtures/files.ts'
import {
  agentOf,
  again,
  deferred,
  entriesOf,
  goOn,
  journalOf,
  must,
  onlyQuestion,
  output,
  plainTool,
  rested,
  type Given,
} from '../e2e/fixtures/bench.ts'

const MB = 1024 ** 2

/** What the code gets of a tool that does this: its value, or its error. */
async function told(execute: () => unknown, more: Partial<Given> = {}): Promise<unknown> {
  const agent = agentOf({
    tools: [plainTool('bad', execute)],
    script: [
      `let got
       try { got = { value: await bad({}) } } catch (error) { got = { name: error.name, message: error.message } }
       finalAnswer(got)`,
    ],
    ...more,
  })
  return output(await agent.run('Try'))
}

describe('what is too large is an error for the code', () => {
  const large = {
    name: 'LimitError',
    message: /^bad returned more than 32 MB \(limits\.resultSize\)\. Ask it for less/,
  }
  test.each([
    ['100 MB of text', () => 'x'.repeat(100 * MB)],
    ['text of three bytes a character', () => '€'.repeat(11 * MB)],
    ['100 MB of bytes', () => new Uint8Array(100 * MB)],
    ['many buffers', () => Array.from({ length: 100 }, () => new Uint8Array(MB))],
    ['a map of long texts', () => new Map(Array.from({ length: 100 }, (_, n) => [n, `${n}`.repeat(MB)]))],
    ['long keys', () => Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`${n}`.repeat(MB), n]))],
    ['an error of 100 MB', () => ({ error: new Error('x'.repeat(100 * MB)) })],
  ])('%s', async (_, execute) => {
    const got = await told(execute)
    expect(got).toMatchObject({ name: large.name, message: expect.stringMatching(large.message) })
  })

  test('of very many small parts: writing it ends where the limit is', async () => {
    let asked = 0
    const list = Array.from({ length: 1_000_000 }, (_, n) => ({
      get n() {
        asked++
        return n
      },
    }))
    expect(await told(() => list, { limits: { resultSize: '1MB' } })).toMatchObject({ name: large.name })
    expect(asked).toBeLessThan(200_000)
  })

  test('the limit is the author’s', async () => {
    const limits = { resultSize: '1KB' }
    expect(await told(() => 'x'.repeat(2_000), { limits })).toMatchObject({
      name: 'LimitError',
      message: expect.stringContaining('more than 1 KB'),
    })
    expect(await told(() => 'x'.repeat(1_000), { limits })).toEqual({ value: 'x'.repeat(1_000) })
  })

  test('it is not asked for again, whatever its retry says', async () => {
    let ran = 0
    const execute = (): string => {
      ran++
      return 'x'.repeat(33 * MB)
    }
    const bad = tool({
      name: 'bad',
      description: 'Bad',
      effect: 'read',
      retry: { attempts: 3, backoff: 1 },
      execute,
    })
    expect(await told(execute, { tools: [bad] })).toMatchObject({ name: 'LimitError' })
    expect(ran).toBe(1)
  })
})

const throwing = (): never => {
  throw new Error('trap')
}
const trap: object = new Proxy(
  {},
  { get: throwing, ownKeys: throwing, getPrototypeOf: throwing, has: throwing },
)
const getter = Object.defineProperty({}, 'secret', { enumerable: true, get: throwing })
class Account {
  readonly #hidden = 1
  readonly owner = 'ann'
  get hidden(): number {
    return this.#hidden
  }
}

describe('what has no plain form is an error that names the place', () => {
  test.each([
    [
      'a function',
      () => ({ a: [() => 1] }),
      'bad returned what cannot be passed on. The value at .a[0] cannot be encoded: it is a function.',
    ],
    ['a symbol', () => Symbol('s'), 'it is a symbol'],
    ['symbol keys', () => ({ [Symbol('k')]: 1 }), 'it has symbol keys'],
    ['a WeakMap', () => new WeakMap(), 'it is a WeakMap, which has no plain form'],
    ['an iterator', () => [1].values(), 'Array Iterator, which has no plain form'],
    ['a generator', () => (function* () {})(), 'Generator, which has no plain form'],
    [
      'a promise within',
      () => [Promise.reject(new Error('nobody waits for me'))],
      'it is a Promise, which must be awaited first',
    ],
    [
      'promises that all reject',
      () => ['a', 'b'].map(async () => Promise.reject(new Error('no'))),
      'must be awaited first',
    ],
    ['a proxy within', () => ({ deep: [trap] }), 'trap'],
    ['a getter that throws', () => getter, 'trap'],
    [
      'what is too deep',
      () => Array.from({ length: 200_000 }).reduce((inner) => [inner], []),
      'nested too deeply',
    ],
  ])('%s', async (_, execute, message) => {
    expect(await told(execute)).toMatchObject({
      name: 'ToolError',
      message: expect.stringContaining(message),
    })
  })

  test.each([
    [
      'a cycle',
      () => {
        const ring: unknown[] = []
        ring.push(ring)
        return ring.length
      },
      1,
    ],
    ['an instance of a class: its own fields', () => new Account(), { owner: 'ann' }],
    ['nothing', () => undefined, undefined],
    ['a number that is none', () => NaN, NaN],
    ['an object of another realm', () => runInNewContext('({ a: [1] })') as unknown, { a: [1] }],
    ['a frozen one', () => Object.freeze({ a: 1 }), { a: 1 }],
    [
      'keys that mean something elsewhere',
      () => JSON.parse('{"__proto__":{"admin":true},"constructor":1}') as unknown,
      JSON.parse('{"__proto__":{"admin":true},"constructor":1}') as unknown,
    ],
  ])('%s is data', async (_, execute, value) => {
    expect(await told(execute)).toEqual({ value })
  })
})

const throws = (thrown: unknown) => (): never => {
  throw thrown
}
const endless = {
  get cause(): unknown {
    return Object.defineProperty(new Error('deeper'), 'cause', { get: () => endless.cause })
  },
}
const unreadable = Object.defineProperties(new Error('x'), {
  message: { get: throwing },
  name: { get: throwing },
})
const ring = new Error('ring')
ring.cause = ring

describe('whatever is thrown is an error for the code', () => {
  test.each([
    ['text', 'just text', { name: 'Error', message: 'just text' }],
    [
      'nothing',
      undefined,
      { name: 'Error', message: 'The tool threw a value of type undefined, not an error.' },
    ],
    ['null', null, { name: 'Error', message: 'The tool threw null, not an error.' }],
    ['a number', 7, { name: 'Error', message: 'The tool threw a value of type number, not an error.' }],
    [
      'a symbol',
      Symbol('s'),
      { name: 'Error', message: 'The tool threw a value of type symbol, not an error.' },
    ],
    [
      'an object',
      {
        toString: throwing,
        get message() {
          return throwing()
        },
      },
      { name: 'Error', message: 'The tool threw a value of type object, not an error.' },
    ],
    ['a proxy', trap, { name: 'Error', message: 'The tool threw something that cannot be read.' }],
    [
      'an error that cannot be read',
      unreadable,
      { name: 'Error', message: 'The tool threw something that cannot be read.' },
    ],
    [
      'an error with a message that is no text',
      Object.assign(new Error('x'), { message: { deep: 1 } }),
      { name: 'Error', message: 'The tool threw an error whose message is no text.' },
    ],
    ['a frozen error', Object.freeze(new TypeError('cold')), { name: 'TypeError', message: 'cold' }],
    ['an error that is its own cause', ring, { name: 'Error', message: 'ring' }],
    [
      'causes without end',
      Object.defineProperty(new Error('deep'), 'cause', { get: () => endless.cause }),
      { name: 'Error', message: 'deep' },
    ],
    [
      'many errors',
      new AggregateError([new Error('a')], 'all failed'),
      { name: 'AggregateError', message: 'all failed' },
    ],
    [
      'one with a path and a stack (H20)',
      Object.assign(new Error('no /home/ann/.ssh/id_rsa here'), { code: 'ENOENT' }),
      { name: 'Error', message: 'no <path> here' },
    ],
  ])('%s', async (_, thrown, error) => {
    expect(await told(throws(thrown))).toEqual(error)
    expect(await told(async () => throws(thrown)())).toEqual(error)
  })

  test('a message of 50 MB, a name of 1 MB: cut, in the journal too', async () => {
    const store = memoryStore()
    const huge = Object.assign(new Error('m'.repeat(50 * MB)), { name: 'N'.repeat(MB) })
    const got = (await told(throws(huge), { store })) as { name: string; message: string }
    expect(got.name).toHaveLength(100)
    expect(got.message).toMatch(/^m{20000}… \(52428800 characters\)$/)
    const [row] = await store.runs({}, 1)
    expect(JSON.stringify(await journalOf(store, must(row).runId)).length).toBeLessThan(200_000)
  })
})

type Then = (yes: (value: unknown) => void, no: (error: Error) => void) => void

/** What `await` takes for a promise. */
function thenable(then: Then): object {
  return Object.defineProperty({}, 'th' + 'en', { value: then })
}

describe('thenables', () => {
  test.each([
    ['that rejects', thenable((_, no) => no(new Error('no'))), { name: 'Error', message: 'no' }],
    [
      'that calls back twice',
      thenable((yes, no) => {
        yes('first')
        yes('second')
        no(new Error('third'))
      }),
      { value: 'first' },
    ],
    ['that throws', thenable(throwing), { name: 'Error', message: 'trap' }],
    [
      'that throws after it called back',
      thenable((yes) => {
        yes('done')
        throwing()
      }),
      { value: 'done' },
    ],
    ['whose then cannot be read', trap, { name: 'Error', message: 'trap' }],
  ])('one %s', async (_, given, got) => {
    expect(await told(() => given)).toEqual(got)
  })
})

describe('a tool that never comes back', () => {
  const never = plainTool('bad', () => new Promise(() => undefined), { effect: 'read' })
  const script = ['finalAnswer(await bad({}).catch((error) => error.message))']
  const begun = async (events: AsyncIterable<RunEvent>): Promise<void> => {
    for await (const event of events)
      if (event.type === 'entry' && event.entry.kind === 'call-requested') return
  }

  test('and ignores its signal: its timeout is told to the code', async () => {
    const agent = agentOf({ tools: [{ ...never, timeout: 5 }], script })
    expect(output(await agent.run('Try'))).toMatch(/^bad did not return within 5 ms/)
  })

  test('a stop does not wait for it', async () => {
    const run = await agentOf({ tools: [never], script, pauseGrace: 0 }).start('Try')
    await begun(run.events())
    await run.stop()
    rested(await run.result(), 'stopped')
  })

  test('a pause waits for no longer than its grace, and names it', async () => {
    const run = await agentOf({ tools: [never], script, pauseGrace: 0 }).start('Try')
    await begun(run.events())
    await run.pause()
    expect(rested(await run.result(), 'paused').inFlight).toMatchObject([{ tool: 'bad' }])
  })
})

test('a result that comes after the timeout changes nothing', async () => {
  const store = memoryStore()
  const late = deferred<string>()
  const bad = tool({ name: 'bad', description: 'Late', timeout: 5, execute: () => late.promise })
  const agent = agentOf({
    store,
    tools: [bad, plainTool('wait', async () => late.resolve('late'))],
    script: ['const first = await bad({}).catch((e) => e.name)\nawait wait({})\nfinalAnswer(first)'],
  })
  expect(output(await agent.run('Try'))).toBe('ToolError')
  expect(await entriesOf(store, must(agent.runId), 'call-returned')).toHaveLength(2)
})

test('a tool that changes its input: the journal, the approval and the next attempt have what was asked', async () => {
  const store = memoryStore()
  const seen: unknown[] = []
  const given: Given = {
    store,
    tools: [
      tool({
        name: 'bad',
        description: 'Changes its input',
        effect: 'read',
        retry: { attempts: 2, backoff: 1 },
        needsApproval: (input: { list: number[] }) => {
          input.list.push(666)
          return true
        },
        execute: async (input: { list: number[] }) => {
          seen.push([...input.list])
          input.list.length = 0
          if (seen.length === 1) throw new Error('once more')
          return input
        },
      }),
    ],
    script: ['const input = { list: [1] }\nawait bad(input)\nfinalAnswer(input)'],
  }
  const question = onlyQuestion(await agentOf(given).run('Try'))
  expect(question.call?.args).toEqual({ list: [1] })
  const agent = await again(given)
  await agent.answer(question.id, { type: 'approve' })
  expect(output(await goOn(agent))).toEqual({ list: [1] })
  expect(seen).toEqual([[1], [1]])
})

test('a flood of log lines is bounded, and the run ends', async () => {
  const bad = tool({
    name: 'bad',
    description: 'Floods',
    execute: async (_input, { log }) => {
      for (let n = 0; n < 200_000; n++) log('line', { n })
      return 'done'
    },
  })
  let lines = 0
  const agent = agentOf({ tools: [bad], script: ['finalAnswer(await bad({}))'] })
  for await (const event of agent.stream('Try')) if (event.type === 'log') lines++
  expect(output(must(agent.result))).toBe('done')
  expect(lines).toBeLessThanOrEqual(10_001)
})

/** Longer than a thread takes to start on a busy machine. */
const TTL = 3_000

test('a tool that blocks its process for longer than its lease keeps the run', async () => {
  using place = scratch()
  await using store = sqliteStore(place.file)
  let ran = 0
  const agent = agentOf({
    store,
    tools: [
      plainTool('bad', () => {
        ran++
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TTL * 1.5)
        return 'done'
      }),
    ],
    script: ['finalAnswer(await bad({}))'],
  })
  const runId = await createRun(store, agent.definition(), { task: 'Try' })
  const run = new Run({ store, definition: agent.definition(), runId, why: 'start', leaseTtl: TTL })
  expect(output(await run.result())).toBe('done')
  expect(ran).toBe(1)
  expect(await entriesOf(store, runId, 'segment-started')).toHaveLength(1)
})
