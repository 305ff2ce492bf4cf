/** Secrets in requests: to whom they go, in which part, and what becomes of them on a redirect (F3). */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { memoryStore, secret, UsageError } from '../../src/index.ts'
import { fetchTool, type FetchOptions } from '../../src/toolbox.ts'
import { agentOf, output } from '../e2e/fixtures/bench.ts'
import { call } from './call.ts'

const TOKEN = 'ghp_S3cr3t/Tok+en='
const OTHER = 'another-secret'

interface Server extends AsyncDisposable {
  readonly place: string
  readonly seen: {
    readonly url: string
    readonly headers: IncomingMessage['headers']
    readonly body: string
  }[]
}

/** Echoes what it was sent; `/to?<address>` leads there, `/bounce?<place>` tells that place what it was sent. */
async function echoing(): Promise<Server> {
  const seen: Server['seen'] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (text: string) => (body += text))
    request.on('end', () => {
      const { url = '', headers } = request
      seen.push({ url, headers, body })
      const bounce = /^\/bounce\?(.*)$/.exec(url)?.[1]
      const told = encodeURIComponent(headers.authorization ?? '')
      const to = bounce === undefined ? /^\/to\?(.*)$/.exec(url)?.[1] : `http://${bounce}/?told=${told}`
      if (to !== undefined) response.writeHead(302, { location: to }).end()
      else response.setHeader('content-type', 'application/json').end(JSON.stringify({ url, headers, body }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    place: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const get = (input: unknown, options: FetchOptions): Promise<unknown> =>
  call(fetchTool(options), input, { secrets: { TOKEN, OTHER } })

const bearer = { authorization: `Bearer ${TOKEN}` }
const local = { hosts: ['127.0.0.1'] }

describe("the author's headers", () => {
  test('have the values of their references, and take the place of what the code gave', async () => {
    await using server = await echoing()
    const options: FetchOptions = {
      ...local,
      internal: [server.place],
      headers: { Authorization: `Bearer ${secret('TOKEN')}`, 'x-client': 'me' },
    }
    await get({ url: `http://${server.place}/`, headers: { AUTHORIZATION: 'mine', 'X-More': '1' } }, options)
    expect(server.seen[0]?.headers).toMatchObject({ ...bearer, 'x-client': 'me', 'x-more': '1' })
  })

  test('do not follow to another site', async () => {
    await using server = await echoing()
    await using other = await echoing()
    const options: FetchOptions = {
      ...local,
      internal: [server.place, other.place],
      headers: { authorization: secret('TOKEN') },
    }
    await get(`http://${server.place}/to?http://${other.place}/`, options)
    expect(server.seen[0]?.headers.authorization).toBe(TOKEN)
    expect(other.seen[0]?.headers).not.toHaveProperty('authorization')
  })

  test('with a secret need hosts; a secret that is not there is named', async () => {
    expect(() => fetchTool({ headers: { authorization: secret('TOKEN') } })).toThrow(UsageError)
    await expect(
      get('https://a.test/', { hosts: ['a.test'], headers: { authorization: secret('NONE') } }),
    ).rejects.toThrow('There is no secret NONE')
  })
})

describe("in the code's request", () => {
  test('a header may hold it, for a host that may have it', async () => {
    await using server = await echoing()
    const options: FetchOptions = { internal: [server.place], secrets: { TOKEN: local } }
    await get({ url: `http://${server.place}/`, headers: bearer }, options)
    expect(server.seen[0]?.headers).toMatchObject(bearer)
  })

  test.each([
    [
      'another host',
      { url: 'http://PLACE/', headers: bearer },
      { hosts: ['api.github.com'] },
      'is not for http://127',
    ],
    [
      'a host that only ends like it',
      { url: 'https://evil-a.test/', headers: bearer },
      { hosts: ['*.a.test'] },
      'is not for https://evil-a.test',
    ],
    [
      'http, where everybody reads along',
      { url: 'http://a.test/', headers: bearer },
      { hosts: ['a.test'] },
      'is not for http://a.test',
    ],
    ['the address', { url: `http://PLACE/?key=${TOKEN}` }, local, 'may not stand in the url'],
    [
      'the address, escaped',
      { url: `http://PLACE/${encodeURIComponent(TOKEN)}` },
      local,
      'may not stand in the url',
    ],
    [
      'the body',
      { url: 'http://PLACE/', method: 'POST', body: `{"key":"${TOKEN}"}` },
      local,
      'may not stand in the body',
    ],
    [
      'the header, where it may stand in the body alone',
      { url: 'http://PLACE/', headers: bearer },
      { ...local, in: ['body'] as const },
      'may not stand in the headers',
    ],
  ])('%s is refused, and nothing is sent', async (_, asked, rule, message) => {
    await using server = await echoing()
    const options: FetchOptions = { internal: [server.place], methods: ['POST'], secrets: { TOKEN: rule } }
    const error = await get({ ...asked, url: asked.url.replace('PLACE', server.place) }, options).catch(
      String,
    )
    expect(error).toContain(message)
    expect(error).not.toContain(TOKEN)
    expect(server.seen).toEqual([])
  })

  test('the address and the body may hold it where the author says so', async () => {
    await using server = await echoing()
    const options: FetchOptions = {
      internal: [server.place],
      methods: ['POST'],
      secrets: { TOKEN: { ...local, in: ['url', 'body'] } },
    }
    await get({ url: `http://${server.place}/?key=${TOKEN}&a=1`, method: 'POST', body: TOKEN }, options)
    expect(new URL(`http://a${server.seen[0]?.url}`).searchParams.get('key')).toBe(TOKEN)
    expect(server.seen[0]?.body).toBe(TOKEN)
  })

  test('two secrets: each for its own', async () => {
    await using server = await echoing()
    const options: FetchOptions = {
      internal: [server.place],
      secrets: { TOKEN: local, OTHER: { hosts: ['b.test'] } },
    }
    const both = { ...bearer, 'x-other': OTHER }
    await expect(get({ url: `http://${server.place}/`, headers: both }, options)).rejects.toThrow(
      'The secret OTHER is not for',
    )
    await get({ url: `http://${server.place}/`, headers: bearer }, options)
    expect(server.seen).toHaveLength(1)
  })

  test('a site that puts it into the address of another one: not followed', async () => {
    await using server = await echoing()
    await using other = await echoing()
    const options: FetchOptions = { internal: [server.place, other.place], secrets: { TOKEN: local } }
    const asked = { url: `http://${server.place}/bounce?${other.place}`, headers: bearer }
    await expect(get(asked, options)).rejects.toThrow('The secret TOKEN may not stand in the url')
    expect([server.seen.length, other.seen.length]).toEqual([1, 0])
  })

  test('rules without hosts are refused when the tool is made', () => {
    expect(() => fetchTool({ secrets: { TOKEN: { hosts: [] } } })).toThrow(UsageError)
  })
})

test('a whole run: the code writes the reference, the site gets the value, its echo comes back without', async () => {
  await using server = await echoing()
  const agent = agentOf({
    store: memoryStore(),
    secrets: { TOKEN },
    tools: [fetchTool({ internal: [server.place], secrets: { TOKEN: local } })],
    script: [
      `const { body } = await fetch({ url: 'http://${server.place}/', headers: { authorization: 'Bearer ' + secret('TOKEN') } })
       finalAnswer(body.headers.authorization)`,
    ],
  })
  expect(output(await agent.run('Fetch'))).toBe('Bearer [secret:TOKEN]')
  expect(server.seen[0]?.headers).toMatchObject(bearer)
})
