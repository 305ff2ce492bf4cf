/**
 * What the code reads of its own run: the steps before, as the model was told of them, whole. What a read gave is
 * journaled with its call, so a replay never reads again.
 */
import { decode, encode } from '../base/codec.ts'
import type { Encoded } from '../base/halt.ts'
import type { CallOutcome } from '../journal/entry.ts'
import { asTold, type ActionChapter, type Chapter } from '../journal/story.ts'
import { observation } from './messages.ts'

/** The guest's call for a read. Input: `[step, 'output' | 'code']`. */
export const HISTORY = '$history'

/** Never rejects: what cannot be read is told to the code. */
export async function readHistory(
  input: Encoded,
  chapters: () => Promise<readonly Chapter[]>,
): Promise<CallOutcome> {
  const [number, part] = decode(input) as readonly unknown[]
  const action = (await chapters()).findLast(
    (chapter): chapter is ActionChapter => chapter.kind === 'action' && chapter.number === number,
  )
  if (action?.endedAt === undefined) {
    const message = `There is no step ${String(number)} that has ended.`
    return { ok: false, error: { name: 'RangeError', message } }
  }
  return { ok: true, value: encode(part === 'code' ? action.code : observation(asTold(action))) }
}
