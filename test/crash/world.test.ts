/** The world outside: a ledger that is wrong, or forgets, would acquit everybody. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEAD_AFTER, type Asked, type Fault } from './fixtures/ledger.ts'
import { World } from './fixtures/outside.ts'
import { Scene } from './fixtures/scene.ts'

let world: World
beforeAll(() => {
  world = new World()
})
afterAll(async () => world[Symbol.asyncDispose]())

const asked = (scene: Scene, more: Partial<Asked> = {}): Asked => ({
  folder: scene.folder,
  run: 'run',
  tool: 'pay',
  effect: 'once',
  call: '1.1',
  key: 'key',
  attempt: 1,
  digest: '',
  n: 4,
  pid: process.pid,
  ...more,
})

async function send(body: Asked): Promise<unknown> {
  const reply = await fetch(`http://127.0.0.1:${await world.ledger}/effect`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
  return reply.json()
}

/** Whether a reply came. Asked at once: nobody else may see it fail. */
function fateOf(reply: Promise<unknown>): Promise<'answered' | 'lost'> {
  return reply.then(
    () => 'answered',
    () => 'lost',
  )
}

const told = (scene: Scene): readonly string[] =>
  scene.ledger.map(({ what, tool, n }) => `${what} ${tool} ${n}`)

test('an effect is written down when it arrives and when it has happened, and answered', async () => {
  using scene = new Scene()
  expect(await send(asked(scene))).toEqual({ value: 40 })
  expect(told(scene)).toEqual(['arrived pay 4', 'done pay 4'])
  expect(scene.ledger[0]).toMatchObject({ call: '1.1', key: 'key', attempt: 1, effect: 'once', run: 'run' })
})

test('under a known key nothing happens a second time, where the tool is keyed', async () => {
  using scene = new Scene()
  const put = asked(scene, { tool: 'put', effect: 'keyed' })
  expect([await send(put), await send(put)]).toEqual([{ value: 40 }, { value: 40 }])
  expect(told(scene)).toEqual(['arrived put 4', 'done put 4', 'arrived put 4', 'again put 4'])
  await send(asked(scene))
  await send(asked(scene))
  expect(scene.ledger.filter(({ tool, what }) => tool === 'pay' && what === 'done')).toHaveLength(2)
})

test('a held request waits for what it waits for', async () => {
  using scene = new Scene()
  const held = send(asked(scene, { n: 1, after: 'look 2' }))
  await expect.poll(() => told(scene)).toEqual(['arrived pay 1'])
  await send(asked(scene, { tool: 'look', effect: 'read', n: 2 }))
  expect(await held).toEqual({ value: 10 })
  expect(told(scene)).toEqual(['arrived pay 1', 'arrived look 2', 'done look 2', 'done pay 1'])
})

test('a held request whose sender is gone does not happen', async () => {
  using scene = new Scene()
  const gone = new AbortController()
  const reply = fateOf(
    fetch(`http://127.0.0.1:${await world.ledger}/effect`, {
      method: 'POST',
      body: JSON.stringify(asked(scene, { after: 'never 0' })),
      signal: gone.signal,
    }),
  )
  await expect.poll(() => told(scene)).toEqual(['arrived pay 4'])
  gone.abort()
  expect(await reply).toBe('lost')
  await expect.poll(() => told(scene)).toEqual(['arrived pay 4', 'dropped pay 4'])
})

/** Something that can be killed. */
async function victim(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', 'console.log(1); setInterval(() => undefined, 1000)'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout ?? process.stdin, 'data')
  return child
}

describe('faults', () => {
  const fault = async (scene: Scene, does: Fault['does']): Promise<void> =>
    world.fault({ folder: scene.folder, tool: 'pay', n: 4, does })

  test.each([
    ['kill-before', ['arrived pay 4', 'dropped pay 4']],
    ['kill-after', ['arrived pay 4', 'done pay 4']],
  ] as const)('%s: who asked is killed', async (does, lines) => {
    using scene = new Scene()
    const child = await victim()
    const exit = once(child, 'exit')
    await fault(scene, does)
    const gone = new AbortController()
    const reply = fateOf(
      fetch(`http://127.0.0.1:${await world.ledger}/effect`, {
        method: 'POST',
        body: JSON.stringify(asked(scene, { pid: child.pid ?? 0 })),
        signal: gone.signal,
      }),
    )
    expect(await exit).toEqual([null, 'SIGKILL'])
    gone.abort()
    expect(await reply).toBe('lost')
    await expect.poll(() => told(scene)).toEqual(lines)
  })

  test('drop: it happens, and the reply does not come; the next one is answered', async () => {
    using scene = new Scene()
    await fault(scene, 'drop')
    expect(await fateOf(send(asked(scene)))).toBe('lost')
    expect(await send(asked(scene))).toEqual({ value: 40 })
    expect(told(scene)).toEqual(['arrived pay 4', 'done pay 4', 'arrived pay 4', 'done pay 4'])
  })

  test('twice: the reply comes twice, on one connection', async () => {
    using scene = new Scene()
    await fault(scene, 'twice')
    const socket = connect(await world.ledger, '127.0.0.1')
    const body = JSON.stringify(asked(scene))
    socket.write(`POST /effect HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    let text = ''
    socket.setEncoding('utf8').on('data', (more: string) => (text += more))
    await expect.poll(() => text.match(/"value":40/g)?.length).toBe(2)
    socket.destroy()
    expect(told(scene)).toEqual(['arrived pay 4', 'done pay 4'])
  })

  test('delay: the effect comes later', async () => {
    using scene = new Scene()
    await fault(scene, 'delay')
    const began = performance.now()
    await send(asked(scene))
    expect(performance.now() - began).toBeGreaterThan(200)
  })

  test('die: the ledger is gone, and what happened is written down', async () => {
    using scene = new Scene()
    await using other = new World()
    await other.fault({ folder: scene.folder, tool: 'pay', n: 4, does: 'die' })
    const reply = fetch(`http://127.0.0.1:${await other.ledger}/effect`, {
      method: 'POST',
      body: JSON.stringify(asked(scene)),
    })
    expect(await fateOf(reply)).toBe('lost')
    expect(told(scene)).toEqual(['arrived pay 4', 'done pay 4'])
    expect(await other.ledgerEnded).toBe(DEAD_AFTER)
  })
})

test('the model’s server answers by the script, and counts', async () => {
  using scene = new Scene()
  const ask = async (replies: number) =>
    fetch(`http://127.0.0.1:${await world.model}/reply`, {
      method: 'POST',
      body: JSON.stringify({
        folder: scene.folder,
        program: 'serial',
        run: 'run',
        agent: 'agent',
        replies,
        characters: 8,
      }),
    })
  expect(await (await ask(1)).json()).toMatchObject({ code: expect.stringContaining('finalAnswer(sum)') })
  expect((await ask(2)).status).toBe(404)
  expect(scene.model.map(({ turn, tokens, run }) => [turn, tokens, run])).toEqual([
    [2, 2, 'run'],
    [3, 2, 'run'],
  ])
})
