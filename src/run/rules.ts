/** Remembered decisions: what people let later calls do, or forbid them, for all to see and to take back. */
import { StateNotFoundError, UsageError } from '../base/errors.ts'
import { parseJson } from '../base/json.ts'
import type { Decision, QuestionId, RunId } from '../journal/entry.ts'
import type { QuestionRow, Rule, RuleFilter, RuleRow, Store } from '../journal/store.ts'
import { again } from './again.ts'

/** A decision that counts for later calls. It is known by the question whose answer it was. */
export interface RememberedDecision {
  readonly question: QuestionId
  /** The run in which it was made: when that is removed, it is gone too. */
  readonly runId: RunId
  readonly says: 'approve' | 'reject'
  readonly tool: string
  readonly agent: string
  /** `run`: for the run and all that belong to it. `agent`: for every run of the agent in this store. */
  readonly scope: 'run' | 'agent'
  /** True: only for calls with the same arguments. */
  readonly sameArgs: boolean
  readonly reason?: string
  readonly by?: string
  readonly at: Date
}

/** Those that stand, oldest first. */
export async function rememberedDecisions(
  store: Store,
  filter: RuleFilter = {},
): Promise<readonly RememberedDecision[]> {
  return (await store.rules(filter)).map(decisionOf)
}

/** From now on it counts no more; calls that it has let happen are not undone. @throws {StateNotFoundError} no such decision. */
export async function withdrawDecision(store: Store, question: QuestionId): Promise<RememberedDecision> {
  const found = (await store.rules({})).find((row) => row.question === question)
  if (found === undefined)
    throw new StateNotFoundError(`No remembered decision of question ${question} stands.`, {
      hint: 'pca decisions lists those that do.',
    })
  await again(async () => store.withdraw(found.runId, question))
  return decisionOf(found)
}

/** What the decision lets later calls do. @throws {UsageError} it is about no call that could come again. */
export async function ruleIn(
  store: Store,
  { runId, kind, call }: QuestionRow,
  decision: Decision,
  by: string | undefined,
): Promise<Rule | undefined> {
  if (decision.type !== 'approve' && decision.type !== 'reject') return undefined
  const { type: says, remember } = decision
  if (remember === undefined) return undefined
  if (typeof remember !== 'object' || remember === null || !SCOPES.includes(remember.scope))
    throw new UsageError(
      `remember is { scope: 'run' | 'agent', sameArgs? }, not ${JSON.stringify(remember)}.`,
    )
  const row = await store.run(runId)
  const { tool, declaration, digest, combination } = callIn(call)
  if (kind !== 'approval' || row === undefined || declaration === undefined || tool === undefined)
    throw new UsageError('Only a decision on the approval of a call of a tool can be remembered.')
  const reason = decision.type === 'reject' ? decision.reason : undefined
  return {
    scope: remember.scope,
    says,
    agent: row.agent,
    rootRunId: row.rootRunId,
    tool,
    declaration,
    ...(remember.sameArgs === true && digest !== undefined ? { args: digest } : {}),
    ...(combination === true ? { combination } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(by === undefined ? {} : { by }),
  }
}

const SCOPES: readonly unknown[] = ['run', 'agent']

interface CallShown {
  readonly tool?: string
  readonly declaration?: string
  readonly digest?: string
  readonly combination?: true
}

function callIn(call: string | undefined): CallShown {
  return call === undefined ? {} : (parseJson(call, 'The call of a question') as CallShown)
}

function decisionOf({ question, runId, at, rule }: RuleRow): RememberedDecision {
  const { says, tool, agent, scope, args, reason, by } = rule
  return {
    question,
    runId,
    says,
    tool,
    agent,
    scope,
    sameArgs: args !== undefined,
    ...(reason === undefined ? {} : { reason }),
    ...(by === undefined ? {} : { by }),
    at: new Date(at),
  }
}
