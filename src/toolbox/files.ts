/** Tools to read and to change the files below a folder, and no others. */
import { readdir } from 'node:fs/promises'
import { join, matchesGlob } from 'node:path'
import { ToolError } from '../base/errors.ts'
import { tool, type ToolDefinition } from '../tool/tool.ts'
import { edited, isEdited, shownEdits, type Edit } from './edits.ts'
import { Root } from './root.ts'

export interface FilesOptions {
  /** Give the tools that change files too: `writeFile` and `patchFile`. Default: only those that read. */
  readonly write?: boolean
  /** Whether a person approves each change. Default: true. */
  readonly needsApproval?: boolean
  /** The largest file that is read or written, in bytes. Default 10 MB. */
  readonly maxBytes?: number
  /** Names of folders that are neither listed nor searched. Default `.git` and `node_modules`. */
  readonly ignore?: readonly string[]
}

const MOST_ENTRIES = 1_000
const MOST_MATCHES = 200
const MOST_SEARCHED = 20_000
/** Longer lines are cut where they are shown. */
const LINE = 400

const PATH = { type: 'string', description: 'Relative to the folder.' } as const

/**
 * `listFiles`, `readFile` and `searchFiles`, and with `write` also `writeFile` and `patchFile`, below `folder`.
 * @throws {UsageError} there is no such folder.
 */
export function files(folder: string, options: FilesOptions = {}): readonly ToolDefinition[] {
  const box = new Files(new Root(folder), options)
  const reading = [box.list(), box.read(), box.search()]
  return options.write === true ? [...reading, box.write(), box.patch()] : reading
}

interface Found {
  readonly path: string
  readonly kind: 'file' | 'folder' | 'other'
}

class Files {
  readonly #root: Root
  readonly #maxBytes: number
  readonly #ignored: ReadonlySet<string>
  readonly #needsApproval: boolean

  constructor(root: Root, options: FilesOptions) {
    this.#root = root
    this.#maxBytes = options.maxBytes ?? 10 * 1024 ** 2
    this.#ignored = new Set(options.ignore ?? ['.git', 'node_modules'])
    this.#needsApproval = options.needsApproval ?? true
  }

