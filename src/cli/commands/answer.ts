/** `pca approve`, `pca reject`, `pca answer`: a person's decision on an open question. It is recorded, nothing is driven. */
import { StateNotFoundError, UsageError } from '../../base/errors.ts'
import { isWithin } from '../../agent/lineage.ts'
import type { Decision, Remember } from '../../journal/entry.ts'
import type { QuestionRow, Store } from '../../journal/store.ts'
import { questionOf, type Question } from '../../run/result.ts'
import { answerQuestion } from '../../run/signal.ts'
import { editText, mustBeJson, valueOf } from '../decide.ts'
import { exampleOf } from '../example.ts'
import { allRuns, findQuestion, findRun } from '../find.ts'
import { openStore, quoted, storePlace } from '../place.ts'
import { argumentsOf } from '../questions.ts'
import { tellEdit, terminalOf } from '../prompt.ts'
import type { Screen } from '../screen.ts'
import type { Settings } from '../settings.ts'
import { indented, jsonText, oneLine, safe } from '../text.ts'

interface By {
  readonly by?: string
}

/** What counts for later calls too. */
interface Remembering {
  readonly remember?: string
  readonly sameArgs?: boolean
}

/** Which questions are meant, where none is named. */
interface Several {
  /** Every open approval of this run (or of every run), with `tool` of this tool only. */
  readonly all?: string | true
  readonly tool?: string
}

/** `edit`: JSON, or `true` where an editor is to be opened. */
/** `asResult`: of an approval, the answer takes the place of the call. */
export type AnswerOptions = By & { readonly asResult?: boolean }
export type ApproveOptions = By & Remembering & Several & { readonly edit?: string | true }
export type RejectOptions = By & Remembering & Several & { readonly reason?: string }

export async function approve(
  screen: Screen,
  settings: Settings,
  given: readonly string[],
  options: ApproveOptions,
): Promise<number> {
  const remember = rememberOf(options)
  if (options.edit !== undefined && (given.length !== 1 || options.all !== undefined))
    throw new UsageError('--edit is about one question.', { hint: 'pca approve <question> --edit' })
  if (options.edit !== undefined && remember !== undefined)
    throw new UsageError('What was edited is approved once: it cannot be remembered.')
  return decideAll(screen, settings, given, options, async (question) => {
    if (options.edit === undefined) return { type: 'approve', ...remember }
    if (typeof options.edit !== 'string') return edited(screen, question)
    const args = mustBeJson(options.edit, '--edit')
    if (question?.call !== undefined && !screen.json) tellEdit(screen.err, question.call.args, args)
    return { type: 'edit', args }
  })
}

export async function reject(
  screen: Screen,
  settings: Settings,
  given: readonly string[],
  options: RejectOptions,
): Promise<number> {
  const { reason } = options
  const remember = rememberOf(options)
  return decideAll(screen, settings, given, options, async () => ({
    type: 'reject',
    ...(reason === undefined ? {} : { reason }),
    ...remember,
  }))
}

/** @throws {UsageError} it is neither for the run nor for the agent. */
function rememberOf({ remember, sameArgs }: Remembering): { readonly remember: Remember } | undefined {
  if (remember === undefined) {
    if (sameArgs !== true) return undefined
    throw new UsageError('--same-args says what is remembered: give --remember run or --remember agent too.')
  }
  if (remember !== 'run' && remember !== 'agent')
    throw new UsageError(`--remember takes run or agent, not ${remember}.`, {
      hint: 'run: for this run and all that belong to it. agent: for every run of this agent in this store.',
    })
  return { remember: { scope: remember, ...(sameArgs === true ? { sameArgs } : {}) } }
}

/** One decision on each of the questions that are named, or on all that are meant. */
async function decideAll(
  screen: Screen,
  settings: Settings,
  given: readonly string[],
  options: By & Several,
  choose: Choose,
): Promise<number> {
  const { all, tool } = options
  if (given.length > 0 && (all !== undefined || tool !== undefined))
    throw new UsageError('Name the questions, or give --all; not both.')
  if (given.length === 0 && all === undefined)
    throw new UsageError('Which question?', {
      hint: 'pca inbox lists the open ones; --all means every approval.',
    })
  const ids = given.length > 0 ? given : await meant(settings, all, tool)
  if (ids.length === 0) throw new StateNotFoundError('No open approval is meant.', { hint: 'pca inbox' })
  for (const id of ids) await decide(screen, settings, id, options, choose)
  return 0
}

async function meant(
  settings: Settings,
  all: string | true | undefined,
  tool: string | undefined,
): Promise<readonly string[]> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'read')
  const runId = typeof all === 'string' ? (await findRun(store, all)).runId : undefined
  return (await store.questions({}))
    .filter((row) => row.kind === 'approval' && (runId === undefined || isWithin(row.runId, runId)))
    .filter((row) => tool === undefined || questionOf(row).call?.tool === tool)
    .map((row) => row.id)
}

