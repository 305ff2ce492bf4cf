/** A file that is there whole, or not at all: made under another name beside its place, synced, and moved there. */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { UsageError } from '../../base/errors.ts'
import { randomText } from '../../base/id.ts'
import { syncFolder } from './file-system.ts'

/**
 * `make` writes the file at the path that it is given. What is at `path` already is replaced only if that is asked for.
 * @throws {UsageError} there is a file, or it is a state file in use.
 */
export async function atomically(
  path: string,
  overwrite: boolean,
  make: (path: string) => Promise<void>,
): Promise<void> {
  checkFree(path, overwrite)
  const made = join(dirname(path), `.${basename(path)}.${randomText(8)}.tmp`)
  try {
    await make(made)
    sync(made)
    checkFree(path, overwrite)
    if (overwrite) renameSync(made, path)
    else linkSync(made, path)
    syncFolder(dirname(path))
  } catch (error) {
    if (isCode(error, 'EEXIST')) throw taken(path, error)
    if (isCode(error, 'ENOENT')) throw new UsageError(`${path} cannot be written.`, { cause: error })
    throw error
  } finally {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(made + end, { force: true })
  }
}

function checkFree(path: string, overwrite: boolean): void {
  if (existsSync(path) && !overwrite) throw taken(path)
  // A log that is not its own would be merged into it.
  if (existsSync(`${path}-wal`)) throw new UsageError(`${path} is a state file in use. Name another one.`)
}

function taken(path: string, cause?: unknown): UsageError {
  return new UsageError(`${path} exists already. Nothing was overwritten.`, {
    cause,
    hint: 'Name another file, or ask for it with --force.',
  })
}

function sync(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
