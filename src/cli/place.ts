/** Where things are: the state file, and how commands that people copy name it. */
import { isAbsolute, relative, resolve } from 'node:path'
import { StateNotFoundError } from '../base/errors.ts'
import { sqliteStore, type SqliteStore } from '../journal/sqlite.ts'
import type { Settings } from './settings.ts'

const DEFAULT = './agent_state.db'

export interface Place {
  /** The absolute path of the state file. */
  readonly file: string
  /** ` --store <path>` where a command typed here needs it, else nothing. */
  readonly flag: string
}

/** The state file: the one named, else the agent's own, else the default one. */
export function placeOf(settings: Settings, ofAgent?: string): Place {
  const file = resolve(settings.store ?? ofAgent ?? DEFAULT)
  const implied = resolve(settings.impliedStore ?? DEFAULT)
  return { file, flag: file === implied ? '' : ` --store ${quoted(near(file))}` }
}

/** The state file of a command that loads no agent, unless one was named and no file was. */
export async function storePlace(settings: Settings): Promise<Place> {
  const module = settings.agent ?? settings.usualAgent
  if (settings.store !== undefined || module === undefined) return placeOf(settings)
  const { loadAgent } = await import('./agent-module.ts')
  return placeOf(settings, (await loadAgent(module)).storagePath)
}

/** `read`: change nothing. `write`: the file exists. `create`: make it if there is none. */
export type Access = 'read' | 'write' | 'create'

/** @throws {StateNotFoundError} @throws {StateCorruptError} @throws {UsageError} all naming the path. */
export function openStore(place: Place, access: Access): SqliteStore {
  try {
    return sqliteStore(place.file, { create: access === 'create', readOnly: access === 'read' })
  } catch (error) {
    if (!(error instanceof StateNotFoundError)) throw error
    throw new StateNotFoundError(error.message, {
      cause: error,
      hint: 'pca run <agent.ts> <task> makes one; --store or PCA_STORE names another.',
    })
  }
}

/** A path as short as it can be said from here. */
export function near(path: string): string {
  const way = relative(process.cwd(), path)
  return way === '' || way.startsWith('..') || isAbsolute(way) ? path : way
}

/** One word of a shell command. */
export function quoted(word: string): string {
  return /^[\w./:@%+=,-]+$/.test(word) ? word : `'${word.replaceAll(`'`, `'\\''`)}'`
}
