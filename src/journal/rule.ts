/** Rules: decisions that count for later calls too. Which of them a call meets. */
import type { Rule, RuleFilter, RuleRow } from './store.ts'

/** True for a rule that runs of this agent, and of this family, live under. */
export function isOf({ agent, scope, rootRunId }: Rule, filter: RuleFilter): boolean {
  if (filter.agent !== undefined && agent !== filter.agent) return false
  return filter.rootRunId === undefined || scope === 'agent' || rootRunId === filter.rootRunId
}

/** What is to be decided about a call. */
export interface Judged {
  readonly tool: string
  readonly declaration: string
  readonly args: string
  /** It would complete the lethal combination: only a rule that was given for that counts. */
  readonly isCombination: boolean
}

/** The rule that decides; a refusal before an approval. */
export function ruleFor(rules: readonly RuleRow[], call: Judged): RuleRow | undefined {
  const met = rules.filter(({ rule }) => meets(rule, call))
  return met.find(({ rule }) => rule.says === 'reject') ?? met[0]
}

function meets(rule: Rule, { tool, declaration, args, isCombination }: Judged): boolean {
  if (rule.tool !== tool || rule.declaration !== declaration) return false
  if (rule.args !== undefined && rule.args !== args) return false
  return rule.says === 'reject' || !isCombination || rule.combination === true
}
