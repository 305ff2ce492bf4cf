/** The same server over HTTP: calls, questions, and what becomes of answers that do not come. */
import { expect, test, vi } from 'vitest'
import { ToolError, UnknownOutcomeError, UsageError, type AgentPausedException } from '../../src/index.ts'
import { watchedFetch } from '../../src/mcp/http.ts'
import { PATIENT } from '../e2e/fixtures/bench.ts'
import { byName, callOf, failure, MEANS, World } from './fixtures/world.ts'

vi.setConfig({ testTimeout: 60_000 })

test('its tools are called, and its questions answered', async () => {
  await using world = new World()
  const tools = byName(await (await world.served()).open(world, MEANS))
  expect(await callOf(tools, 'srv_add', { a: 2, b: 3 })).toEqual({ sum: 5 })
  expect((await failure(callOf(tools, 'srv_fail'))).message).toBe('no such order')
  const { options } = (await failure(callOf(tools, 'srv_book'))) as AgentPausedException
  const { state } = options
  expect(await callOf(tools, 'srv_book', {}, { state, answer: { seat: '2B' } })).toBe('booked 2B (held: 7)')
})

test('headers are sent, also those of a function; they and what the address holds stand in no error', async () => {
  await using world = new World()
  const env = { MCP_TOKEN: 'tok_987654321' }
  const source = await world.served({ headers: async () => ({ authorization: 'Bearer tok_987654321' }) }, env)
  expect(await callOf(byName(await source.open(world, MEANS)), 'srv_add', { a: 1, b: 1 })).toEqual({ sum: 2 })
  await using other = new World()
  const wrong = await other.served({ headers: { authorization: 'Bearer tok_000000000' } }, env)
  const error = await failure(wrong.open(other, MEANS))
  expect(error).toBeInstanceOf(UsageError)
  expect(error.message).toMatch(/could not be reached at http:.*\/mcp: .*403/)
  expect(error.message).not.toMatch(/tok_|sesame/)
})

test('an answer that breaks off: what reads is sent again, what must not be repeated is not', async () => {
  await using world = new World()
  const tools = byName(await (await world.served()).open(world, MEANS))
  world.put('break-off')
  expect(Number(await callOf(tools, 'srv_look'))).toBeGreaterThan(0)
  world.put('break-off')
  expect(await failure(callOf(tools, 'srv_pay', { amount: 3 }))).toBeInstanceOf(UnknownOutcomeError)
  expect(world.lines('calls')).toEqual(['pay {"amount":3}'])
})

test('an answer that breaks off costs no other call', async () => {
  await using world = new World()
  const tools = byName(await (await world.served()).open(world, MEANS))
  const slow = callOf(tools, 'srv_wait')
  await expect.poll(() => world.has('began'), PATIENT).toBe(true)
  world.put('break-off')
  expect(await failure(callOf(tools, 'srv_pay', { amount: 3 }))).toBeInstanceOf(UnknownOutcomeError)
  world.put('go')
  expect(await slow).toBe('at last')
})

test("the author's headers go to the server and to nobody that it names", async () => {
  const sent = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('{}'))
  const headers = async (): Promise<Record<string, string>> => ({ 'x-api-key': 'of the server' })
  const watched = watchedFetch({ origin: 'https://mcp.example', maxBytes: 100, headers })
  await watched('https://mcp.example/mcp', { method: 'POST' })
  await watched('https://login.example/token', { method: 'POST' })
  await watched('http://mcp.example/mcp', { method: 'POST' })
  const keys = sent.mock.calls.map(([, init]) => new Headers(init?.headers).get('x-api-key'))
  sent.mockRestore()
  expect(keys).toEqual(['of the server', null, null])
})

test('headers that cannot be had: nothing was sent, and nobody is in doubt', async () => {
  await using world = new World()
  let isThere = true
  const headers = async (): Promise<Record<string, string>> => {
    if (!isThere) throw new Error('no token today')
    return {}
  }
  const tools = byName(await (await world.served({ headers })).open(world, MEANS))
  isThere = false
  const error = await failure(callOf(tools, 'srv_pay', { amount: 3 }))
  expect(error).toBeInstanceOf(ToolError)
  expect(error.message).toMatch(/no token today/)
})

test('a server that ends in mid-call: the outcome is unknown; one that is not there was not called', async () => {
  await using world = new World()
  const tools = byName(await (await world.served()).open(world, MEANS))
  expect(await failure(callOf(tools, 'srv_dieOnce'))).toBeInstanceOf(UnknownOutcomeError)
  const gone = await failure(callOf(tools, 'srv_pay', { amount: 3 }))
  expect(gone).toBeInstanceOf(ToolError)
  // A process that ends may still reset who comes.
  expect(gone.message).toMatch(/was not called.*ECONN(?:REFUSED|RESET)/)
  expect(world.lines('calls')).toEqual(['dieOnce {}'])
})

test('100 MB cost the call alone', async () => {
  await using world = new World()
  const tools = byName(await (await world.served()).open(world, MEANS))
  const flooded = await failure(callOf(tools, 'srv_flood', { mb: 100 }))
  expect(flooded).toBeInstanceOf(ToolError)
  expect(flooded.message).toMatch(/larger than 10485760 bytes/)
  expect(await callOf(tools, 'srv_add', { a: 1, b: 1 })).toEqual({ sum: 2 })
})

test('an address where nobody listens is named', async () => {
  await using world = new World()
  const source = await world.served()
  await world.stopServing()
  expect((await failure(source.open(world, MEANS))).message).toMatch(
    /The MCP server 'srv' could not be reached at http:\/\/127\.0\.0\.1:\d+\/mcp: .*ECONNREFUSED/,
  )
})