export async function answer(
  screen: Screen,
  settings: Settings,
  { question, value }: { readonly question: string; readonly value: string },
  options: AnswerOptions,
): Promise<number> {
  return decide(screen, settings, question, options, async (asked) => {
    if (asked?.kind === 'approval' && options.asResult !== true && CONSENT.test(value))
      throw new UsageError(
        `This is an approval of ${safe(asked.call?.tool ?? 'a call')}: an answer would be its result, and the tool would not run.`,
        {
          hint: `pca approve ${asked.id}, pca reject ${asked.id}, or, if that is what you mean: pca answer ${asked.id} ${quoted(value)} --as-result`,
        },
      )
    return { type: 'respond', value: await valueOf(value, asked?.schema) }
  })
}

/** What is said to a request, and hardly the result of a call. */
const CONSENT = /^\s*"?(?:y|yes|ok|okay|no|n)"?\s*$/i

type Choose = (question: Question | undefined) => Promise<Decision>

async function decide(
  screen: Screen,
  settings: Settings,
  given: string,
  { by }: By,
  choose: Choose,
): Promise<number> {
  const place = await storePlace(settings)
  await using store = openStore(place, 'write')
  const row = await findQuestion(store, given)
  const question = row === undefined ? undefined : questionOf(row)
  const decision = await choose(question)
  const runId = row?.runId ?? (await answerClosed(store, given, decision, by))
  if (row !== undefined && question !== undefined)
    await fitting(question, decision, () => answerQuestion(store, runId, row.id, decision, by))
  const id = row?.id ?? given
  if (screen.json) screen.data({ v: 1, question: id, runId, decision })
  else {
    const { out } = screen
    out.line(
      `${DONE[decision.type]} ${id}${row === undefined ? ' (as before)' : ''}${whatOf(row, question, decision)}`,
    )
    if (question?.kind === 'approval' && decision.type === 'respond')
      out.line('It is the result of the call: the tool does not run.')
    out.line(`Go on:\n  pca resume ${runId}${place.flag}`)
  }
  return 0
}

/** An answer that does not fit is told with one that would. */
async function fitting(question: Question, decision: Decision, send: () => Promise<unknown>): Promise<void> {
  try {
    await send()
  } catch (error) {
    const { schema } = question
    if (!(error instanceof UsageError) || decision.type !== 'respond' || schema === undefined) throw error
    const example = quoted(jsonText(exampleOf(schema)))
    throw new UsageError(`${oneLine(error.message)}\nThe schema is ${jsonText(schema)}`, {
      cause: error,
      hint: `For example: pca answer ${question.id} ${example}`,
    })
  }
}

const DONE: Readonly<Record<Decision['type'], string>> = {
  approve: 'Approved',
  edit: 'Approved, with edited arguments,',
  reject: 'Rejected',
  respond: 'Answered',
}

/** The exact arguments that the decision is about. */
function whatOf(row: QuestionRow | undefined, question: Question | undefined, decision: Decision): string {
  if (row === undefined || question === undefined) return ''
  if (decision.type === 'respond') return `: ${jsonText(decision.value)}`
  const { call } = question
  if (call === undefined) return `: ${safe(question.message)}`
  const args = decision.type === 'edit' ? decision.args : call.args
  return `: ${safe(call.tool)}\n${indented(argumentsOf(args), '    ')}`
}

/** A question that is closed keeps its decision: the run that knows the id says whether this one is the same. */
async function answerClosed(store: Store, id: string, decision: Decision, by?: string): Promise<string> {
  for (const { runId } of await allRuns(store)) {
    try {
      await answerQuestion(store, runId, id, decision, by)
      return runId
    } catch (error) {
      if (!(error instanceof StateNotFoundError)) throw error
    }
  }
  throw new StateNotFoundError(`There is no open question ${id}.`, { hint: 'pca inbox lists the open ones.' })
}

async function edited(screen: Screen, question: Question | undefined): Promise<Decision> {
  const call = question?.call
  if (call === undefined)
    throw new UsageError('There are no arguments to edit: this question is not about a call.')
  const args = editText(jsonText(call.args, 2))
  if (!tellEdit(screen.err, call.args, args)) {
    throw new UsageError('Nothing was changed, and nothing was sent.', {
      hint: 'Approve it as it is without --edit.',
    })
  }
  if (process.stdin.isTTY && screen.err.isTerminal) {
    const sure = await terminalOf(screen.err).read('Approve with these arguments? [y]es, [n]o: ')
    if (sure?.trim().toLowerCase().startsWith('y') !== true) throw new UsageError('Nothing was sent.')
  }
  return { type: 'edit', args }
}