  list(): ToolDefinition {
    return tool<{ path?: string; depth?: number }>({
      name: 'listFiles',
      description: `Files and folders below a folder, at most ${MOST_ENTRIES}`,
      effect: 'read',
      touches: ['private'],
      inputSchema: {
        type: 'object',
        properties: {
          path: { ...PATH, default: '.' },
          depth: { type: 'integer', minimum: 1, maximum: 20, default: 2, description: 'Folders deep.' },
        },
        additionalProperties: false,
      },
      outputSchema: LISTED,
      execute: async ({ path = '.', depth = 2 }, { abortSignal }) => {
        const entries: Found[] = []
        for await (const found of this.#walk(await this.#root.find(path), depth, abortSignal)) {
          if (entries.length === MOST_ENTRIES) return { entries, more: true }
          entries.push({ ...found, path: this.#root.nameOf(found.path) })
        }
        return { entries, more: false }
      },
    })
  }

  read(): ToolDefinition {
    return tool<{ path: string; from?: number; lines?: number }, string>({
      name: 'readFile',
      description: 'The text of a file, whole or some of its lines',
      effect: 'read',
      touches: ['private'],
      inputSchema: {
        type: 'object',
        properties: {
          path: PATH,
          from: { type: 'integer', minimum: 1, description: 'The first line, from 1.' },
          lines: { type: 'integer', minimum: 1, description: 'How many lines.' },
        },
        required: ['path'],
        additionalProperties: false,
      },
      outputSchema: { type: 'string' },
      execute: async ({ path, from = 1, lines }) => {
        const text = await this.#text(path)
        if (from === 1 && lines === undefined) return text
        return text
          .split('\n')
          .slice(from - 1, lines === undefined ? undefined : from - 1 + lines)
          .join('\n')
      },
    })
  }

  search(): ToolDefinition {
    return tool<{ text: string; path?: string; glob?: string; ignoreCase?: boolean }>({
      name: 'searchFiles',
      description: `Lines that hold a text, in all files below a folder, at most ${MOST_MATCHES}`,
      effect: 'read',
      touches: ['private'],
      inputSchema: {
        type: 'object',
        properties: {
          text: { type: 'string', minLength: 1, description: 'Taken as it is: no pattern.' },
          path: { ...PATH, default: '.' },
          glob: { type: 'string', description: 'Only files whose path matches, such as **/*.ts' },
          ignoreCase: { type: 'boolean', default: false },
        },
        required: ['text'],
        additionalProperties: false,
      },
      outputSchema: MATCHED,
      execute: async ({ text, path = '.', glob, ignoreCase = false }, { abortSignal }) => {
        const wanted = ignoreCase ? text.toLowerCase() : text
        const matches: { path: string; line: number; text: string }[] = []
        let searched = 0
        for await (const { path: at, kind } of this.#walk(await this.#root.find(path), 50, abortSignal)) {
          const name = this.#root.nameOf(at)
          if (kind !== 'file' || (glob !== undefined && !matchesGlob(name, glob))) continue
          if (++searched > MOST_SEARCHED) return { matches, more: true }
          const lines = (await this.#text(name).catch(() => '')).split('\n')
          for (const [index, line] of lines.entries()) {
            if (!(ignoreCase ? line.toLowerCase() : line).includes(wanted)) continue
            if (matches.length === MOST_MATCHES) return { matches, more: true }
            matches.push({
              path: name,
              line: index + 1,
              text: line.length > LINE ? `${line.slice(0, LINE)}…` : line,
            })
          }
        }
        return { matches, more: false }
      },
    })
  }

  write(): ToolDefinition {
    return tool<{ path: string; content: string }, string>({
      name: 'writeFile',
      description: 'Writes a file, in place of the one that is there',
      // The same content again is the same file.
      effect: 'idempotent',
      inputSchema: {
        type: 'object',
        properties: { path: PATH, content: { type: 'string' } },
        required: ['path', 'content'],
        additionalProperties: false,
      },
      outputSchema: { type: 'string' },
      needsApproval: ({ path, content }) => ({
        required: this.#needsApproval,
        message: `Write ${content.length} characters to ${path}?\n${shownEdits([{ find: '', replace: content }])}`,
      }),
      execute: async ({ path, content }) => {
        this.#mustFit(Buffer.byteLength(content), path)
        await this.#root.write(path, content)
        return `wrote ${content.length} characters to ${path}`
      },
    })
  }

  patch(): ToolDefinition {
    return tool<{ path: string; edits: readonly Edit[] }, string>({
      name: 'patchFile',
      description:
        'Replaces passages of a file. Each must stand in it exactly once; all are replaced, or none',
      // Another attempt finds what the one before has done.
      effect: 'idempotent',
      inputSchema: {
        type: 'object',
        properties: {
          path: PATH,
          edits: {
            type: 'array',
            minItems: 1,
            items: {
              type: 'object',
              properties: { find: { type: 'string', minLength: 1 }, replace: { type: 'string' } },
              required: ['find', 'replace'],
              additionalProperties: false,
            },
          },
        },
        required: ['path', 'edits'],
        additionalProperties: false,
      },
      outputSchema: { type: 'string' },
      needsApproval: ({ path, edits }) => ({
        required: this.#needsApproval,
        message: `Change ${path}?\n${shownEdits(edits)}`,
      }),
      execute: async ({ path, edits }, { attempt }) => {
        const text = await this.#text(path)
        if (attempt > 1 && isEdited(text, edits)) return `changed ${path}`
        const after = edited(text, edits, path)
        this.#mustFit(Buffer.byteLength(after), path)
        await this.#root.write(path, after)
        return `changed ${path}`
      },
    })
  }

  async #text(path: string): Promise<string> {
    const { file, bytes } = await this.#root.open(path)
    try {
      this.#mustFit(bytes, path)
      const content = await file.readFile()
      if (content.includes(0)) throw new ToolError(`'${path}' is not text.`)
      return content.toString('utf8')
    } finally {
      await file.close()
    }
  }

  #mustFit(bytes: number, path: string): void {
    if (bytes > this.#maxBytes)
      throw new ToolError(`'${path}' has ${bytes} bytes; no more than ${this.#maxBytes} are read or written.`)
  }

  /** In the order of their names; links are told and not followed. */
  async *#walk(folder: string, depth: number, abortSignal: AbortSignal): AsyncGenerator<Found> {
    abortSignal.throwIfAborted()
    const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
      throw error instanceof Error && 'code' in error && error.code === 'ENOTDIR'
        ? new ToolError(`'${this.#root.nameOf(folder)}' is not a folder.`)
        : error
    })
    entries.sort((one, other) => (one.name < other.name ? -1 : 1))
    for (const entry of entries) {
      const path = join(folder, entry.name)
      const isFolder = entry.isDirectory()
      if (isFolder && this.#ignored.has(entry.name)) continue
      yield { path, kind: isFolder ? 'folder' : entry.isFile() ? 'file' : 'other' }
      if (isFolder && depth > 1) yield* this.#walk(path, depth - 1, abortSignal)
    }
  }
}

const TEXT = { type: 'string' } as const
const MORE = { type: 'boolean', description: 'There are more than were listed.' } as const

const LISTED = {
  type: 'object',
  properties: {
    entries: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path: TEXT, kind: { enum: ['file', 'folder', 'other'] } },
        required: ['path', 'kind'],
      },
    },
    more: MORE,
  },
  required: ['entries', 'more'],
} as const

const MATCHED = {
  type: 'object',
  properties: {
    matches: {
      type: 'array',
      items: {
        type: 'object',
        properties: { path: TEXT, line: { type: 'integer' }, text: TEXT },
        required: ['path', 'line', 'text'],
      },
    },
    more: MORE,
  },
  required: ['matches', 'more'],
} as const
