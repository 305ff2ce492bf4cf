/** An edit of the memory, checked at the door: which step is meant, and whether the patch fits it. */
import { UsageError } from '../base/errors.ts'
import { encode } from '../base/codec.ts'
import type { MemoryEdit, StepPatch } from '../journal/entry.ts'
import { imagesOf, type ImageGiven } from './images.ts'

/** What has to be known of a step: its place, and whether it still runs. */
interface Place {
  readonly kind: string
  readonly number?: number
  readonly isRunning?: true
}

/** What an edit changes. `null` takes a thing away. */
export interface MemoryPatch extends Omit<StepPatch, 'images'> {
  /** Of a task or an action: the images that the model is shown with it, in place of those that there were. */
  readonly images?: readonly ImageGiven[] | null
}

const NAMES = { task: 'a task', planning: 'a plan', action: 'an action' } as const

const FIELDS = {
  task: { task: ['text'], images: ['list', 'null'] },
  planning: { plan: ['text'] },
  action: { output: ['text'], value: ['text', 'null'], error: ['null'], images: ['list', 'null'] },
} as const satisfies Record<
  MemoryEdit['of'],
  Partial<Record<keyof StepPatch, readonly ('text' | 'list' | 'null')[]>>
>

/** @throws {UsageError} no such step, one that cannot be edited, or a patch that does not fit. */
export function checkEdit(
  steps: readonly Place[],
  given: Place | number,
  patch: MemoryPatch,
): Omit<MemoryEdit, 'by'> {
  const step: unknown = typeof given === 'number' ? { kind: 'action', number: given } : given
  const { kind: of, number } = Object(step) as { readonly kind?: unknown; readonly number?: unknown }
  if (of !== 'task' && of !== 'planning' && of !== 'action')
    throw new UsageError(
      of === 'finalAnswer'
        ? 'A final answer is the output of its task: it cannot be edited.'
        : 'memory.edit takes a step of the memory, or the number of an action.',
    )
  const found = steps.find((one) => one.kind === of && one.number === number)
  if (found === undefined || typeof number !== 'number')
    throw new UsageError(`The memory has no ${of} step ${String(number)}.`)
  if (found.isRunning === true)
    throw new UsageError(`Step ${number} is still running: it can be edited when it has ended.`)
  return { of, number, patch: checkPatch(of, patch) }
}

function checkPatch(of: MemoryEdit['of'], patch: unknown): StepPatch {
  const fields: Readonly<Record<string, readonly string[]>> = FIELDS[of]
  const names = Object.keys(fields).join(', ')
  const what = NAMES[of]
  if (typeof patch !== 'object' || patch === null || Array.isArray(patch))
    throw new UsageError(`The patch of ${what} is an object with some of: ${names}.`)
  const given = Object.entries(patch).filter(([, value]) => value !== undefined)
  if (given.length === 0) throw new UsageError(`The patch is empty: give some of ${names}.`)
  for (const [name, value] of given) {
    const allowed = Object.hasOwn(fields, name) ? fields[name] : undefined
    if (allowed === undefined)
      throw new UsageError(`'${name}' of ${what} cannot be edited; these can: ${names}.`)
    const is = kindOf(value)
    if (!allowed.includes(is))
      throw new UsageError(`'${name}' of ${what} becomes ${allowed.join(' or ')}, not ${is}.`)
  }
  if (of === 'task' && 'task' in patch && typeof patch.task === 'string' && patch.task.trim() === '')
    throw new UsageError('A task is text, and not empty.')
  const { images, ...rest } = Object.fromEntries(given) as MemoryPatch
  if (images === undefined || images === null) return Object.fromEntries(given)
  return { ...rest, images: images.length === 0 ? null : encode(imagesOf(images)) }
}

function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value === 'string') return 'text'
  return Array.isArray(value) ? 'list' : typeof value
}
