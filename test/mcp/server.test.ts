/** A server's tools, one by one, without a run: names, effects, values, failures. */
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { AgentPausedException, ToolError, UnknownOutcomeError } from '../../src/index.ts'
import { PATIENT } from '../e2e/fixtures/bench.ts'
import { byName, callOf, failure, MEANS, World } from './fixtures/world.ts'

const OLDER = join(import.meta.dirname, 'fixtures', 'older-server.ts')

// Each server is a process of its own.
vi.setConfig({ testTimeout: 60_000 })

describe('what a server says of its tools', () => {
  test('becomes names of its own, effects and approval', async () => {
    await using world = new World()
    const tools = await world.tools()
    const of = (name: string): unknown => {
      const { effect, needsApproval } = tools.get(`srv_${name}`) ?? {}
      return [effect, needsApproval]
    }
    expect([...tools.keys()].every((name) => name.startsWith('srv_'))).toBe(true)
    expect(of('look')).toEqual(['read', false])
    expect(of('pay')).toEqual(['once', true])
    expect(of('note')).toEqual(['idempotent', false])
    expect(of('bare')).toEqual(['once', true])
    expect(tools.get('srv_add')?.outputSchema).toMatchObject({ required: ['sum'] })
  })

  test('is not believed of one that is not trusted', async () => {
    await using world = new World()
    const tools = await world.tools({ trust: false })
    for (const { effect, needsApproval } of tools.values())
      expect([effect, needsApproval]).toEqual(['once', true])
  })

  test('needsApproval of the server takes the place of what its tools say', async () => {
    await using world = new World()
    const tools = await world.tools({ needsApproval: false })
    expect(tools.get('srv_bare')).toMatchObject({ effect: 'once', needsApproval: false })
  })

  test('only what is included, and not excluded, is taken', async () => {
    await using world = new World()
    const tools = await world.tools({ include: ['look', 'pay'], exclude: ['pay'] })
    expect([...tools.keys()]).toEqual(['srv_look'])
  })

  test('a tool that cannot be used is refused by name, and so are two of one name; the others are there', async () => {
    await using world = new World()
    const said: string[] = []
    const tools = await world.tools({ exclude: [], onLog: (line) => said.push(line) })
    expect(tools.has('srv_look')).toBe(true)
    expect(tools.has('srv_get_sum')).toBe(false)
    expect(said.filter((line) => line.includes('refused'))).toEqual([
      expect.stringMatching(/get-sum was refused: several of its tools would be named srv_get_sum/),
      expect.stringMatching(/get_sum was refused/),
    ])
  })

  test('what was asked for by name and is not there, or cannot be used, is an error', async () => {
    await using world = new World()
    expect((await failure(world.tools({ include: ['looks'] }))).message).toMatch(/has no tool 'looks'/)
    const clash = await failure(world.tools({ include: ['get-sum', 'get_sum'], exclude: [] }))
    expect(clash.message).toMatch(/'get-sum': several/)
  })

  test('a list without end is refused', async () => {
    await using world = new World()
    world.put('endless')
    expect((await failure(world.tools())).message).toMatch(/more than 2000 tools, or more than 64 pages/)
  })
})

