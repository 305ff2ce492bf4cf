/**
 * 1. What a step costs: one request to the model, one tool call whose result is 2 KB, at step 10, 100 and 400.
 *
 * Rounds are interleaved over the variants, because the load of a shared machine comes and goes.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { bareTransactions } from './floor.ts'
import { medianOf, spreadOf, type Reading } from './measure.ts'
import { peerSteps } from './quoted.ts'
import type { Settings } from './settings.ts'
import { bytesTable } from './step-bytes.ts'
import { renderTable } from './step-render.ts'
import { around, PRINTING, runOnce, VARIANTS, type Ran, type Variant } from './step-run.ts'
import type { Table } from './table.ts'

export async function stepsTable(settings: Settings): Promise<readonly Table[]> {
  const { quick } = settings
  const points = quick ? [3, 6] : [10, 100, 400]
  const last = (around(points.at(-1) ?? 0).at(-1) ?? 0) + 1
  const dir = mkdtempSync(join(settings.dir, 'steps-'))
  try {
    const variants = quick ? VARIANTS.slice(0, 2) : VARIANTS
    const runs = new Map<string, Ran[]>(variants.map(({ name }) => [name, []]))
    const floors = new Map<string, (readonly Reading[])[]>(variants.map(({ name }) => [name, []]))
    await runOnce(PRINTING, join(dir, 'warm.db'), quick ? 4 : 40)
    for (let round = 0; round < (quick ? 1 : settings.rounds); round++) {
      for (const variant of variants) {
        const path = join(dir, `${round}-${variant.name}.db`)
        const ran = await runOnce(variant, path, last)
        runs.get(variant.name)?.push(ran)
        const sizes = ran.commits.map((commit) => commit.bytes)
        if (variant.store === 'sqlite')
          floors.get(variant.name)?.push(bareTransactions(`${path}-floor`, sizes))
      }
    }
    const timing = timingTable(variants, points, runs, floors)
    return [timing, await bytesTable(variants, points, dir), await renderTable(PRINTING, points, dir)]
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function costs(
  readings: readonly Reading[],
  points: readonly number[],
  what: keyof Reading,
): readonly number[] {
  return points.flatMap((n) => {
    const [one, next] = [readings[n], readings[n + 1]]
    return one === undefined || next === undefined ? [] : [next[what] - one[what]]
  })
}

/** CPU is counted by the kernel in ticks that are coarse against a step: a mean over the window is truer. */
function meanCost(readings: readonly Reading[], point: number): number {
  const window = around(point).filter((n) => readings[n] !== undefined && readings[n + 1] !== undefined)
  const values = costs(readings, window, 'cpu')
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}

function timingTable(
  variants: readonly Variant[],
  points: readonly number[],
  runs: ReadonlyMap<string, readonly Ran[]>,
  floors: ReadonlyMap<string, readonly (readonly Reading[])[]>,
): Table {
  const rows = variants.flatMap((variant) => {
    const ran = runs.get(variant.name) ?? []
    const first = medianAt(ran, points[0] ?? 0)
    const firstCpu = spreadOf(ran.map((one) => meanCost(one.at, points[0] ?? 0))).min
    return points.map((point) => {
      const wall = spreadOf(ran.flatMap((one) => costs(one.at, around(point), 'wall')))
      const cpu = spreadOf(ran.map((one) => meanCost(one.at, point)))
      const commits = medianOf(ran.map((one) => commitsPerStep(one, point)))
      const floor = floorAt(ran, floors.get(variant.name) ?? [], point)
      return {
        variant: variant.name,
        step: point,
        ms: wall.median,
        msMin: wall.min,
        cpu: cpu.median,
        cpuMin: cpu.min,
        commits,
        inCommit: medianOf(ran.map((one) => inCommit(one, point))),
        floor: floor?.median ?? null,
        overFloor: floor === undefined ? null : wall.median / floor.median,
        flat: wall.median / first,
        flatCpu: cpu.min / firstCpu,
      }
    })
  })
  const inMemory = new Map(rows.filter((row) => row.floor === null).map((row) => [row.step, row.ms]))
  return {
    id: 'steps',
    title: '1a. A step: one request to a model that answers at once, one tool call with a result of 2 KB',
    columns: [
      { key: 'variant', label: 'store, effect of the tool' },
      { key: 'step', label: 'step', digits: 0 },
      { key: 'ms', label: 'ms' },
      { key: 'msMin', label: 'min' },
      { key: 'cpu', label: 'CPU ms' },
      { key: 'cpuMin', label: 'min' },
      { key: 'commits', label: 'commits' },
      { key: 'inCommit', label: 'ms in commit' },
      { key: 'floor', label: 'floor ms' },
      { key: 'overFloor', label: 'x floor' },
      { key: 'overMemory', label: 'x memory' },
      { key: 'flat', label: `x step ${points[0]}` },
      { key: 'flatCpu', label: 'CPU min' },
    ],
    rows: rows.map((row) => ({ ...row, overMemory: row.ms / (inMemory.get(row.step) ?? Number.NaN) })),
    notes: [
      'ms: median from one request to the model to the next, over the steps around; min: the least of them.',
      'CPU ms: of the whole process, all threads, mean over the steps around; median and least of the rounds.',
      'floor: the same number of transactions of the same bytes, bare node:sqlite, WAL, synchronous = FULL.',
      `Flat (P11) if x step ${points[0]} is at most 1.2 at step ${points.at(-1)}; CPU min: the same ratio of the least CPU.`,
    ],
    quoted: peerSteps,
  }
}

function medianAt(ran: readonly Ran[], point: number): number {
  return medianOf(ran.flatMap((one) => costs(one.at, around(point), 'wall')))
}

function commitsPerStep({ commitsAt }: Ran, point: number): number {
  const window = around(point)
  const [from, to] = [window[0] ?? 0, (window.at(-1) ?? 0) + 1]
  const until = commitsAt[to] === undefined ? to - 1 : to
  return ((commitsAt[until] ?? 0) - (commitsAt[from] ?? 0)) / (until - from)
}

/** ms per step between asking for a commit and its acknowledgement. */
function inCommit({ commits, commitsAt }: Ran, point: number): number {
  const window = around(point)
  const [from, to] = [commitsAt[window[0] ?? 0] ?? 0, commitsAt[window.at(-1) ?? 0] ?? 0]
  const ms = commits.slice(from, to).reduce((sum, commit) => sum + commit.ms, 0)
  return ms / Math.max(1, window.length - 1)
}

/** What the commits of a step around `point` cost bare. */
function floorAt(
  ran: readonly Ran[],
  floors: readonly (readonly Reading[])[],
  point: number,
): { readonly median: number } | undefined {
  const values = ran.flatMap(({ commitsAt }, round) =>
    around(point).flatMap((n) => {
      const [from, to] = [commitsAt[n], commitsAt[n + 1]]
      const bare = floors[round]
      if (from === undefined || to === undefined || bare === undefined) return []
      const [one, other] = [bare[from - 1], bare[to - 1]]
      return one === undefined || other === undefined ? [] : [other.wall - one.wall]
    }),
  )
  return values.length === 0 ? undefined : { median: medianOf(values) }
}
