/**
 * Which module each run was started with, by this user on this machine: `modules.json` beside the user's other state.
 *
 * M1  A state file may come from anybody; it never says what code to load. Only this file does, and only its owner
 *     can write it.
 * M2  It is replaced whole (write, rename): a reader sees the old or the new one. A damaged one is as good as none.
 * M3  It is a convenience. Where it cannot be written, commands that are printed name the module.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { parseJson } from '../base/json.ts'

/** Absolute paths: of the state file, then by run id of the module. */
type Modules = Readonly<Record<string, Readonly<Record<string, string>>>>

/** Of each state file, so many runs are kept, the newest. */
const KEPT = 2_000
const LOCK_MS = 2_000

/** The absolute path of the module that this user started the run with here. */
export function moduleOf(store: string, runId: string): string | undefined {
  const runs = read()[store]
  return runs !== undefined && Object.hasOwn(runs, runId) ? runs[runId] : undefined
}

/** Remembers the module of a run; false where that cannot be written down. */
export async function rememberModule(store: string, runId: string, module: string): Promise<boolean> {
  if (moduleOf(store, runId) === module) return true
  try {
    mkdirSync(directory(), { recursive: true, mode: 0o700 })
    await locked(() => {
      const { [store]: runs = {}, ...others } = read()
      const newest = Object.entries({ ...runs, [runId]: module }).slice(-KEPT)
      replace({ ...others, [store]: Object.fromEntries(newest) })
    })
    return true
  } catch {
    return false
  }
}

function directory(): string {
  const { PCA_STATE_DIR: own, XDG_STATE_HOME: state } = process.env
  return own || join(state || join(homedir(), '.local', 'state'), 'persistent-code-agent')
}

function file(): string {
  return join(directory(), 'modules.json')
}

function read(): Modules {
  try {
    const found = parseJson(readFileSync(file(), 'utf8'), 'modules.json')
    return isRecord(found) ? checked(found['modules']) : {}
  } catch {
    return {}
  }
}

function checked(found: unknown): Modules {
  return isRecord(found) && Object.values(found).every(isPaths) ? (found as Modules) : {}
}

function isPaths(runs: unknown): boolean {
  return isRecord(runs) && Object.values(runs).every((path) => typeof path === 'string')
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function replace(modules: Modules): void {
  const draft = `${file()}.${process.pid}`
  writeFileSync(draft, `${JSON.stringify({ v: 1, modules }, undefined, 1)}\n`, { mode: 0o600 })
  renameSync(draft, file())
}

/** One process at a time, or an update would be lost. A lock that its owner left behind is broken. */
async function locked(work: () => void): Promise<void> {
  const lock = `${file()}.lock`
  const deadline = Date.now() + LOCK_MS
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
      if (age > LOCK_MS) rmSync(lock, { recursive: true, force: true })
      else if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  try {
    work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}