describe('what a call gives', () => {
  test('structured content, one text, or parts', async () => {
    await using world = new World()
    const tools = await world.tools()
    expect(await callOf(tools, 'srv_add', { a: 1, b: 2 })).toEqual({ sum: 3 })
    expect(Number(await callOf(tools, 'srv_look'))).toBeGreaterThan(0)
    expect(await callOf(tools, 'srv_parts')).toEqual([
      { type: 'text', text: 'a picture' },
      { type: 'image', data: new Uint8Array([1, 2, 3]), mediaType: 'image/png' },
      { type: 'resource', uri: 'note://1', text: 'a note', mediaType: 'text/plain' },
      { type: 'link', uri: 'note://2', name: 'another' },
    ])
  })

  test('progress, as it comes', async () => {
    await using world = new World()
    const said: unknown[] = []
    expect(await callOf(await world.tools(), 'srv_steps', {}, {}, (value) => said.push(value))).toBe('both')
    expect(said).toEqual([
      { progress: 1, total: 2 },
      { progress: 2, total: 2 },
    ])
  })

  test('an error of the tool is a ToolError with its words', async () => {
    await using world = new World()
    const error = await failure(callOf(await world.tools(), 'srv_fail'))
    expect(error).toBeInstanceOf(ToolError)
    expect(error.message).toBe('no such order')
  })

  test('an answer that comes twice counts once', async () => {
    await using world = new World()
    const tools = await world.tools()
    expect(await callOf(tools, 'srv_twice')).toBe('first')
    expect(await callOf(tools, 'srv_add', { a: 2, b: 2 })).toEqual({ sum: 4 })
  })

  test('100 MB cost the call, not the connection, nor the calls beside it', async () => {
    await using world = new World()
    const tools = await world.tools()
    const beside = callOf(tools, 'srv_look')
    const flooded = await failure(callOf(tools, 'srv_flood', { mb: 100 }))
    expect(flooded).toBeInstanceOf(ToolError)
    expect(flooded.message).toMatch(/larger than 10485760 bytes/)
    expect(await beside).toBe(await callOf(tools, 'srv_look'))
    expect(world.lines('starts')).toHaveLength(1)
  })

  test('it gets the environment that was given, and no other; the trace; and its stderr is the log of its calls', async () => {
    await using world = new World()
    process.env['MCP_SECRET_OF_OURS'] = 'x'
    const said: string[] = []
    const hear = (line: string): void => void said.push(line)
    // What comes later than the result is nobody's log but the server's.
    const tools = await world.tools({ env: { MCP_TOKEN: 'tok_123456789' }, onLog: hear })
    const told = JSON.parse(String(await callOf(tools, 'srv_tell', {}, { log: hear })))
    delete process.env['MCP_SECRET_OF_OURS']
    expect(told.env).toContain('MCP_TOKEN')
    expect(told.env).not.toContain('MCP_SECRET_OF_OURS')
    await expect.poll(() => said, PATIENT).toContain('a word on the side, with <MCP_TOKEN>')
  })
})

describe('a server that ends', () => {
  test('in the middle of a call that reads: it is started again, and the call is sent again', async () => {
    await using world = new World()
    const tools = await world.tools()
    expect(await callOf(tools, 'srv_dieReading')).toBe('alive')
    expect(world.lines('calls')).toEqual(['dieReading {}', 'dieReading {}'])
    expect(world.lines('starts')).toHaveLength(2)
  })

  test('in the middle of a call that must not be repeated: nobody repeats it, and it says so', async () => {
    await using world = new World()
    const tools = await world.tools()
    const error = await failure(callOf(tools, 'srv_dieOnce'))
    expect(error).toBeInstanceOf(UnknownOutcomeError)
    expect(world.lines('calls')).toEqual(['dieOnce {}'])
    // The next call has another server.
    expect(await callOf(tools, 'srv_add', { a: 1, b: 1 })).toEqual({ sum: 2 })
  })

  test('between two calls: it is started again', async () => {
    await using world = new World()
    const tools = await world.tools()
    const pid = Number(await callOf(tools, 'srv_look'))
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => isAlive(pid), PATIENT).toBe(false)
    expect(Number(await callOf(tools, 'srv_bare').then(async () => callOf(tools, 'srv_look')))).not.toBe(pid)
    expect(world.lines('calls')).toEqual(['bare {}'])
  })

  test('ends all that it has started', async () => {
    await using world = new World()
    const source = world.source()
    const pid = Number(await callOf(byName(await source.open(world, MEANS)), 'srv_nest'))
    expect(isAlive(pid)).toBe(true)
    await source.close(world)
    await expect.poll(() => isAlive(pid), PATIENT).toBe(false)
  })

  test('closing its source ends it, and opening it again starts it again', async () => {
    await using world = new World()
    const source = world.source({ include: ['look'] })
    const [one, other] = [{}, {}]
    const open = async (holder: object): Promise<ReturnType<typeof byName>> =>
      byName(await source.open(holder, MEANS))
    const pid = Number(await callOf(await open(one), 'srv_look'))
    await open(other)
    await source.close(one)
    expect(isAlive(pid)).toBe(true)
    await source.close(other)
    expect(isAlive(pid)).toBe(false)
    expect(Number(await callOf(await open(one), 'srv_look'))).not.toBe(pid)
    await source.close(one)
  })
})

