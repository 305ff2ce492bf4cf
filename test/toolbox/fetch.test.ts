/** The public network and nothing else (H34, H35), against a server of this machine that is let in by name. */
import type { lookup } from 'node:dns'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { fetchTool, type FetchOptions } from '../../src/toolbox.ts'
import { isPublic, publicLookup } from '../../src/toolbox/addresses.ts'
import { call } from './call.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void

async function served(
  handler: Handler,
): Promise<{ place: string; seen: IncomingMessage[]; [Symbol.asyncDispose](): Promise<void> }> {
  const seen: IncomingMessage[] = []
  const server = createServer((request, response) => {
    seen.push(request)
    handler(request, response)
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

const get = (input: unknown, options: FetchOptions = {}): Promise<unknown> => call(fetchTool(options), input)

describe('what it gives', () => {
  test('JSON parsed, text as text, bytes as bytes, and the status', async () => {
    await using server = await served((request, response) => {
      const [type, body] = {
        '/json': ['application/problem+json', '{"a":[1]}'],
        '/text': ['text/html', '<p>é'],
        '/bytes': ['image/png', Buffer.from([137, 80, 0])],
      }[request.url ?? ''] ?? ['text/plain', 'no']
      response.writeHead(body === 'no' ? 404 : 200, { 'content-type': type as string }).end(body)
    })
    const options = { internal: [server.place] }
    expect(await get(`http://${server.place}/json`, options)).toMatchObject({
      status: 200,
      ok: true,
      body: { a: [1] },
    })
    expect(await get(`http://${server.place}/text`, options)).toMatchObject({ body: '<p>é' })
    expect(await get(`http://${server.place}/bytes`, options)).toMatchObject({
      body: Uint8Array.of(137, 80, 0),
    })
    expect(await get({ url: `http://${server.place}/else` }, options)).toMatchObject({
      status: 404,
      ok: false,
      body: 'no',
    })
  })
})

describe('H34: addresses that are not the public’s', () => {
  test.each([
    'http://2130706433/',
    'http://0x7f.1/',
    'http://127.1/',
    'http://①②⑦.⓪.⓪.①/',
    'http://0/',
    'http://[::1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::7f00:1]/',
    'http://[fd00::1]/',
    'http://[fe80::1]/',
    'http://169.254.169.254/latest/meta-data',
    'http://100.64.0.1/',
    'http://10.0.0.1/',
    'http:\\\\127.0.0.1\\x',
  ])('%s', async (url) => {
    await expect(get(url)).rejects.toThrow('is not an address of the public network')
  })

  test.each(['http://localhost/', 'http://localhost./', 'http://LOCALHOST:9/'])(
    '%s, by its name',
    async (url) => {
      await expect(get(url)).rejects.toThrow('is not an address of the public network')
    },
  )

  test.each(['http://a@127.0.0.1/', 'http://a:b@example.com/'])('%s has a user in it', async (url) => {
    await expect(get(url)).rejects.toThrow('with a user or a password')
  })

  test.each([
    'file:///etc/passwd',
    'data:text/plain,x',
    'gopher://x/',
    'ftp://x/',
    'javascript:1',
    'nonsense',
  ])('%s is neither http nor https', async (url) => {
    await expect(get(url)).rejects.toMatchObject({ name: 'ToolError' })
  })

  test('the public ones are', () => {
    expect(['1.1.1.1', '8.8.8.8', '2606:4700::1111'].map(isPublic)).toEqual([true, true, true])
    expect(['192.0.0.8', '198.18.0.1', '255.255.255.255', '2002:7f00:1::', '::', 'x'].map(isPublic)).toEqual(
      Array.from({ length: 6 }, () => false),
    )
  })
})

describe('H35: what changes on the way', () => {
  test('a redirect to an address of the machine', async () => {
    await using inner = await served((_request, response) => response.end('metadata'))
    await using server = await served((_request, response) =>
      response.writeHead(302, { location: `http://${inner.place}/latest` }).end(),
    )
    await expect(get(`http://${server.place}/`, { internal: [server.place] })).rejects.toThrow(
      'public network',
    )
    expect(inner.seen).toEqual([])
  })

  test('a name that stands for two addresses, of which one is closed', async () => {
    const both = [
      { address: '93.184.216.34', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ]
    const looked = (found: typeof both, all: boolean): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const resolver = ((_host: string, _options: unknown, done: (error: null, found: unknown) => void) =>
          done(null, found)) as unknown as typeof lookup
        publicLookup(resolver)('rebind.test', { all }, (error, address) =>
          error === null ? resolve(address) : reject(error),
        )
      })
    for (const all of [true, false]) {
      await expect(looked(both, all)).rejects.toThrow('rebind.test is not an address of the public network')
      await expect(looked([], all)).rejects.toThrow('public network')
    }
    expect(await looked(both.slice(0, 1), false)).toBe('93.184.216.34')
    expect(await looked(both.slice(0, 1), true)).toEqual(both.slice(0, 1))
  })

  test('too many redirects, and a redirect of what was to be sent', async () => {
    await using server = await served((request, response) =>
      response
        .writeHead(request.method === 'POST' ? 307 : 302, {
          location: request.method === 'POST' ? 'http://example.com/' : '/again',
        })
        .end(),
    )
    const options: FetchOptions = { internal: [server.place], methods: ['POST'] }
    await expect(get(`http://${server.place}/`, options)).rejects.toThrow('More than 5 redirects')
    expect(server.seen).toHaveLength(6)
    await expect(get({ url: `http://${server.place}/`, method: 'POST', body: 'x' }, options)).rejects.toThrow(
      'it is not sent there',
    )
  })

  test('what was meant for one site does not go to another', async () => {
    await using other = await served((request, response) => response.end(JSON.stringify(request.headers)))
    await using server = await served((_request, response) =>
      response.writeHead(302, { location: `http://${other.place}/` }).end(),
    )
    const options = { internal: [server.place, other.place] }
    const asked = { url: `http://${server.place}/`, headers: { authorization: 'Bearer hush', cookie: 'a=b' } }
    expect(await get(asked, options)).toMatchObject({ status: 200 })
    expect(server.seen[0]?.headers.authorization).toBe('Bearer hush')
    expect(other.seen[0]?.headers).not.toHaveProperty('authorization')
    expect(other.seen[0]?.headers).not.toHaveProperty('cookie')
  })

  test('a bomb, and a body without an end', async () => {
    await using server = await served((request, response) => {
      if (request.url === '/bomb') {
        response.writeHead(200, { 'content-encoding': 'gzip', 'content-type': 'text/plain' })
        return response.end(gzipSync(Buffer.alloc(50_000_000)))
      }
      const flood = (): void => {
        while (response.write(Buffer.alloc(64 * 1024)));
        response.once('drain', flood)
      }
      return flood()
    })
    const options = { internal: [server.place], maxBytes: 1_000_000 }
    await expect(get(`http://${server.place}/bomb`, options)).rejects.toThrow('more than 1000000 bytes')
    await expect(get(`http://${server.place}/flood`, options)).rejects.toThrow('more than 1000000 bytes')
  })

  test('a server that says nothing', async () => {
    await using server = await served(() => undefined)
    await expect(get(`http://${server.place}/`, { internal: [server.place], timeout: 100 })).rejects.toThrow(
      'took longer than 0.1 s',
    )
  })

  test('a port that was not let in, and a host that is not on the list', async () => {
    await using server = await served((_request, response) => response.end('x'))
    await expect(get('http://127.0.0.1:1/', { internal: [server.place] })).rejects.toThrow('public network')
    await expect(get('http://example.com/', { hosts: ['api.example.com', '*.example.org'] })).rejects.toThrow(
      'is not among the hosts',
    )
  })

  test('headers that belong to the connection are not the code’s to set', async () => {
    await using server = await served((request, response) => response.end(JSON.stringify(request.headers)))
    const headers = { Host: 'evil.test', 'Transfer-Encoding': 'chunked', 'x-mine': '1' }
    await get({ url: `http://${server.place}/`, headers }, { internal: [server.place] })
    expect(server.seen[0]?.headers).toMatchObject({ host: server.place, 'x-mine': '1' })
    await expect(
      get(
        { url: `http://${server.place}/`, headers: { 'x-a': 'b\r\nx-evil: 1' } },
        { internal: [server.place] },
      ),
    ).rejects.toThrow('The request failed')
  })
})

test('what is sent is approved by a person, and happens once', () => {
  const tool = fetchTool({ methods: ['POST'] })
  const judge = tool.needsApproval as (input: unknown) => unknown
  expect(tool.effect).toBe('once')
  expect(judge({ url: 'https://a.test/', method: 'POST', body: '{}' })).toEqual({
    required: true,
    message: 'Send POST to https://a.test/?\n{}',
  })
  expect(judge('https://a.test/')).toMatchObject({ required: false })
  expect(fetchTool().effect).toBe('read')
})
