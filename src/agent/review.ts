/** The author's functions that look at a turn: step callbacks, and the checks of an answer. */
import { decode, encode } from '../base/codec.ts'
import { guestError, thrownBy, type CarrierOf } from './thrown.ts'
import type { Definition } from './definition.ts'
import type { Happening } from './happening.ts'
import type { Memory, WatchedStep } from './memory.ts'
import type { Effect } from './next.ts'
import type { CallbackKind } from '../journal/entry.ts'

export interface ReviewRoom {
  readonly definition: Definition
  readonly carrier: CarrierOf
  /** What a callback of that kind looks at; undefined where there is no such step. */
  watched(of: CallbackKind, step: number): Promise<WatchedStep | undefined>
  memory(): Promise<Memory>
  /** Directly before a function of the author's: what it needs was read meanwhile. @throws {LeaseLostError} */
  mustHold(): void
  log(line: string): void
}

/** Runs one callback. `attempt`: 2 where a crash cut it before. Rejects only if the story cannot be read. */
export async function runCallback(
  effect: Extract<Effect, { do: 'callback' }>,
  attempt: number,
  room: ReviewRoom,
): Promise<Happening> {
  const { definition } = room
  const { of } = effect
  const callback = definition.callbacks[of][effect.index]
  const name = callback?.name ?? ''
  const returned: Happening = {
    kind: 'callback-returned',
    key: effect.key,
    of,
    step: effect.step,
    index: effect.index,
    name,
  }
  const step = await room.watched(of, effect.step)
  if (step === undefined) return returned
  const told = await room.memory()
  // The answer is told when its task has ended: after the callbacks.
  const memory = of === 'finalAnswer' ? told.and(step) : told
  room.mustHold()
  try {
    await callback?.run(step, { agent: definition.agent, memory, attempt })
    return returned
  } catch (error) {
    const thrown = thrownBy(error, room)
    const by = { callback: effect.index, of, step: effect.step, name }
    if ('interruption' in thrown) return { kind: 'interrupted', key: effect.key, by, ...thrown }
    // A callback that throws watches badly; the step that it watched has happened and stays.
    room.log(`callback ${name} threw: ${guestError(thrown.error).message}`)
    return returned
  }
}

/** Asks one check; the answer's schema, where there is one, is the first. Rejects only if the story cannot be read. */
export async function runCheck(
  effect: Extract<Effect, { do: 'check' }>,
  answer: string,
  room: ReviewRoom,
): Promise<Happening> {
  const { definition } = room
  const shapes = definition.checkOutput === undefined ? 0 : 1
  const check = definition.checks[effect.index - shapes]
  const name = effect.index < shapes ? 'outputSchema' : (check?.name ?? '')
  const { review } = effect
  const base = { kind: 'checked' as const, key: effect.key, review, index: effect.index, name }
  const memory = await room.memory()
  room.mustHold()
  try {
    if (effect.index < shapes) {
      const checked = await definition.checkOutput?.(decode(answer))
      if (checked?.ok === false) return { ...base, refused: checked.message }
      return checked === undefined ? base : { ...base, value: encode(checked.value) }
    }
    const { decisions } = effect
    const verdict: unknown = await check?.run(decode(answer), { memory, agent: definition.agent, decisions })
    return verdict === false ? { ...base, refused: 'the check returned false' } : base
  } catch (error) {
    const thrown = thrownBy(error, room)
    if ('interruption' in thrown)
      return { kind: 'interrupted', key: effect.key, by: { check: effect.index, review, name }, ...thrown }
    return { ...base, refused: guestError(thrown.error).message }
  }
}
