/** The benchmark runs and gives figures of the right shape. What they are is not asserted: the machine is shared. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')

interface Output {
  readonly machine: Readonly<Record<string, unknown>>
  readonly tables: readonly {
    readonly id: string
    readonly columns: readonly { readonly key: string; readonly label: string }[]
    readonly rows: readonly Readonly<Record<string, unknown>>[]
    readonly quoted: readonly { readonly who: string; readonly figure: string; readonly source: string }[]
  }[]
}

test('bench/main.ts --quick --json measures every table', { timeout: 180_000 }, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['bench/main.ts', '--quick', '--json'], {
    cwd: root,
  })
  const { machine, tables } = JSON.parse(stdout) as Output

  expect(machine).toMatchObject({ node: process.version, loadBefore: expect.any(Number) })
  expect(tables.map((table) => table.id)).toEqual([
    'steps',
    'bytes',
    'render',
    'resume',
    'calls',
    'snapshots',
    'waiting',
    'policies',
    'durable',
    'together',
    'many',
    'check',
    'frontend',
    'hostile',
    'start',
    'hop',
    'compute',
    'loops',
    'ten-tools',
    'memory',
    'mcp',
    'trace',
    'approvals',
    'door',
    'many-tools',
    'secrets',
  ])
  for (const { columns, rows, quoted } of tables) {
    expect(rows.length).toBeGreaterThan(0)
    for (const row of rows) {
      // A figure that could not be taken is null on purpose (JSON has no NaN: it would hide here).
      for (const { key } of columns) expect(row).toHaveProperty(key)
      expect(
        Object.values(row)
          .filter((cell) => typeof cell === 'number')
          .every(Number.isFinite),
      ).toBe(true)
    }
    for (const { source } of quoted) expect(source).toMatch(/^[\w-]+\.md:\d+/)
  }
})

test('an unknown table is refused', async () => {
  const running = promisify(execFile)(process.execPath, ['bench/main.ts', '--only', 'nothing'], { cwd: root })
  await expect(running).rejects.toThrow('There is no table nothing')
})
