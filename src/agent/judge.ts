/**
 * Whether a person must approve, a call or a program: the author's policy first, then what people have said before.
 *
 * K5  It fails closed: a policy that throws lets nothing through, and tells the code why.
 * K6  A rule speaks only where a person would be asked: it cannot overrule a policy's refusal.
 */
import { decode } from '../base/codec.ts'
import { ruleFor } from '../journal/rule.ts'
import type { OpenCall, Phase } from '../journal/shape.ts'
import type { RuleRow } from '../journal/store.ts'
import type { ApprovalRule, Verdict } from '../tool/approval.ts'
import type { Tool } from '../tool/tools.ts'
import type { Happening } from './happening.ts'
import { guestError } from './thrown.ts'

/** What a judgement needs of the run that it is about. */
export interface JudgeRoom {
  readonly context: unknown
  readonly tools: ReadonlyMap<string, Tool>
  /** The agent's policy for programs. */
  readonly codeApproval: ApprovalRule
  /** The rules that its runs live under. */
  rules(): Promise<readonly RuleRow[]>
}

/** `combination`: what a person is told, where the call would complete the lethal combination. Never rejects. */
export async function judgeCall(
  call: OpenCall,
  input: string,
  key: string,
  combination: string | undefined,
  room: JudgeRoom,
): Promise<Happening> {
  const base = { kind: 'judged' as const, key, call: call.id }
  try {
    const tool = room.tools.get(call.tool)
    const said = await verdictOf(tool?.approval ?? 'always', decode(input), { toolCallId: call.id, ...room })
    const verdict = combination === undefined ? said : { ...said, required: true, message: combination }
    if (!verdict.required || call.approved === true) return { ...base, ...verdict }
    const found = ruleFor(await room.rules(), {
      tool: call.tool,
      declaration: tool?.digest ?? '',
      args: call.digest,
      isCombination: combination !== undefined,
    })
    if (found === undefined) return { ...base, ...verdict }
    const { question, rule } = found
    if (rule.says === 'approve') return { ...base, required: false, rule: question }
    const reason = rule.reason === undefined ? '' : `: ${rule.reason}`
    const error = { name: 'RejectedError', message: `rejected by a person, for calls to come too${reason}` }
    return { ...base, required: true, rule: question, error }
  } catch (error) {
    return { ...base, required: true, error: guestError(error) }
  }
}

/** Never rejects. */
export async function judgeCode(
  { step, source }: Extract<Phase, { at: 'approving' }>,
  key: string,
  room: JudgeRoom,
): Promise<Happening> {
  const base = { kind: 'code-judged' as const, key, step }
  try {
    return { ...base, ...(await verdictOf(room.codeApproval, source, { step, ...room })) }
  } catch (error) {
    return { ...base, required: true, error: guestError(error) }
  }
}

async function verdictOf(
  approval: ApprovalRule,
  input: unknown,
  options: { readonly context: unknown; readonly toolCallId?: string; readonly step?: number },
): Promise<Verdict> {
  if (typeof approval !== 'function') return { required: approval === 'always' }
  const { context, toolCallId, step } = options
  return approval(input, {
    context,
    ...(toolCallId === undefined ? {} : { toolCallId }),
    ...(step === undefined ? {} : { step }),
  })
}
