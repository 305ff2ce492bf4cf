/** P6 over the wire: what a receiver of OTLP gets from two processes of one run, the first of which is killed. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import type { RunResult } from '../../src/index.ts'
import { Child, scratch } from '../journal/fixtures/files.ts'
import { must, PATIENT } from './fixtures/bench.ts'
import { Receiver, treeOf, type Received } from './fixtures/otlp.ts'

const program = join(import.meta.dirname, 'fixtures/traced.ts')
const page = join(import.meta.dirname, '../../docs/telemetry.md')

interface Said {
  readonly results: readonly RunResult[]
  readonly open: number
  readonly tenants: readonly (string | undefined)[]
}

async function received(sdk: string): Promise<{ readonly receiver: Receiver; readonly said: Said }> {
  using place = scratch()
  const receiver = await Receiver.listen()
  {
    await using first = new Child(program, place.path, 'first', receiver.url, sdk)
    expect(await first.line()).toBe('sent')
    await expect.poll(() => receiver.spans.map(({ name }) => name), PATIENT).toContain('execute_tool look_up')
    await first.kill()
  }
  // Whatever was open is lost; nothing that was received stood below it.
  expect(receiver.orphans()).toEqual([])
  const { stdout } = await promisify(execFile)(process.execPath, [
    program,
    place.path,
    'second',
    receiver.url,
    sdk,
  ])
  return { receiver, said: JSON.parse(stdout) as Said }
}

test.each(['sdk3', 'sdk2', 'sdk2, api 1.9'])(
  '%s: one trace, no orphan, no open span; the page shows the tree',
  async (sdk) => {
    const { receiver, said } = await received(sdk)
    await using _receiver = receiver
    const { spans } = receiver
    expect(said.results.map(({ status }) => status)).toEqual(['paused', 'completed'])
    expect(said.open).toBe(0)
    const tree = treeOf(spans)
    console.log(`${sdk}, as received:\n${tree}`)

    const root = must(spans.find(({ name }) => name === 'invoke_agent support'))
    const ours = spans.filter(({ name }) => !/^POST \/(resume|approve)/.test(name))
    expect(new Set(ours.map(({ traceId }) => traceId))).toEqual(new Set([root.traceId]))
    expect(said.results[0]?.traceparent.split('-')[1]).toBe(root.traceId)
    expect(receiver.orphans()).toEqual([])
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
    const ids = new Set(spans.map(({ spanId }) => spanId))
    expect(spans.flatMap(({ links }) => links).filter(({ to }) => !ids.has(to))).toEqual([])

    // Every parent had been published before what stands below it.
    expect(receiver.tooEarly().filter(({ name }) => !name.startsWith('invoke_agent support'))).toEqual([])

    const segments = spans.filter(({ name }) => name === 'run_segment support')
    expect(segments.map(({ process, attributes: { 'pca.status': status } }) => [process, status])).toEqual([
      ['second', 'lost'],
      ['second', 'paused'],
      ['second', 'completed'],
    ])
    const [one, two, three] = segments as [Received, Received, Received]
    for (const { parent } of segments) expect(parent).toBe(root.spanId)
    const linked = ({ links }: Received): readonly unknown[] => links.map(({ is, to }) => [is, to])
    const asked = (name: string): string => must(spans.find((span) => span.name === name)).spanId
    expect(linked(two)).toEqual([
      ['resumed_from', one.spanId],
      ['resumed_by', asked('POST /resume')],
    ])
    expect(linked(three)).toEqual([
      ['resumed_from', two.spanId],
      ['resumed_by', asked('POST /approve')],
    ])
    expect(one.attributes['pca.calls.lost']).toEqual(['1.2'])
    expect(three.events).toMatchObject([
      { name: 'pca.run.resumed' },
      { attributes: { 'pca.question.decision': 'approve', 'pca.by': 'ann' } },
    ])

    expect(two.attributes).toMatchObject({ 'pca.segment.why': 'resume', 'pca.segment.heap': 'replay' })
    // What the first process had done is told once, and what the second did again, by replay, not at all.
    const looks = spans.filter(({ name }) => name === 'execute_tool look_up')
    expect(looks.map(({ process }) => process)).toEqual(['first'])
    expect(spans.filter(({ name }) => name === 'chat claude-sonnet-5')).toHaveLength(3)
    // The caller's baggage is there after the crash.
    expect(said.tenants).toEqual(['acme'])
    // No content.
    for (const text of ['Refund order 7', 'Dear customer', 'refunded 120', '"amount"'])
      expect(receiver.raw).not.toContain(text)

    expect(/```text tree\n([\s\S]*?)\n```/.exec(readFileSync(page, 'utf8'))?.[1]).toBe(tree)
  },
)

test('killed again as soon as the second process has told anything: each segment is told once, every link leads somewhere', async () => {
  using place = scratch()
  await using receiver = await Receiver.listen()
  for (const part of ['first', 'second']) {
    const before = receiver.spans.length
    await using process = new Child(program, place.path, part, receiver.url, 'sdk3')
    if (part === 'first') expect(await process.line()).toBe('sent')
    await expect.poll(() => receiver.spans.length, PATIENT).toBeGreaterThan(before)
    await process.kill()
    expect(receiver.orphans()).toEqual([])
  }
  await promisify(execFile)(process.execPath, [program, place.path, 'second', receiver.url, 'sdk3'])
  expect(receiver.orphans()).toEqual([])
  const ids = new Set(receiver.spans.map(({ spanId }) => spanId))
  expect(receiver.spans.flatMap(({ links }) => links).filter(({ to }) => !ids.has(to))).toEqual([])
  const segments = receiver.spans.filter(({ name }) => name === 'run_segment support')
  // Whether the second process was one of them depends on what it had made durable.
  const lost = segments.slice(0, -2)
  expect(lost.length).toBeGreaterThan(0)
  expect(segments.map(({ attributes }) => [attributes['pca.segment'], attributes['pca.status']])).toEqual(
    [...lost.map(() => 'lost'), 'paused', 'completed'].map((status, index) => [index + 1, status]),
  )
})
