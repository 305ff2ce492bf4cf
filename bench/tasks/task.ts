/**
 * What a task of the set is: words for a model, tools in a world of their own, and a checker that knows the right
 * answer without asking anybody.
 *
 * T1  A scene is made anew for each attempt: what one attempt did, no other sees.
 * T2  The data are made by arithmetic: the same in every process.
 * T3  Each task has a reference solution that its checker accepts, and a wrong answer that it refuses (test/bench).
 */
import { isDeepStrictEqual } from 'node:util'
import type { z } from 'zod'

/** A tool, for whoever runs the task: a code agent or a loop of tool calls. */
export interface TaskTool {
  readonly name: string
  readonly description: string
  readonly input: z.ZodType
  readonly output: z.ZodType
  readonly effect: 'read' | 'once'
  /** A person decides about each call. */
  readonly needsApproval?: true
  readonly execute: (input: never) => unknown
}

/** What a person is asked, and says. */
export type PersonSays =
  | { readonly type: 'respond'; readonly value: unknown }
  | { readonly type: 'approve' }
  | { readonly type: 'reject'; readonly reason: string }

export interface Asked {
  /** Of a question in words. */
  readonly message?: string
  /** Of an approval. */
  readonly call?: { readonly tool: string; readonly args: unknown }
}

/** One attempt at a task. */
export interface Scene {
  readonly tools: readonly TaskTool[]
  readonly person?: (asked: Asked) => PersonSays
  /** What is wrong with the answer, or with what was done on the way; undefined: nothing. */
  check(answer: unknown): string | undefined
}

export type Kind =
  | 'data'
  | 'time'
  | 'joins'
  | 'paging'
  | 'trouble'
  | 'people'
  | 'large'
  | 'unanswerable'
  | 'effects'

export interface Task {
  readonly id: string
  readonly kind: Kind
  readonly task: string
  /** The shape of the answer. */
  readonly answer: z.ZodType
  scene(): Scene
  /** The reference: a program for each step. */
  readonly solution: readonly string[]
  /** An answer that looks right. */
  readonly wrong: unknown
}

/** A tool that only reads. */
export function reads<Input, Output>(
  name: string,
  description: string,
  { input, output }: { readonly input: z.ZodType<Input>; readonly output: z.ZodType<Output> },
  execute: (input: Input) => Output,
): TaskTool {
  return { name, description, input, output, effect: 'read', execute }
}

/** A tool that does something. */
export function does<Input, Output>(
  name: string,
  description: string,
  { input, output }: { readonly input: z.ZodType<Input>; readonly output: z.ZodType<Output> },
  execute: (input: Input) => Output,
): TaskTool {
  return { name, description, input, output, effect: 'once', execute }
}

/** A scene that reads only: the answer is all there is to check. */
export function asking(tools: readonly TaskTool[], right: unknown): Scene {
  return { tools, check: (answer) => same(answer, right) }
}

export function same(answer: unknown, right: unknown, what = 'answer'): string | undefined {
  if (isDeepStrictEqual(plain(answer), plain(right))) return undefined
  return `wrong ${what}: ${JSON.stringify(answer)?.slice(0, 200)}, not ${JSON.stringify(right).slice(0, 200)}`
}

/** The first thing that is wrong. */
export function all(...found: readonly (string | undefined)[]): string | undefined {
  return found.find((one) => one !== undefined)
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value))
}

/** Numbers that look random (T2): from 0, below `below`. */
export function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
