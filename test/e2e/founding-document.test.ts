/** The founding document, over real processes: pause, resume, stop, recovery of the trace. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { RunResult } from '../../src/index.ts'
import { scratch } from '../journal/fixtures/files.ts'
import { must } from './fixtures/bench.ts'

interface Said {
  readonly result: RunResult
  readonly bound: { readonly task: string; readonly status?: string }
  readonly steps: readonly (string | number)[]
  readonly carrier?: { readonly traceparent: string }
}

interface Span {
  readonly process: string
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parent?: string
  readonly links: readonly string[]
}

async function processOf(folder: string, ...args: readonly string[]): Promise<Said> {
  const program = join(import.meta.dirname, 'fixtures/document.ts')
  const { stdout } = await promisify(execFile)(process.execPath, [program, folder, ...args])
  return JSON.parse(stdout) as Said
}

function lines(folder: string, name: string): readonly string[] {
  return readFileSync(join(folder, name), 'utf8').trimEnd().split('\n')
}

test('a tool pauses; another process resumes with the same words, in one trace; a third finds it done', async () => {
  using place = scratch()
  const first = await processOf(place.path, 'first', 'pause')
  expect(first.result).toMatchObject({
    status: 'paused',
    message: 'Agent paused',
    questions: [],
    stepCount: 2,
  })

  const second = await processOf(place.path, 'resume', 'pause')
  expect(second.bound).toEqual({ task: 'Your task here', status: 'paused' })
  expect(second.result).toMatchObject({
    status: 'completed',
    output: 42,
    stepCount: 3,
    resumedFrom: 'snapshot',
    runId: first.result.runId,
  })
  expect(second.steps).toEqual(['task', 1, 2, 3, 'finalAnswer'])
  expect(second.carrier?.traceparent).toBe(first.result.traceparent)

  const third = await processOf(place.path, 'resume', 'pause')
  expect(third.result).toMatchObject({ status: 'completed', output: 42, stepCount: 3 })
  expect(third.steps).toEqual(second.steps)
  expect(lines(place.path, 'ledger')).toEqual([
    'first model 1',
    'first before',
    'first model 2',
    'first pause_agent',
    'resume after',
    'resume model 3',
  ])

  const spans = lines(place.path, 'spans').map((line) => JSON.parse(line) as Span)
  expect(new Set(spans.map((span) => span.process))).toEqual(new Set(['first', 'resume']))
  expect(new Set(spans.map((span) => span.traceId))).toEqual(
    new Set([must(first.result.traceparent.split('-')[1])]),
  )
  const ids = new Set(spans.map((span) => span.spanId))
  const roots = spans.filter((span) => span.parent === undefined)
  expect(roots).toHaveLength(1)
  expect(
    spans.filter((span) => span.parent !== undefined && !ids.has(span.parent)),
    'orphans',
  ).toEqual([])
  expect(
    spans.flatMap((span) => span.links).filter((link) => !ids.has(link)),
    'links into nothing',
  ).toEqual([])
  // The segment of the second process points at the one of the first.
  const segments = spans.filter((span) => span.name === 'run_segment agent')
  expect(new Set(segments.map((span) => span.parent))).toEqual(new Set([must(roots[0]).spanId]))
  expect(segments.map((span) => span.process)).toEqual(['first', 'resume'])
  expect(segments[1]?.links).toContain(segments[0]?.spanId)
  // What a tool traces is within its call.
  const own = must(spans.find((span) => span.name === 'own work'))
  expect(spans.find((span) => span.spanId === own.parent)?.name).toContain('before')
})

test('a tool stops; resuming gives the stop and does nothing', async () => {
  using place = scratch()
  const first = await processOf(place.path, 'first', 'stop')
  expect(first.result).toMatchObject({ status: 'stopped', message: 'Agent stopped' })
  const second = await processOf(place.path, 'resume', 'stop')
  expect(second.bound.status).toBe('stopped')
  expect(second.result).toMatchObject({ status: 'stopped', message: 'Agent stopped', stepCount: 2 })
  expect(lines(place.path, 'ledger')).toEqual([
    'first model 1',
    'first before',
    'first model 2',
    'first pause_agent',
  ])
})
