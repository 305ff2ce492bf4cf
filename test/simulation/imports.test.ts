/** What is simulated is what is shipped: the driver, the fold, recovery and the stores are imported, not told again. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')

/** Every file that `file` leads to by its imports, as paths from the root; imports of types do not lead anywhere. */
function reachedFrom(file: string, seen = new Set<string>()): ReadonlySet<string> {
  const path = resolve(root, file)
  if (seen.has(relative(root, path))) return seen
  seen.add(relative(root, path))
  const source = readFileSync(path, 'utf8')
  for (const [, specifier] of source.matchAll(/^(?:import|export) (?!type )[^'"]*?from '(\.[^']+)'/gm))
    if (specifier !== undefined) reachedFrom(join(dirname(path), specifier), seen)
  return seen
}

test('the simulation runs the production driver, fold, decisions, log, recovery, signals and sweep', () => {
  const reached = reachedFrom('test/simulation/simulate.ts')
  for (const file of [
    'src/run/due.ts',
    'src/run/run.ts',
    'src/run/drive.ts',
    'src/run/log.ts',
    'src/run/recover.ts',
    'src/run/signal.ts',
    'src/run/lease.ts',
    'src/run/begin.ts',
    'src/agent/next.ts',
    'src/agent/facts.ts',
    'src/agent/act.ts',
    'src/agent/call.ts',
    'src/journal/state.ts',
    'src/journal/check.ts',
  ])
    expect(reached).toContain(file)
})

test('its stores are those that keep the contract', () => {
  const simulated = reachedFrom('test/simulation/simulation.test.ts')
  const contracted = reachedFrom('test/journal/contract.test.ts')
  expect(contracted).toContain('src/journal/contract.ts')
  for (const store of ['src/journal/memory.ts', 'src/journal/sqlite.ts', 'src/journal/fence.ts']) {
    expect(simulated).toContain(store)
    expect(contracted).toContain(store)
  }
})

test('nothing of it is written a second time', () => {
  const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.ts'))
  expect(files.length).toBeGreaterThan(8)
  for (const file of files) {
    const source = readFileSync(join(import.meta.dirname, file), 'utf8')
    expect(source).not.toMatch(/function (fold|drive|decide|next|recover|factsOf|drainDue|memoryStore)\b/)
  }
})
