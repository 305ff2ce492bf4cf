/**
 * The type checker's process: TypeScript's own, spoken to over its pipes. Files are in memory; of the disk it sees its
 * own library and nothing else.
 *
 * C1  One question at a time, each with its own deadline. A process that is late, or gone, answers `undefined` to
 *     what was asked and to all that comes later: its owner starts another.
 * C2  No text of a program makes it look at the disk: what is not in memory and not of its library does not exist.
 * C3  It holds no process alive, and ends with the process that started it.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { sep } from 'node:path'
import { parseJson, type Json } from '../../base/json.ts'

export interface Diagnostic {
  readonly code: number
  readonly text: string
  /** Offsets into the file's text, in UTF-16 units. */
  readonly pos: number
  readonly end: number
  readonly messageChain?: readonly Diagnostic[]
  readonly relatedInformation?: readonly Diagnostic[]
  readonly fileName?: string
}

/** Where its files are, for it. No such folder needs to be on the disk. */
export const FOLDER = '/pca'

const CONFIG = `${FOLDER}/tsconfig.json`
const CALLBACKS = ['readFile', 'fileExists', 'directoryExists', 'getAccessibleEntries', 'realpath']
/** Its soft bound on memory: it collects harder, it does not fail. */
const MEMORY = '400MiB'

interface Asked {
  readonly resolve: (result: Json | undefined) => void
}

