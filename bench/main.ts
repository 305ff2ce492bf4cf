/**
 * `npm run bench -- [--quick] [--json] [--only steps,resume,calls,snapshots,waiting,policies,durable,many,check,frontend,hostile,guest,loops,ten-tools,memory,mcp,trace,approvals,many-tools,secrets] [--rounds 5] [--dir /tmp]`
 *
 * Every figure is measured when this runs. What is quoted of others stands beneath the tables, with its source.
 */
import { execFileSync } from 'node:child_process'
import { cpus, loadavg, tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { approvalsTable } from './approvals.ts'
import { callsTable } from './calls.ts'
import { checkTable } from './check.ts'
import { durableTable } from './durable.ts'
import { frontendTable } from './frontend.ts'
import { guestTable } from './guest.ts'
import { hostileTable } from './hostile.ts'
import { loopsTable } from './loops.ts'
import { manyTable } from './many.ts'
import { manyToolsTable } from './many-tools.ts'
import { mcpTable } from './mcp.ts'
import { memoryTable } from './memory.ts'
import { policiesTable } from './policies.ts'
import { resumeTable } from './resume.ts'
import { secretsTable } from './secrets.ts'
import type { Settings } from './settings.ts'
import { snapshotTable } from './snapshots.ts'
import { stepsTable } from './steps.ts'
import { render, type Table } from './table.ts'
import { tenToolsTable } from './ten-tools.ts'
import { traceTable } from './trace.ts'
import { waitingTable } from './waiting.ts'

// The other tables measure what a step costs without it, here and in the processes that they start.
process.env['PCA_TYPE_CHECK'] ??= 'off'

const TABLES: Readonly<Record<string, (settings: Settings) => Promise<readonly Table[]>>> = {
  steps: stepsTable,
  resume: resumeTable,
  calls: callsTable,
  snapshots: snapshotTable,
  waiting: waitingTable,
  policies: policiesTable,
  durable: durableTable,
  many: manyTable,
  check: checkTable,
  frontend: frontendTable,
  hostile: hostileTable,
  guest: guestTable,
  loops: loopsTable,
  'ten-tools': tenToolsTable,
  memory: memoryTable,
  mcp: mcpTable,
  trace: traceTable,
  approvals: approvalsTable,
  'many-tools': manyToolsTable,
  secrets: secretsTable,
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    only: { type: 'string', default: Object.keys(TABLES).join(',') },
    rounds: { type: 'string', default: '5' },
    dir: { type: 'string', default: tmpdir() },
  },
})
const settings: Settings = {
  quick: values.quick,
  rounds: Math.max(1, Number(values.rounds) || 1),
  dir: values.dir,
}

const machine = {
  node: process.version,
  cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
  commit: commit(),
  at: new Date().toISOString(),
  dir: settings.dir,
  loadBefore: loadavg()[0] ?? 0,
}
if (!values.json) {
  const { node, cpu, at, dir } = machine
  console.log(
    `${at}, Node ${node}, ${cpu}, commit ${machine.commit}, files in ${dir}, load ${load(machine.loadBefore)}`,
  )
}

const tables: Table[] = []
for (const name of values.only.split(',')) {
  const measure = TABLES[name]
  if (measure === undefined)
    throw new RangeError(`There is no table ${name}: ${Object.keys(TABLES).join(', ')}`)
  const made = await measure(settings)
  tables.push(...made)
  if (!values.json) for (const table of made) console.log(`\n${render(table)}`)
}

const loadAfter = loadavg()[0] ?? 0
if (values.json)
  console.log(JSON.stringify({ machine: { ...machine, loadAfter }, settings, tables }, undefined, 2))
else console.log(`\nLoad at the end: ${load(loadAfter)}`)

function load(value: number): string {
  return value.toFixed(1)
}

function commit(): string {
  try {
    const run = (...args: readonly string[]): string =>
      execFileSync('git', args, {
        cwd: import.meta.dirname,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim()
    return (
      run('rev-parse', '--short', 'HEAD') +
      (run('status', '--porcelain', '--', '../src') === '' ? '' : ' (changed)')
    )
  } catch {
    return 'unknown'
  }
}
