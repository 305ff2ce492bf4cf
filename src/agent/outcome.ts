/** What a tool gave, as it crosses: data of a size that a run can keep, as its own schema allows it. Whatever it gave. */
import { types } from 'node:util'
import { encodeWithin } from '../base/codec.ts'
import { showBytes } from '../base/duration.ts'
import { LimitError } from '../base/errors.ts'
import type { CallOutcome } from '../journal/entry.ts'
import type { Tool } from '../tool/tools.ts'
import { guestError } from './thrown.ts'

/** Bytes of a result, encoded, where nobody says otherwise. */
export const RESULT_SIZE: number = 32 * 1024 ** 2

/** What cannot be passed on is an error for the code, and final: the tool would give it again. */
export async function outcomeOf(tool: Tool, output: unknown, most: number): Promise<CallOutcome> {
  const checked = await tool.checkOutput(output)
  if (!checked.ok)
    return failed(
      'ToolError',
      `${tool.name} returned what its outputSchema does not allow: ${checked.message}`,
    )
  try {
    return { ok: true, value: encodeWithin(checked.value, most) }
  } catch (error) {
    quieten(checked.value)
    if (error instanceof LimitError)
      return failed(
        'LimitError',
        `${tool.name} returned more than ${showBytes(most)} (limits.resultSize). Ask it for less at a time.`,
      )
    return failed('ToolError', `${tool.name} returned what cannot be passed on. ${guestError(error).message}`)
  }
}

function failed(name: string, message: string): CallOutcome {
  return { ok: false, error: { name, message } }
}

/** Parts of a value that are looked at. */
const MOST = 10_000

/** Promises that nobody awaits (`return items.map(async …)`) end the process when one of them rejects. */
function quieten(value: unknown): void {
  const seen = new Set<unknown>([value])
  for (const part of seen) {
    if (types.isPromise(part)) part.catch(() => undefined)
    else if (!types.isProxy(part)) for (const inner of partsOf(part, MOST - seen.size)) seen.add(inner)
  }
}

/** What a list or a record holds, up to so many; getters are not asked. */
function partsOf(value: unknown, most: number): readonly unknown[] {
  if (Array.isArray(value)) return value.slice(0, most)
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return []
  return Object.keys(value)
    .slice(0, most)
    .map((key): unknown => Object.getOwnPropertyDescriptor(value, key)?.value)
}
