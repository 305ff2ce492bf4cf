/** The reference servers, as they are published: another implementation, of the protocol of 2025-11-25. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { memoryStore, PersistentCodeAgent, ToolError } from '../../src/index.ts'
import { mcpServer, type ToolSource } from '../../src/mcp.ts'
import { scriptedModel } from '../../src/testing.ts'
import { goOn, onlyQuestion, output } from '../e2e/fixtures/bench.ts'
import { byName, callOf, failure, MEANS, reference } from './fixtures/world.ts'

vi.setConfig({ testTimeout: 60_000 })

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-files-')))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return typeof address === 'object' && address !== null ? address.port : 0
}

async function everythingOverHttp(): Promise<{ readonly source: ToolSource; end(): void }> {
  const port = await freePort()
  const env = { PATH: process.env['PATH'], PORT: String(port) }
  const child = spawn(process.execPath, [reference('everything'), 'streamableHttp'], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await once(child.stderr, 'data')
  return {
    source: mcpServer({ name: 'everything', url: `http://127.0.0.1:${port}/mcp` }),
    end: () => child.kill('SIGKILL'),
  }
}

describe.for(['stdio', 'http'] as const)('server-everything over %s', (way) => {
  test('its tools are called, its structured content is the value, its pictures are bytes', async () => {
    const { source, end } =
      way === 'http'
        ? await everythingOverHttp()
        : {
            source: mcpServer({
              name: 'everything',
              command: process.execPath,
              args: [reference('everything')],
            }),
            end: () => undefined,
          }
    const holder = {}
    try {
      const tools = byName(await source.open(holder, MEANS))
      expect(tools.get('everything_get_sum')).toMatchObject({ effect: 'read', needsApproval: false })
      expect(tools.get('everything_gzip_file_as_resource')).toMatchObject({ effect: 'idempotent' })
      expect(await callOf(tools, 'everything_get_sum', { a: 2, b: 40 })).toMatch(/42/)
      expect(await callOf(tools, 'everything_get_structured_content', { location: 'Chicago' })).toMatchObject(
        {
          temperature: expect.any(Number),
        },
      )
      const parts = (await callOf(tools, 'everything_get_tiny_image')) as readonly {
        readonly data?: Uint8Array
      }[]
      expect(parts.find((part) => part.data !== undefined)).toMatchObject({
        type: 'image',
        mediaType: 'image/png',
      })
      expect(parts.some((part) => part.data instanceof Uint8Array && part.data.length > 100)).toBe(true)
      // It asks over the open connection, where nobody can wait for a person.
      const asked = await failure(
        callOf(tools, 'everything_trigger_elicitation_request').then((value) => {
          throw new Error(JSON.stringify(value))
        }),
      )
      expect(asked.message).toMatch(/cannot ask a person while a call of protocol 2025-11-25 is under way/)
      expect(await failure(callOf(tools, 'everything_get_sum', { a: 'x' }))).toBeInstanceOf(ToolError)
    } finally {
      await source.close(holder)
      end()
    }
  })
})

test('server-filesystem: an agent reads by itself, and writes when a person has approved it', async () => {
  writeFileSync(join(folder, 'in.txt'), 'nine lives')
  const agent = new PersistentCodeAgent({
    store: memoryStore(),
    model: scriptedModel([
      `const { content } = await files_read_text_file({ path: ${JSON.stringify(join(folder, 'in.txt'))} })
await files_write_file({ path: ${JSON.stringify(join(folder, 'out.txt'))}, content: content.toUpperCase() })
finalAnswer(content)`,
    ]),
    tools: [mcpServer({ name: 'files', command: process.execPath, args: [reference('filesystem'), folder] })],
  })
  const question = onlyQuestion(await agent.run('Copy'))
  expect(question).toMatchObject({
    kind: 'approval',
    call: { tool: 'files_write_file', args: { content: 'NINE LIVES' } },
  })
  await agent.answer(question.id, { type: 'approve' })
  expect(output(await goOn(agent))).toBe('nine lives')
  expect(readFileSync(join(folder, 'out.txt'), 'utf8')).toBe('NINE LIVES')
  await agent.close()
})
