/**
 * A durable notebook: values by key, in a folder that outlives runs and processes. One file for each key, replaced whole.
 */
import { mkdirSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ToolError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import { tool, type ToolDefinition } from '../tool/tool.ts'
import { Root } from './root.ts'

const MOST_BYTES = 1024 ** 2
const MOST_KEYS = 1_000
const KEY = { type: 'string', minLength: 1, maxLength: 80 } as const

/** `note`, `recall`, `listNotes` and `forget`. The folder is made if it is not there. */
export function notebook(folder: string): readonly ToolDefinition[] {
  mkdirSync(folder, { recursive: true })
  const root = new Root(folder)
  return [
    tool<{ key: string; value: unknown }, string>({
      name: 'note',
      description: 'Keeps a value under a key, for later runs too. Replaces what was there',
      effect: 'idempotent',
      inputSchema: {
        type: 'object',
        properties: { key: KEY, value: { description: 'Anything that JSON can hold.' } },
        required: ['key', 'value'],
        additionalProperties: false,
      },
      outputSchema: { type: 'string' },
      execute: async ({ key, value }) => {
        const text = JSON.stringify(value)
        if (text === undefined) throw new ToolError('That is nothing that JSON can hold.')
        if (Buffer.byteLength(text) > MOST_BYTES)
          throw new ToolError(`The value has more than ${MOST_BYTES} bytes as JSON.`)
        await root.write(fileOf(key), text)
        return `noted ${key}`
      },
    }),
    tool<string>({
      name: 'recall',
      description: 'The value that was kept under a key; undefined where there is none',
      effect: 'read',
      inputSchema: KEY,
      execute: async (key) => {
        const text = await readFile(join(root.path, fileOf(key)), 'utf8').catch(() => undefined)
        return text === undefined ? undefined : parseJson(text, `The note '${key}'`)
      },
    }),
    tool<string | undefined, readonly string[]>({
      name: 'listNotes',
      description: `The keys that begin with a text, at most ${MOST_KEYS}, in their order`,
      effect: 'read',
      inputSchema: { type: 'string', default: '', description: 'What they begin with.' },
      outputSchema: { type: 'array', items: { type: 'string' } },
      execute: async (prefix = '') =>
        (await readdir(root.path))
          .filter((name) => name.endsWith(END))
          .map((name) => decodeURIComponent(name.slice(0, -END.length)))
          .filter((key) => key.startsWith(prefix))
          .toSorted((one, other) => (one < other ? -1 : 1))
          .slice(0, MOST_KEYS),
    }),
    tool<string, string>({
      name: 'forget',
      description: 'Removes what was kept under a key',
      effect: 'idempotent',
      inputSchema: KEY,
      outputSchema: { type: 'string' },
      execute: async (key) => {
        await rm(join(root.path, fileOf(key)), { force: true })
        return `forgot ${key}`
      },
    }),
  ]
}

const END = '.json'

/** A key is the name of a file, whatever is in it: nothing of it is a path. */
function fileOf(key: string): string {
  if (!key.isWellFormed()) throw new ToolError('The key is not well-formed text.')
  const name = encodeURIComponent(key).replaceAll('.', '%2E').replaceAll('*', '%2A')
  if (name.length + END.length > 250) throw new ToolError('The key is too long.')
  return name + END
}
