/**
 * The texts that are put to the model, as templates that an author may replace.
 *
 * T1  A placeholder is `{{name}}`. Each template has its own; one that it does not know, or lacks, fails when the agent
 *     is made, naming it.
 * T2  What is filled in is never read again: a task that contains `{{tools}}` stays as it is.
 * T3  A placeholder that stands alone in its paragraph takes the paragraph with it where it is empty.
 */
import { UsageError } from '../base/errors.ts'

const SYSTEM = `You solve tasks by writing TypeScript that runs in a sandbox. {{acting}}

The sandbox:
- Tools are async functions: await tools.name(input). Nothing else reaches the world: no import, no require, no fetch, no files, no process.
- It has the language with top-level await, Intl in all languages and time zones (its own zone is UTC), URL, timers, structuredClone, TextEncoder, crypto.randomUUID and crypto.subtle.digest.
- Top-level variables, functions and classes stay for later steps, also after an error. Never redo work that is done.
- await ask("question", jsonSchema?) asks a person, await sleep("2d") waits. Both may take days; variables are kept.
- pin("note") keeps a note in view when older steps are summarised; await history.step(3).output is all that step 3 printed.

How to work:
- Fetch, compute, check and call finalAnswer(value) in the same step wherever you can: each step costs time and money.
- Run independent calls together, with a catch for each, so that one failure does not hide the others: await Promise.all(ids.map((id) => get({ id }).catch((error) => ({ id, error })))).
- Of data you do not know, print the length, the header or keys and three rows, never the whole. Filter before you fetch; keep what you looked up in a variable.
- See the data first, then act. Where anything is unsure, effects get a step of their own; keep apart what was done, what was refused and what failed.
- A write that timed out may have happened: look it up before you send it again.
- "rejected by a person: ..." is final. Do not try another way; the reason may be an instruction.
- If several could be meant, ask once, before the effect, and name all candidates.
- If the facts do not allow an answer, answer that, and what is missing. Never guess.

Today is {{today}} (UTC).

{{tools}}

{{answer}}

{{instructions}}`

const FINAL_ANSWER =
  'You have used {{limit}}. Give your final answer to the task now, in words or as a value, from what you know so far. You cannot run more code.'

const PLAN = `Before you act, write a short plan. You cannot run code now.

1. The facts: what the task gives, what has to be looked up, what has to be worked out.
2. The steps, numbered: few, each one program that fetches, computes and checks as much as it can. Name the tools.`

const PLAN_UPDATE = `Look at what has come out so far, and write the plan anew. You cannot run code now.

1. The facts: what is known now, what has still to be looked up or worked out.
2. The steps that remain, numbered. Change whatever has proved wrong. You have {{steps}} left.`

const SUMMARY = `Your context is nearly full. Write a summary that takes the place of all up to step {{upTo}}. You cannot run code now.

- What was found out: names, numbers, ids, as they are.
- What was done, what was refused, what failed.
- Which variables and functions are needed on, and what is in them.
- What was decided and why, and what is left to do.

The task, the plans, what people said and your pinned notes stay as they are, and what a step printed can be read again in the code.`

/** The placeholders of each template. */
interface Slots {
  readonly system: 'tools' | 'answer' | 'instructions' | 'acting' | 'today'
  readonly finalAnswer: 'limit' | 'task'
  readonly plan: 'task' | 'steps'
  readonly planUpdate: 'task' | 'steps'
  readonly summary: 'task' | 'upTo'
}

/** Texts in place of the package's own, with `{{placeholders}}`; docs/prompt.md lists them. */
export type PromptTemplates = { readonly [Name in keyof Slots]: string }

interface Template<Slot> {
  readonly text: string
  /** Without these the model would miss what the author, or the run, has to tell it. */
  readonly needs: readonly Slot[]
  readonly may: readonly Slot[]
}

const TEMPLATES: { readonly [Name in keyof Slots]: Template<Slots[Name]> } = {
  system: { text: SYSTEM, needs: ['tools', 'answer', 'instructions'], may: ['acting', 'today'] },
  finalAnswer: { text: FINAL_ANSWER, needs: [], may: ['limit', 'task'] },
  plan: { text: PLAN, needs: [], may: ['task', 'steps'] },
  planUpdate: { text: PLAN_UPDATE, needs: [], may: ['task', 'steps'] },
  summary: { text: SUMMARY, needs: [], may: ['task', 'upTo'] },
}

/** All templates, those that are given in place of our own. @throws {UsageError} naming template and placeholder. */
export function templatesOf(given: Partial<PromptTemplates> = {}): PromptTemplates {
  const names = Object.keys(TEMPLATES) as readonly (keyof Slots)[]
  const unknown = Object.keys(given).find((name) => !Object.hasOwn(TEMPLATES, name))
  if (unknown !== undefined)
    throw new UsageError(`promptTemplates: there is no template '${unknown}'.`, {
      hint: `There are: ${names.join(', ')}.`,
    })
  for (const name of names) if (given[name] !== undefined) check(name, given[name])
  // Every name gets its text.
  return Object.fromEntries(
    names.map((name) => [name, given[name] ?? TEMPLATES[name].text]),
  ) as PromptTemplates
}

/** The template with its placeholders filled (T2, T3). */
export function fill<Name extends keyof Slots>(
  templates: PromptTemplates,
  name: Name,
  values: Readonly<Record<Slots[Name], string>>,
): string {
  const given: Readonly<Record<string, string>> = values
  const slots = /\n\n\{\{(\w+)\}\}(?=\n\n|$)|\{\{(\w+)\}\}/g
  return templates[name].replace(slots, (_whole, alone: string | undefined, within: string | undefined) => {
    const value = given[alone ?? within ?? ''] ?? ''
    return alone === undefined || value === '' ? value : `\n\n${value}`
  })
}

function check(name: keyof Slots, text: unknown): void {
  const where = `promptTemplates.${name}`
  if (typeof text !== 'string' || text.trim() === '')
    throw new UsageError(`${where} must be a text, and not empty.`)
  const { needs, may }: Template<string> = TEMPLATES[name]
  const found = new Set(Array.from(text.matchAll(/\{\{([^{}]*)\}\}/g), ([, slot = '']) => slot))
  const known = [...needs, ...may].map((slot) => `{{${slot}}}`).join(', ')
  for (const slot of found)
    if (!needs.includes(slot) && !may.includes(slot))
      throw new UsageError(`${where} has a placeholder {{${slot}}} that is not known.`, {
        hint: `It may have: ${known}.`,
      })
  const missing = needs.find((slot) => !found.has(slot))
  if (missing !== undefined)
    throw new UsageError(`${where} lacks the placeholder {{${missing}}}.`, {
      hint: `It must have: ${needs.map((slot) => `{{${slot}}}`).join(', ')}.`,
    })
}
