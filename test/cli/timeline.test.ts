/** Where the time of a run went. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Pen } from '../../src/cli/screen.ts'
import { slicesOf, tellTimeline, totalsOf } from '../../src/cli/timeline.ts'
import type { Entry } from '../../src/journal/entry.ts'

function run(...facts: readonly (readonly [at: number, kind: string, body?: object])[]): readonly Entry[] {
  return facts.map(
    ([at, kind, body], index) => ({ ...body, kind, at, seq: index + 1, v: 1, epoch: 1 }) as unknown as Entry,
  )
}

const told = (entries: readonly Entry[], now?: number): readonly string[] =>
  slicesOf(entries, now).map(({ from, to, doing }) => `${from}-${to} ${doing}`)

test('thinking, computing, calling and waiting are told apart; a moment counts once', () => {
  const entries = run(
    [0, 'run-started'],
    [5, 'segment-started', { why: 'start' }],
    [10, 'model-called'],
    [30, 'model-replied'],
    [30, 'step-started'],
    [35, 'call-requested', { call: '1.1' }],
    [35, 'call-started', { call: '1.1' }],
    [40, 'question-asked', { question: 'q', call: '1.2' }],
    [60, 'call-returned', { call: '1.1' }],
    [70, 'run-paused'],
    [200, 'question-answered', { question: 'q' }],
    [210, 'segment-started', { why: 'resume' }],
    [210, 'run-resumed'],
    [215, 'call-started', { call: '1.2' }],
    [225, 'call-returned', { call: '1.2' }],
    [230, 'step-ended'],
    [230, 'task-completed'],
  )
  expect(told(entries)).toEqual([
    '0-10 computing',
    '10-30 thinking',
    '30-35 computing',
    '35-60 calling',
    '60-210 waiting',
    '210-215 computing',
    '215-225 calling',
    '225-230 computing',
  ])
  expect(totalsOf(slicesOf(entries))).toEqual({ thinking: 20, computing: 25, calling: 35, waiting: 150 })
  expect(slicesOf(entries, 9_999)).toEqual(slicesOf(entries))
})

test('what a process that died was doing ends where it was last heard of', () => {
  const entries = run(
    [0, 'step-started'],
    [10, 'call-started', { call: '1.1' }],
    [500, 'segment-started', { why: 'take-over' }],
  )
  expect(told(entries, 510)).toEqual(['0-10 computing', '10-500 waiting', '500-510 computing'])
})

const lines = (facts: readonly Entry[], columns: number): readonly string[] => {
  const all: string[] = []
  const pen: Pen = {
    isTerminal: false,
    columns,
    rows: 24,
    erase: () => undefined,
    line: (text = '') => void all.push(text),
    paint: (_, text) => text,
  }
  tellTimeline(pen, slicesOf(facts))
  return all
}

test('it is drawn to scale; where waiting takes most of it, once more without', () => {
  const even = run([0, 'model-called'], [4_000, 'model-replied'], [8_000, 'task-completed'])
  expect(lines(even, 40)).toEqual([
    '\nTime  8.0 s from 1970-01-01T00:00:00.000Z',
    '  thinking   █████           4.0 s  50 %',
    '  computing       █████      4.0 s  50 %',
  ])
  const long = run(
    [0, 'model-called'],
    [4_000, 'run-paused'],
    [800_000, 'segment-started', { why: 'resume' }],
    [804_000, 'task-completed'],
  )
  expect(lines(long, 40)).toEqual([
    '\nTime  13 min from 1970-01-01T00:00:00.000Z',
    '  thinking   ·               4.0 s   0 %',
    '  computing           ·      4.0 s   0 %',
    '  waiting    ██████████     13 min  99 %',
    '  without waiting: 8.0 s',
    '  thinking   █████           4.0 s  50 %',
    '  computing       █████      4.0 s  50 %',
  ])
})

test('whatever happened: no gap, no overlap, and the totals are the whole', () => {
  const kinds = [
    'model-called',
    'model-replied',
    'call-started',
    'call-returned',
    'question-asked',
    'question-answered',
    'run-paused',
    'segment-started',
    'task-completed',
    'task-added',
  ]
  const fact = fc.record({
    kind: fc.constantFrom(...kinds),
    wait: fc.nat(50),
    call: fc.constantFrom('1.1', '1.2'),
  })
  fc.assert(
    fc.property(fc.array(fact, { minLength: 1 }), (given) => {
      let at = 1_000
      const entries = run(
        ...given.map(({ kind, wait, call }) => [(at += wait), kind, { call, question: call }] as const),
      )
      const slices = slicesOf(entries)
      for (const [index, { from, to }] of slices.entries()) {
        expect(to).toBeGreaterThan(from)
        if (index > 0) expect(from).toBe(slices[index - 1]?.to)
      }
      const { thinking, computing, calling, waiting } = totalsOf(slices)
      expect(thinking + computing + calling + waiting).toBe(at - (entries[0]?.at ?? 0))
    }),
  )
})
