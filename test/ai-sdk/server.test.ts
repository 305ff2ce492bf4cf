/** Over HTTP, with the SDK's own client, and a server that is killed: at the approval, and in the middle of the call. */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { must, PATIENT } from '../e2e/fixtures/bench.ts'
import { Client } from './fixtures/client.ts'

class Server {
  readonly #child: ChildProcess
  #said = ''

  constructor(file: string) {
    this.#child = spawn(process.execPath, [join(import.meta.dirname, 'fixtures', 'server.ts'), file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => void (this.#said += text))
    onTestFinished(() => void this.#child.kill('SIGKILL'))
  }

  /** The first line that begins so. */
  async says(word: string): Promise<string> {
    const line = (): string | undefined =>
      this.#said
        .split('\n')
        .slice(0, -1)
        .find((it) => it.startsWith(word))
    return vi.waitFor(() => must(line(), word), { ...PATIENT })
  }

  async kill(): Promise<void> {
    const gone = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill('SIGKILL')
    await gone
  }
}

test('the chat goes on where it stood: nothing is asked twice, the call is sent again under its key', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pca-chat-server-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'chats.db')
  let server = new Server(file)
  let port = (await server.says('PORT')).slice(5)
  const client = new Client(
    () => async (request) => {
      const url = new URL(request.url)
      url.port = port
      url.hostname = '127.0.0.1'
      return fetch(new Request(url, request))
    },
    { id: 'c1' },
  )
  await client.sendMessage({ text: 'Refund order A-1' })
  expect(client.tool('refund').state).toBe('approval-requested')

  await server.kill()
  server = new Server(file)
  port = (await server.says('PORT')).slice(5)
  await client.decide('refund', true)
  const [, attempt, key] = (await server.says('PAYING')).split(' ')
  expect(attempt).toBe('1')

  await server.kill()
  await expect.poll(() => client.status, PATIENT).toBe('error')
  server = new Server(file)
  port = (await server.says('PORT')).slice(5)
  client.clearError()
  await client.sendMessage()
  expect((await server.says('PAYING')).split(' ')).toEqual(['PAYING', '2', key])
  expect(client.error).toBeUndefined()
  expect(client.text()).toBe('refunded')
  expect(client.messages).toHaveLength(2)
  expect(client.tools('refund').map(({ state }) => state)).toEqual(['output-available'])
  expect(client.tools('run_code').map(({ state }) => state)).toEqual(['output-available'])
  expect(client.sent.every(({ status }) => status === 200)).toBe(true)
})
