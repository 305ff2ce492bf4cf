/**
 * A chat behind HTTP: the AI SDK's own client talks to a run, gets an approval as a part of the message, and answers it.
 * The server is restarted in between; the chat does not notice.
 *
 *   node examples/10-a-chat.ts [--model anthropic/claude-sonnet-5]
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { DefaultChatTransport, readUIMessageStream, type UIMessage } from 'ai'
import { z } from 'zod'
// In a project of your own: 'persistent-code-agent', '…/ai-sdk' and '…/testing'. This checkout runs from source.
import { createChatHandler } from '../src/ai-sdk.ts'
import { PersistentCodeAgent, tool } from '../src/index.ts'
import { scriptedModel } from '../src/testing.ts'

const { values } = parseArgs({ options: { model: { type: 'string' } } })

const refund = tool({
  name: 'refund',
  description: 'Pay money back to a customer',
  inputSchema: z.object({ order: z.string(), amount: z.number() }),
  needsApproval: true,
  execute: async ({ order, amount }) => `refunded ${amount} for ${order}`,
})

const folder = mkdtempSync(join(tmpdir(), 'pca-'))
let server = await serve()
let messages: readonly UIMessage[] = [
  { id: 'u1', role: 'user', parts: [{ type: 'text', text: 'Refund 250 for order A-17' }] },
]
messages = await send()
for (const part of messages.at(-1)?.parts ?? [])
  if (part.type === 'dynamic-tool' && part.state === 'approval-requested')
    console.log(`the client sees: ${part.toolName}(${JSON.stringify(part.input)}): ${part.state}`)

await server[Symbol.asyncDispose]()
server = await serve()
console.log('the server was restarted')

// A person presses the button.
messages = messages.map((message) => ({
  ...message,
  parts: message.parts.map((part) =>
    part.type === 'dynamic-tool' && part.state === 'approval-requested'
      ? { ...part, state: 'approval-responded', approval: { ...part.approval, approved: true } }
      : part,
  ),
}))
messages = await send()
for (const part of messages.at(-1)?.parts ?? [])
  if (part.type === 'text') console.log(`the client sees: ${part.text}`)
await server[Symbol.asyncDispose]()
rmSync(folder, { recursive: true })

/** What the client does when a message is sent, or an approval given: `useChat` does the same. */
async function send(): Promise<readonly UIMessage[]> {
  const transport = new DefaultChatTransport({ api: `${server.url}/api/chat` })
  const stream = await transport.sendMessages({
    trigger: 'submit-message',
    chatId: 'chat-1',
    messageId: undefined,
    messages: [...messages],
    abortSignal: undefined,
  })
  const last = messages.at(-1)
  const going = last?.role === 'assistant' ? { message: last } : {}
  let answer: UIMessage | undefined
  for await (answer of readUIMessageStream({ stream, ...going }));
  if (answer === undefined) return messages
  return [...messages.filter(({ role }) => role === 'user'), answer]
}

/** The handler takes a web Request and gives a Response; in most frameworks it is a route. */
async function serve(): Promise<AsyncDisposable & { readonly url: string }> {
  const agent = new PersistentCodeAgent({
    tools: [refund],
    model: values.model ?? scriptedModel([`finalAnswer(await refund({ order: 'A-17', amount: 250 }))`]),
    storagePath: join(folder, 'chats.db'),
  })
  const handler = createChatHandler({ agent })
  const http: Server = createServer((incoming, outgoing) => void respond(incoming, outgoing)).listen(
    0,
    '127.0.0.1',
  )
  async function respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = new Response(ReadableStream.from(incoming))
    const { method = 'GET', headers, url } = incoming
    const request = new Request(`http://localhost${url}`, {
      method,
      headers: { 'content-type': headers['content-type'] ?? '' },
      body: method === 'POST' ? await body.arrayBuffer() : null,
    })
    const response = await handler(request)
    outgoing.writeHead(response.status, Object.fromEntries(response.headers))
    for await (const chunk of response.body ?? []) outgoing.write(chunk)
    outgoing.end()
  }
  await once(http, 'listening')
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      http.close()
      await agent.close()
    },
  }
}
