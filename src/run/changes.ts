/** What a run that goes on is told of a definition that has changed since it was given one. */
import type { Definition } from '../agent/definition.ts'
import { questionId } from '../agent/derived-ids.ts'
import { systemPrompt } from '../agent/prompt.ts'
import { UsageError } from '../base/errors.ts'
import type { CallId } from '../base/halt.ts'
import type { Fact, RunOptions, Stored } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'
import { isOfSource } from '../tool/source.ts'
import { promptOf, toolFacts } from './begin.ts'

/**
 * What has changed since the run was started, as facts.
 * @throws {UsageError} another agent's name, or a tool of the run's grants that is not given.
 */
export function changesOf(
  state: State,
  definition: Definition,
  given: Partial<RunOptions>,
  stow: (text: string) => Stored,
  revoked: readonly string[] = [],
): readonly Fact[] {
  if (state.run.agent !== definition.name) {
    throw new UsageError(
      `Run ${state.runId} belongs to the agent '${state.run.agent}', not to '${definition.name}'.`,
    )
  }
  const kept = revoked.find((name) => definition.tools.has(name))
  if (kept !== undefined)
    throw new UsageError(`The tool '${kept}' is to be taken away, and is given: leave it out of the tools.`)
  const gone = state.run.tools.filter((tool) => !definition.tools.has(tool.name)).map((tool) => tool.name)
  const { sources: from } = definition
  const sources = from?.names ?? []
  // Nobody here can give back what a source has no more; before it is opened, nobody knows.
  const dropped = from?.open === undefined ? gone.filter((name) => isOfSource(name, sources)) : []
  const removed = gone.filter((name) => revoked.includes(name) || dropped.includes(name))
  const missing = gone.filter((name) => !revoked.includes(name) && !isOfSource(name, sources))
  if (missing.length > 0) {
    throw new UsageError(`Run ${state.runId} was granted tools that are not given: ${missing.join(', ')}.`, {
      hint: `Give the agent the same tools, by name, to resume it; or take them away: resume({ revoke: ['${missing[0]}'] }).`,
    })
  }
  const facts: Fact[] = []
  const ofTask: ReadonlySet<string> = new Set(state.run.options.ofTask)
  const options = Object.entries(given).filter(
    ([name, value]) =>
      !isSame(Reflect.get(state.run.options, name), value) && !FIXED.has(name) && !ofTask.has(name),
  )
  const changed = { ...state.run.options, ...Object.fromEntries(options) }
  const prompt = (): Stored =>
    stow(systemPrompt({ ...promptOf(definition, changed), today: state.createdAt }))
  const model = definition.modelName === state.run.model ? undefined : definition.modelName
  if (options.length > 0 || model !== undefined) {
    facts.push({
      kind: 'options-changed',
      options: Object.fromEntries(options),
      ...(model === undefined ? {} : { model }),
      ...(changed.actionFormat === state.run.options.actionFormat ? {} : { system: prompt() }),
    })
  }
  const known = new Map(state.run.tools.map((tool) => [tool.name, tool.digest]))
  const redeclared = [...definition.tools.values()]
    .filter((tool) => known.get(tool.name) !== tool.digest)
    .map((tool) => tool.name)
  if (redeclared.length > 0 || removed.length > 0) {
    const tools = toolFacts(definition)
    const added = redeclared.filter((name) => !known.has(name))
    facts.push({
      kind: 'tools-changed',
      tools,
      system: prompt(),
      changed: redeclared,
      ...(added.length === 0 ? {} : { added }),
      ...(removed.length === 0 ? {} : { removed }),
    })
    facts.push(
      ...askedAgain(state, new Set(redeclared), definition),
      ...takenAway(state, new Set(removed), new Set(dropped)),
    )
  }
  facts.push(...judgedAgain(state, definition, new Set([...redeclared, ...removed])))
  return facts
}

/** What was let through and has not been sent is for today's policy to judge. */
function judgedAgain(
  state: State,
  { tools, codeApproval }: Definition,
  changed: ReadonlySet<string>,
): readonly Fact[] {
  const { phase } = state
  const calls = Object.values(state.calls).flatMap(({ id, tool, at, attempt, approved }): readonly Fact[] => {
    const rule = tools.get(tool)?.approval ?? 'never'
    if (at.is !== 'ready' || attempt > 0 || changed.has(tool) || rule === 'never') return []
    if (rule === 'always' && approved === true) return []
    return [{ kind: 'verdict-given', call: id, about: 'approval', said: 'again' }]
  })
  const isCode =
    phase.at === 'approving' && phase.place.is === 'approved' && typeof codeApproval === 'function'
  return isCode ? [...calls, { kind: 'code-judged', step: phase.step, said: 'again' }] : calls
}

/**
 * Calls of tools that are taken away: what was not sent is refused, and a question about it closed, decided by nobody. What has been sent to a source that has `dropped`
 * the tool since is left as it is: a person can still say what came of it.
 * @throws {UsageError} one has been sent, and nobody knows yet what came of it.
 */
function takenAway(
  state: State,
  removed: ReadonlySet<string>,
  dropped: ReadonlySet<string>,
): readonly Fact[] {
  return Object.values(state.calls).flatMap((call): readonly Fact[] => {
    if (!removed.has(call.tool)) return []
    const { id, tool, attempt } = call
    if (attempt > 0 && dropped.has(tool)) return []
    if (attempt > 0)
      throw new UsageError(`A call of ${tool} (${id}) has been sent: it cannot be taken away now.`, {
        hint: 'Let it come home, or answer its question, and take the tool away then.',
      })
    const error = { name: 'ToolError', message: `${tool} was taken away from this run` }
    return [{ kind: 'call-returned', call: id, attempt, outcome: { ok: false, error } }]
  })
}

/** Data options are JSON: some of them are objects. */
function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

/**
 * P9: an approval is of this declaration; a changed one is asked for again, also where it was given and the call has not
 * been sent since.
 */
function askedAgain(state: State, changed: ReadonlySet<string>, { tools }: Definition): readonly Fact[] {
  const asks = (call: CallId, message: string, expiresAt?: number): Fact => ({
    kind: 'question-asked',
    question: questionId(state, call, 1_000 + state.seq),
    asks: 'approval',
    call,
    message,
    ...(expiresAt === undefined ? {} : { expiresAt }),
  })
  return Object.values(state.calls).flatMap((call): readonly Fact[] => {
    const { id, tool, at, approved } = call
    if (!changed.has(tool)) return []
    const open = at.is === 'asking' ? state.questions[at.question] : undefined
    if (open?.kind === 'approval') return [asks(id, open.message, open.expiresAt)]
    const isFree = (tools.get(tool)?.approval ?? 'never') === 'never'
    const isThrough = at.is === 'ready' || (at.is === 'judging' && approved === true)
    return isThrough && !isFree ? [asks(id, `Approve ${tool}?`)] : []
  })
}

/** Limits of the guest are part of what makes replay exact: they stay as the run began. */
const FIXED: ReadonlySet<string> = new Set(['stepTimeout', 'memory', 'callsPerStep', 'outputChars'])
