/**
 * A folder that tools work in, and nothing beside it.
 *
 * W1  A path is relative to the root, and what it leads to, links followed, lies in the root: it is looked up again
 *     after it was opened.
 * W2  A file is replaced whole or not at all: what is new is written beside it, synced, and renamed.
 */
import { constants, realpathSync, statSync } from 'node:fs'
import { mkdir, open, readlink, realpath, rename, rm, stat, type FileHandle } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { ToolError, UsageError } from '../base/errors.ts'
import { randomText } from '../base/id.ts'

export class Root {
  readonly path: string

  /** @throws {UsageError} it is no folder. */
  constructor(path: string) {
    const stats = statSync(path, { throwIfNoEntry: false })
    if (stats?.isDirectory() !== true) throw new UsageError(`There is no folder ${path}.`)
    this.path = realpathSync(path)
  }

  /** The path from the root, as it is told to the model. */
  nameOf(path: string): string {
    return relative(this.path, path) || '.'
  }

  /** Where something is that exists. @throws {ToolError} it does not, or lies outside. */
  async find(given: string): Promise<string> {
    const path = this.#within(given)
    const real = await realpath(path).catch((error: unknown) => {
      throw isMissing(error) ? new ToolError(`There is no '${given}'.`) : error
    })
    return this.#inside(real, given)
  }

  /** Opens a file for reading; the caller closes it. @throws {ToolError} */
  async open(given: string): Promise<{ readonly file: FileHandle; readonly bytes: number }> {
    const path = await this.find(given)
    // A pipe is not waited for.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stats = await file.stat()
      if (!stats.isFile()) throw new ToolError(`'${given}' is not a file.`)
      await this.#checkOpened(file, given)
      return { file, bytes: stats.size }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** W2. Folders on the way are made. @throws {ToolError} */
  async write(given: string, text: string): Promise<void> {
    const path = await this.#place(given)
    const made = join(dirname(path), `.${randomText(12)}.tmp`)
    const file = await open(made, 'wx')
    try {
      try {
        await this.#checkOpened(file, given)
        await file.writeFile(text)
        const before = await stat(path).catch(() => undefined)
        if (before !== undefined) await file.chmod(before.mode & 0o777)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(made, path)
    } catch (error) {
      await rm(made, { force: true })
      throw error
    }
  }

  /** Where a file is, or will be: in a folder that lies in the root. */
  async #place(given: string): Promise<string> {
    const path = this.#within(given)
    if (path === this.path) throw new ToolError(`'${given}' is the folder itself.`)
    const found = await realpath(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (found !== undefined) {
      const real = this.#inside(found, given)
      if (!(await stat(real)).isFile()) throw new ToolError(`'${given}' is not a file.`)
      return real
    }
    const folder = dirname(path)
    // What there is of the way is looked at before anything is made.
    let known = folder
    while ((await stat(known).catch(() => undefined)) === undefined) known = dirname(known)
    this.#inside(await realpath(known), given)
    await mkdir(folder, { recursive: true })
    return join(this.#inside(await realpath(folder), given), path.slice(folder.length + 1))
  }

  #within(given: string): string {
    if (given.includes('\0')) throw new ToolError('A path holds no NUL.')
    if (isAbsolute(given))
      throw new ToolError(`'${given}' is absolute. Paths are relative to the folder of the tools.`)
    return this.#inside(resolve(this.path, given), given)
  }

  #inside(path: string, given: string): string {
    if (path === this.path || path.startsWith(this.path + sep)) return path
    throw new ToolError(`'${given}' leads out of the folder of the tools.`)
  }

  /** W1: a folder on the way may have become a link since. Only Linux tells where an open file is. */
  async #checkOpened(file: FileHandle, given: string): Promise<void> {
    if (process.platform !== 'linux') return
    this.#inside(await readlink(`/proc/self/fd/${file.fd}`), given)
  }
}

function isMissing(error: unknown): boolean {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return code === 'ENOENT' || code === 'ENOTDIR'
}
