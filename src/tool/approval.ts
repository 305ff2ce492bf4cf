/**
 * Whether a person must approve a call: what authors write, and the one form that a run uses.
 *
 * A1  It fails closed: a judge that throws approves nothing, one that says nonsense asks a person.
 * A2  A policy's denial is a `ToolError` that the judge throws: the model reads it, the tool does not run.
 */
import { milliseconds, type Duration } from '../base/duration.ts'
import { ToolError, UsageError } from '../base/errors.ts'

/** What a `needsApproval` function says. `message` is shown to the person; the question expires after `expiresIn`. */
export type Approval =
  | boolean
  | { readonly required: boolean; readonly message?: string; readonly expiresIn?: Duration }

export interface ApprovalOptions<Context = unknown> {
  readonly context: Context
}

/** `expiresIn` in ms. */
export interface Verdict {
  readonly required: boolean
  readonly message?: string
  readonly expiresIn?: number
}

/** The input is the validated one. Rejects where the author's function throws, or with `ToolError` where it denies. */
export type Judge = (
  input: unknown,
  options: { readonly context: unknown; readonly toolCallId?: string; readonly step?: number },
) => Promise<Verdict>

export type ApprovalRule = 'never' | 'always' | Judge

type Status = 'not-applicable' | 'approved' | 'denied' | 'user-approval'

/** The AI SDK's words for it; `undefined` is `'not-applicable'`. */
export type ToolApprovalStatus = undefined | Status | { readonly type: Status; readonly reason?: string }

/** What the agent's option says about one tool. It takes the place of the tool's own `needsApproval`. */
export type ToolApproval =
  | Exclude<ToolApprovalStatus, undefined>
  | ((
      input: never,
      options: never,
    ) => ToolApprovalStatus | Approval | PromiseLike<ToolApprovalStatus | Approval>)

/** A tool's own word. `lax`: for the AI SDK's tools, of which `undefined` means no. */
export function ruleOf(
  needsApproval: unknown,
  name: string,
  { lax }: { readonly lax: boolean },
): ApprovalRule {
  if (needsApproval === undefined || needsApproval === false) return 'never'
  if (needsApproval === true) return 'always'
  if (!isCallable(needsApproval))
    throw new UsageError(`needsApproval of the tool '${name}' is true, false or a function.`)
  return async (input, options) => {
    const said: unknown = await needsApproval(input, { toolCallId: '', messages: [], ...options })
    return lax && (said === undefined || said === null) ? { required: false } : verdictOf(said, name)
  }
}

/** The agent's policy for every call of every tool. */
export type ToolPolicy = (call: {
  readonly toolName: string
  readonly input: unknown
  readonly toolCallId: string
  readonly context: unknown
}) => ToolApprovalStatus | Approval | PromiseLike<ToolApprovalStatus | Approval>

/** What a policy for all tools says about one; `undefined` and `'not-applicable'` leave it to the tool's own word. */
export function ruleOfAll(policy: ToolPolicy, own: ApprovalRule, toolName: string): Judge {
  return async (input, options) => {
    const { context, toolCallId = '' } = options
    const said: unknown = await policy({ toolName, input, toolCallId, context })
    if (said !== undefined && said !== 'not-applicable')
      return isStatus(said) ? verdictOfStatus(said, toolName) : verdictOf(said, toolName)
    return typeof own === 'function' ? own(input, options) : { required: own === 'always' }
  }
}

/** The agent's policy for programs. @throws {UsageError} it is no boolean and no function. */
export function ruleOfCode(policy: unknown): ApprovalRule {
  if (policy === undefined || policy === false) return 'never'
  if (policy === true) return 'always'
  if (!isCallable(policy)) throw new UsageError('codeApproval is true, false or a function.')
  return async (code, options) => verdictOf(await policy(code, options), 'run_code')
}

/** The agent's word about a tool. @throws {UsageError} for what is no status and no function. */
export function ruleOfPolicy(policy: unknown, name: string): ApprovalRule {
  if (isCallable(policy))
    return async (input, options) => {
      const { context } = options
      const said: unknown = await policy(input, {
        toolCallId: '',
        messages: [],
        toolContext: context,
        runtimeContext: context,
        ...options,
      })
      return isStatus(said) ? verdictOfStatus(said, name) : verdictOf(said, name)
    }
  if (!isStatus(policy) || policy === undefined)
    throw new UsageError(
      `toolApproval of '${name}' is 'user-approval', 'approved', 'denied', 'not-applicable' or a function.`,
    )
  if (policy === 'user-approval') return 'always'
  const { type } = typedStatus(policy)
  if (type === 'approved' || type === 'not-applicable') return 'never'
  return async () => verdictOfStatus(policy, name)
}

/** What the model reads if the agent's options deny a tool outright. */
export function denialOf(policy: unknown, name: string): ToolError | undefined {
  if (isCallable(policy) || !isStatus(policy)) return undefined
  const { type, reason } = typedStatus(policy)
  if (type !== 'denied') return undefined
  return new ToolError(`The call of ${name} was denied${reason === undefined ? '' : `: ${reason}`}.`)
}

function verdictOfStatus(status: ToolApprovalStatus, name: string): Verdict {
  const denial = denialOf(status, name)
  if (denial !== undefined) throw denial
  const { type, reason } = typedStatus(status)
  if (type !== 'user-approval') return { required: false }
  return reason === undefined ? { required: true } : { required: true, message: reason }
}

function verdictOf(said: unknown, name: string): Verdict {
  if (said === false) return { required: false }
  if (typeof said !== 'object' || said === null || !('required' in said)) return { required: true }
  const message = 'message' in said && typeof said.message === 'string' ? said.message : undefined
  const expiresIn = 'expiresIn' in said ? said.expiresIn : undefined
  return {
    required: said.required !== false,
    ...(message === undefined ? {} : { message }),
    ...(expiresIn === undefined
      ? {}
      : { expiresIn: milliseconds(expiresIn, `expiresIn of the tool '${name}'`) }),
  }
}

function isStatus(value: unknown): value is ToolApprovalStatus {
  if (value === undefined) return true
  const type: unknown = typeof value === 'object' && value !== null && 'type' in value ? value.type : value
  return type === 'user-approval' || type === 'approved' || type === 'denied' || type === 'not-applicable'
}

function typedStatus(status: ToolApprovalStatus): { readonly type: Status; readonly reason?: string } {
  if (status === undefined) return { type: 'not-applicable' }
  return typeof status === 'string' ? { type: status } : status
}

/** What is called is the author's own; what it says is doubted. */
function isCallable(value: unknown): value is (input: unknown, options: unknown) => unknown {
  return typeof value === 'function'
}
