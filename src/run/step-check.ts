/**
 * The type check of a run's steps: what the story says of the steps before. Its verdict is journaled as the error of a
 * step that was not run, so a replay never asks again.
 */
import type { Definition } from '../agent/definition.ts'
import { decode } from '../base/codec.ts'
import type { GuestError } from '../base/halt.ts'
import type { Stored } from '../journal/entry.ts'
import type { Chapter } from '../journal/story.ts'
import type { PastStep, TypeCheck } from '../sandbox/check/check.ts'
import { typesOf, type ToolTypes } from '../tool/declare.ts'

export interface StepCheck {
  /** The model is about to be asked: what the check needs is made ready meanwhile. */
  prepare(chapters: readonly Chapter[]): void
  /** What is certainly wrong with a step's code. Never rejects. */
  check(step: number, source: string, chapters: readonly Chapter[]): Promise<GuestError | undefined>
}

/** `undefined` where steps are not checked. `text`: of what the story stores. */
export function stepCheck(definition: Definition, text: (stored: Stored) => string): StepCheck | undefined {
  if (definition.typeCheck !== true) return undefined
  let loaded: Promise<Loaded> | undefined
  const check: StepCheck['check'] = async (step, source, chapters) => {
    try {
      loaded ??= load(definition)
      const { types, tools } = await loaded
      return await types.check(step, source, () => ({
        tools,
        past: chapters.flatMap(pastStep),
        variables: chapters.flatMap((chapter) => variablesOf(chapter, text)),
      }))
    } catch {
      return undefined
    }
  }
  return {
    prepare: (chapters) => void check(0, '', chapters),
    check,
  }
}

interface Loaded {
  readonly types: TypeCheck
  readonly tools: readonly ToolTypes[]
}

/** At the first use: a run that is only resumed has no need of it. */
async function load({ tools }: Definition): Promise<Loaded> {
  const [{ TypeCheck: Check }, { sharedChecker }] = await Promise.all([
    import('../sandbox/check/check.ts'),
    import('../sandbox/check/checker.ts'),
  ])
  return {
    types: new Check(sharedChecker()),
    tools: [...tools.values()].map(({ name, inputSchema, outputSchema }) =>
      typesOf({ name, input: inputSchema, output: outputSchema }),
    ),
  }
}

/** The step, if its program left anything behind: one that was killed did not. */
function pastStep(chapter: Chapter): readonly PastStep[] {
  if (chapter.kind !== 'action' || chapter.notRun === true || chapter.killed !== undefined) return []
  // An answer ends a program where it stands, as an error does.
  const isWhole = chapter.error === undefined && chapter.answer === undefined
  return [{ step: chapter.number, source: chapter.code, isWhole }]
}

const named = new WeakMap<Chapter, readonly string[]>()

/** The names of values that were given with a task, or left by the one before. */
function variablesOf(chapter: Chapter, text: (stored: Stored) => string): readonly string[] {
  if (chapter.kind !== 'task') return []
  const known = named.get(chapter)
  if (known !== undefined) return known
  const { additionalArgs, found } = chapter
  const args = additionalArgs === undefined ? [] : Object.keys(decode(text(additionalArgs)) as object)
  const names = found?.output === undefined ? args : [...args, 'lastOutput']
  named.set(chapter, names)
  return names
}
