/** The front end: how long a step's TypeScript takes to become the program that the engine runs, cold and warm. */
import { execFileSync } from 'node:child_process'
import { compile } from '../src/sandbox/compile.ts'
import { parseProgram } from '../src/sandbox/tree.ts'
import { strip } from '../src/sandbox/strip.ts'
import { medianOf, percentileOf } from './measure.ts'
import { programOf } from './programs.ts'
import type { Settings } from './settings.ts'
import type { Table } from './table.ts'

const WARM_UP = 300
const CHILD = new URL('frontend-child.ts', import.meta.url).pathname

export async function frontendTable(settings: Settings): Promise<readonly Table[]> {
  const repeats = settings.quick ? 20 : 200
  const rows = []
  for (const isReprinted of [false, true]) {
    for (const lines of [10, 50, 200]) {
      const cold = Array.from({ length: settings.quick ? 1 : settings.rounds }, () =>
        coldMs(lines, isReprinted),
      )
      const sources = Array.from({ length: repeats }, (_, seed) => programOf(lines, seed, isReprinted))
      for (let i = 0; i < WARM_UP; i++) compile(1, sources[i % repeats] ?? '')
      const warm = sources.map((source) => msOf(() => compile(1, source)))
      const types = sources.map((source) => msOf(() => strip(source)))
      const stripped = sources.map((source) => codeOf(source))
      const trees = stripped.map((code) => msOf(() => parseProgram(code)))
      rows.push({
        syntax: isReprinted ? 'with an enum' : 'types only',
        lines,
        chars: medianOf(sources.map((source) => source.length)),
        cold: medianOf(cold),
        warm: medianOf(warm),
        most: percentileOf(warm, 95),
        types: medianOf(types),
        tree: medianOf(trees),
      })
    }
  }
  return [
    {
      id: 'frontend',
      title: '11. Front end: TypeScript in, a program for the engine out',
      columns: [
        { key: 'syntax', label: 'syntax' },
        { key: 'lines', label: 'lines', digits: 0 },
        { key: 'chars', label: 'chars', digits: 0 },
        { key: 'cold', label: 'cold ms', digits: 0 },
        { key: 'warm', label: 'warm ms', digits: 2 },
        { key: 'most', label: 'warm p95', digits: 2 },
        { key: 'types', label: 'types out', digits: 2 },
        { key: 'tree', label: 'tree', digits: 2 },
      ],
      rows,
      notes: [
        'Target: <= 3 ms warm for 50 lines.',
        'cold: the first program of a process, with the loading of both parsers; they are loaded when one is needed.',
        'with an enum: what has an effect (enum, namespace, parameter property) is reprinted, with a source map.',
      ],
      quoted: [],
    },
  ]
}

function msOf(work: () => unknown): number {
  const began = performance.now()
  work()
  return performance.now() - began
}

function codeOf(source: string): string {
  const stripped = strip(source)
  if (!stripped.ok) throw new Error(stripped.fault.message)
  return stripped.code
}

function coldMs(lines: number, isReprinted: boolean): number {
  const args = [CHILD, String(lines), String(isReprinted)]
  return Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))
}
