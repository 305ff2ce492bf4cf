/** Images of a task: they stand with it in every prompt, once, also in another process. */
import { expect, test } from 'vitest'
import { UsageError } from '../../src/base/errors.ts'
import { memoryStore } from '../../src/journal/memory.ts'
import { scriptedModel, type ScriptedCall } from '../../src/model/scripted.ts'
import { PersistentCodeAgent } from '../../src/persistent-code-agent.ts'
import type { ImageGiven } from '../../src/agent/images.ts'

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 255])

function imagesIn(call: ScriptedCall): readonly unknown[] {
  return call.prompt.flatMap((message) =>
    message.role === 'user' ? message.content.filter((part) => part.type === 'file') : [],
  )
}

test('bytes, data URLs and base64 reach the model as bytes, once in each request, before and after a resume', async () => {
  const seen: (readonly unknown[])[] = []
  const model = scriptedModel(['await ask("which?")', 'finalAnswer(1)'], {
    onCall: (call) => void seen.push(imagesIn(call)),
  })
  const store = memoryStore()
  const first = new PersistentCodeAgent({ store, model })
  const jpeg = { data: Buffer.from('jpeg').toString('base64'), mediaType: 'image/jpeg' }
  const url = 'data:image/gif;base64,R0lGODg=' as const
  const { runId } = await first.run('look', { images: [PNG, url, jpeg] })
  const second = await new PersistentCodeAgent({ store, model }).resume({ runId })
  await second.answer(second.questions[0]?.id ?? '', { type: 'respond', value: 'this' })
  expect((await second.run(second.task, { reset: false })).status).toBe('completed')
  const parts = [
    { type: 'file', mediaType: 'image/png', data: { type: 'data', data: PNG } },
    {
      type: 'file',
      mediaType: 'image/gif',
      data: { type: 'data', data: new Uint8Array(Buffer.from('GIF88')) },
    },
    {
      type: 'file',
      mediaType: 'image/jpeg',
      data: { type: 'data', data: new Uint8Array(Buffer.from('jpeg')) },
    },
  ]
  expect(seen).toEqual([parts, parts])
})

test('a large image is kept beside the entries', async () => {
  const seen: unknown[] = []
  const model = scriptedModel(['finalAnswer(1)'], { onCall: (call) => void seen.push(imagesIn(call)) })
  const agent = new PersistentCodeAgent({ store: memoryStore(), model })
  const large = new Uint8Array(200_000).fill(7)
  large.set(PNG)
  expect((await agent.run('look', { images: [large] })).status).toBe('completed')
  expect(seen).toEqual([[{ type: 'file', mediaType: 'image/png', data: { type: 'data', data: large } }]])
})

test.each([
  ['text that is no data URL', 'https://example.com/a.png'],
  ['no media type', { data: PNG }],
  ['no base64', { data: 'ü', mediaType: 'image/png' }],
  ['a number', 7],
])('%s is refused before the run exists', async (_about, image) => {
  const store = memoryStore()
  const agent = new PersistentCodeAgent({ store, model: scriptedModel(['finalAnswer(1)']) })
  await expect(agent.run('look', { images: [image as ImageGiven] })).rejects.toThrow(UsageError)
  expect(await store.runs({}, 10)).toEqual([])
})