export class Server {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #libs: string
  readonly #without: readonly string[]
  #files: ReadonlyMap<string, string> = new Map()
  readonly #waiting = new Map<number, Asked>()
  #asked = 0
  #input: Buffer = Buffer.alloc(0)
  #snapshot: number | undefined
  #dead = false
  readonly #onExit = (): void => {
    this.#child.kill('SIGKILL')
  }

  /** `without`: files of its library that it finds empty. */
  constructor(library: { readonly program: string; readonly libs: string }, without: readonly string[]) {
    this.#libs = library.libs
    this.#without = without
    this.#child = spawn(
      library.program,
      ['--api', '--async', '--cwd', FOLDER, `--callbacks=${CALLBACKS.join(',')}`],
      { stdio: 'pipe', env: { GOMEMLIMIT: MEMORY }, cwd: library.libs, windowsHide: true },
    )
    this.#child.on('error', () => this.end())
    this.#child.on('exit', () => this.end())
    this.#child.stdin.on('error', () => this.end())
    this.#child.stderr.resume()
    this.#child.stdout.on('data', (bytes: Buffer) => this.#read(bytes))
    process.once('exit', this.#onExit)
    this.#hold(false)
  }

  /** Ended, or about to be: it answers nothing any more. */
  get isDead(): boolean {
    return this.#dead
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** What is wrong with `file`, as one of `files`; `undefined` if that cannot be said within `within` ms (C1). */
  async diagnose(
    files: ReadonlyMap<string, string>,
    file: string,
    within: number,
  ): Promise<readonly Diagnostic[] | undefined> {
    const deadline = setTimeout(() => this.end(), within)
    this.#hold(true)
    try {
      const snapshot = await this.#update(files)
      if (snapshot === undefined) return undefined
      const found = await this.#ask('getSemanticDiagnostics', { snapshot, project: CONFIG, file })
      return found === null ? [] : asDiagnostics(found)
    } finally {
      clearTimeout(deadline)
      this.#hold(false)
    }
  }

  /** Whoever waits for it hears `undefined`. */
  end(): void {
    if (this.#dead) return
    this.#dead = true
    process.off('exit', this.#onExit)
    this.#child.kill('SIGKILL')
    for (const { resolve } of this.#waiting.values()) resolve(undefined)
    this.#waiting.clear()
  }

  /** Its view of the files, brought up to date. */
  async #update(files: ReadonlyMap<string, string>): Promise<number | undefined> {
    const before = this.#files
    const old = this.#snapshot
    this.#files = files
    const paths = [...files.keys()]
    const params =
      old === undefined
        ? { openProjects: [CONFIG] }
        : {
            fileChanges: {
              changed: paths.filter((path) => before.has(path) && before.get(path) !== files.get(path)),
              created: paths.filter((path) => !before.has(path)),
              deleted: [...before.keys()].filter((path) => !files.has(path)),
            },
          }
    if (old === undefined) await this.#ask('initialize', null)
    const made = await this.#ask('updateSnapshot', params)
    const snapshot = field(made, 'snapshot')
    if (typeof snapshot !== 'number') return undefined
    this.#snapshot = snapshot
    if (old !== undefined) void this.#ask('release', { snapshot: old })
    return snapshot
  }

  #ask(method: string, params: Json): Promise<Json | undefined> {
    return new Promise((resolve) => {
      if (this.#dead) {
        resolve(undefined)
        return
      }
      const id = ++this.#asked
      this.#waiting.set(id, { resolve })
      this.#send({ jsonrpc: '2.0', id, method, params })
    })
  }

  #send(message: Json): void {
    const body = Buffer.from(JSON.stringify(message))
    this.#child.stdin.write(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`), body]))
  }

  #read(bytes: Buffer): void {
    this.#input = this.#input.length === 0 ? bytes : Buffer.concat([this.#input, bytes])
    try {
      for (let message = this.#next(); message !== undefined; message = this.#next()) this.#hear(message)
    } catch {
      this.end()
    }
  }

  /** The first whole message of what has come. @throws {Error} it speaks another language. */
  #next(): Json | undefined {
    const head = this.#input.indexOf('\r\n\r\n')
    if (head < 0) return undefined
    const length = /content-length: *(\d+)/i.exec(this.#input.toString('latin1', 0, head))?.[1]
    if (length === undefined) throw new Error('The type checker sent something that is no message')
    const end = head + 4 + Number(length)
    if (this.#input.length < end) return undefined
    const text = this.#input.toString('utf8', head + 4, end)
    this.#input = this.#input.subarray(end)
    return parseJson(text, 'A message of the type checker')
  }

  #hear(message: Json): void {
    const id = field(message, 'id')
    const method = field(message, 'method')
    if (typeof method === 'string') {
      const params = field(message, 'params')
      const path: unknown = Array.isArray(params) ? params[0] : params
      if (id !== undefined)
        this.#send({ jsonrpc: '2.0', id, result: this.#look(method, typeof path === 'string' ? path : '') })
      return
    }
    const asked = typeof id === 'number' ? this.#waiting.get(id) : undefined
    if (asked === undefined) return
    this.#waiting.delete(id as number)
    asked.resolve(field(message, 'error') === undefined ? (field(message, 'result') ?? null) : undefined)
  }

  /** What it finds at `path` (C2): `null` sends it to the disk. */
  #look(method: string, path: string): Json {
    const isOfLibrary = isBelow(this.#libs, path)
    switch (method) {
      case 'readFile':
        if (isOfLibrary)
          return this.#without.includes(path.slice(path.lastIndexOf('/') + 1)) ? { content: '' } : null
        return { content: this.#files.get(path) ?? null }
      case 'fileExists':
        return this.#files.has(path) || (isOfLibrary ? null : false)
      case 'directoryExists':
        return path === FOLDER || (isOfLibrary ? null : false)
      case 'realpath':
        return path
      default:
        return { files: [], directories: [] }
    }
  }

  /** While it is asked, it keeps the process alive (C3). */
  #hold(on: boolean): void {
    for (const one of [this.#child, this.#child.stdin, this.#child.stdout, this.#child.stderr]) {
      if (on && 'ref' in one && typeof one.ref === 'function') one.ref()
      if (!on && 'unref' in one && typeof one.unref === 'function') one.unref()
    }
  }
}

/** It writes paths with slashes, on every system. */
function isBelow(folder: string, path: string): boolean {
  const start = folder.replaceAll(sep, '/')
  return (path === start || path.startsWith(`${start}/`)) && !path.split('/').includes('..')
}

function field(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  return (value as { readonly [key: string]: Json })[name]
}

function asDiagnostics(value: Json | undefined): readonly Diagnostic[] | undefined {
  return Array.isArray(value) ? (value as readonly Diagnostic[]) : undefined
}