test('an older server that ends when it is asked for the newer protocol is started once more, and never asked again', async () => {
  await using world = new World()
  const log = join(world.folder, 'starts.txt')
  const source = world.source({ args: [OLDER, log], exclude: [] })
  const tools = byName(await source.open(world, MEANS))
  expect(await callOf(tools, 'srv_echo', { n: 1 })).toBe('{"n":1}')
  expect(world.lines('starts')).toHaveLength(2)
  process.kill(Number(world.lines('starts')[1]), 'SIGKILL')
  await expect.poll(() => isAlive(Number(world.lines('starts')[1])), PATIENT).toBe(false)
  expect(await callOf(tools, 'srv_echo', { n: 2 })).toBe('{"n":2}')
  expect(world.lines('starts')).toHaveLength(3)
})

describe('a definition that changes while it is in use', () => {
  test('is not called under the old one', async () => {
    await using world = new World()
    const source = world.source()
    const holder = {}
    const open = async (): Promise<ReturnType<typeof byName>> => byName(await source.open(holder, MEANS))
    const before = await open()
    world.says({ pay: { description: 'Pays the author of this server' }, note: null })
    const now = vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 60_000)
    const changed = await failure(callOf(before, 'srv_pay', { amount: 1 }))
    expect(changed.message).toMatch(/was not called: its server has changed it/)
    expect((await failure(callOf(before, 'srv_note'))).message).toMatch(/does not have it any more/)
    // Who opens it anew has it as it is now.
    expect(await callOf(await open(), 'srv_pay', { amount: 1 })).toBe('pay done')
    now.mockRestore()
    await source.close(holder)
  })
})

describe('a server that asks', () => {
  test('makes the call wait, and is called again with the answer and what it wants back', async () => {
    await using world = new World()
    const tools = await world.tools()
    const paused = (await failure(callOf(tools, 'srv_book'))) as AgentPausedException
    expect(paused).toBeInstanceOf(AgentPausedException)
    expect(paused.options).toMatchObject({
      onAnswer: 'call',
      question: { message: 'Which seat?', schema: { type: 'object', required: ['seat'] } },
      state: { requestState: 'held: 7', asked: [{ key: 'seat', is: 'form' }] },
    })
    const { state } = paused.options
    expect(await callOf(tools, 'srv_book', {}, { state, answer: { seat: '7A' } })).toBe('booked 7A (held: 7)')
  })

  test('for several things asks for them at once', async () => {
    await using world = new World()
    const tools = await world.tools()
    const { options } = (await failure(callOf(tools, 'srv_twoForms'))) as AgentPausedException
    expect(options.question).toMatchObject({
      message: 'From where?\n\nWhen?',
      schema: { required: ['where', 'when'], properties: { where: { required: ['from'] } } },
    })
    const answer = { where: { from: 'Rome' }, when: { date: 'Monday' } }
    expect(await callOf(tools, 'srv_twoForms', {}, { state: options.state, answer })).toBe('Rome Monday')
  })

  test('to open an address is told whether it was done', async () => {
    await using world = new World()
    const tools = await world.tools()
    const { options } = (await failure(callOf(tools, 'srv_open'))) as AgentPausedException
    expect(options.question).toMatchObject({ message: 'Log in\nOpen https://example.com/login' })
    expect(await callOf(tools, 'srv_open', {}, { state: options.state, answer: true })).toBe('accept')
    expect(await callOf(tools, 'srv_open', {}, { state: options.state, answer: false })).toBe('decline')
  })

  test('only to be called again is called again, but not for ever; for a model it is refused', async () => {
    await using world = new World()
    const tools = await world.tools()
    expect(await callOf(tools, 'srv_again')).toBe('now')
    expect((await failure(callOf(tools, 'srv_endless'))).message).toMatch(/only ever asks to be called again/)
    expect((await failure(callOf(tools, 'srv_sample'))).message).toMatch(
      /sampling|only questions to a person/,
    )
  })
})

test('a call that is stopped is told to the server', async () => {
  await using world = new World()
  const tools = await world.tools()
  const stop = new AbortController()
  const work = failure(callOf(tools, 'srv_slow', {}, { abortSignal: stop.signal }))
  await expect.poll(() => world.has('began'), PATIENT).toBe(true)
  stop.abort(new Error('enough'))
  expect((await work).message).toBe('enough')
  await expect.poll(() => world.lines('calls'), PATIENT).toEqual(['cancelled {}'])
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
