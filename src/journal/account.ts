/**
 * The account of a run: what its requests may have cost beside what their replies said, and how much the next request
 * holds. Folded beside the state, from the same entries.
 */
import type { GuestError } from '../base/halt.ts'
import type { Entry, Fact, Stored, Usage } from './entry.ts'
import type { State } from './shape.ts'

export const NOTHING_SPENT: State['money'] = { lost: 0, granted: 0, dearest: 0, isUnknown: false }

/** Before the first request: all that the system prompt says. */
export function firstPrompt({ system }: Fact<'run-started'>): State['prompt'] {
  return { tokens: 0, chars: sizeOf(system) }
}

/** The state, with its account after `entry`. Asked before the entry changes anything else. */
export function account(state: State, entry: Entry): State {
  switch (entry.kind) {
    case 'segment-started':
      return { ...state, money: withLost(state) }
    case 'model-failed':
      // A limit or a person cut it: the provider may have gone on.
      return entry.error.code === 'LIMIT' || entry.error.code === 'INTERRUPTED'
        ? { ...state, money: withLost(state) }
        : state
    case 'model-replied':
    case 'plan-made': {
      const { inputTokens, outputTokens, cost } = entry.usage
      const { tokens, chars } = state.prompt
      const isCounted = inputTokens + outputTokens > 0
      return {
        ...state,
        prompt: isCounted
          ? { tokens: inputTokens + outputTokens, chars: 0 }
          : { tokens, chars: chars + sizeOf(entry.parts) },
        money: {
          ...state.money,
          dearest: Math.max(state.money.dearest, cost ?? 0),
          isUnknown: isCounted && cost === undefined,
        },
      }
    }
    case 'context-compacted':
      return {
        ...state,
        prompt: { tokens: 0, chars: entry.left },
        money: { ...state.money, dearest: Math.max(state.money.dearest, entry.usage.cost ?? 0) },
      }
    case 'task-added':
      return longer(state, entry.task.length)
    case 'step-ended':
      return longer(state, entry.printed.length + (entry.shown?.length ?? 0) + errorSize(entry.error))
    case 'step-killed':
      return longer(state, entry.message.length + entry.calls.length)
    case 'step-interrupted':
      return longer(state, entry.calls.length)
    case 'message-said':
      return longer(state, entry.text.length)
    case 'output-refused':
      return longer(state, entry.why.length)
    default:
      return state
  }
}

/** As much again of what is limited: what was spent until now does not count any more. */
export function grantedMoney({ usage, money }: State): State['money'] {
  return { ...money, granted: (usage.cost ?? 0) + money.lost, isUnknown: false }
}

/** What the request that is under way may cost, in USD; 0: there is none. */
export function reservedNow({ phase }: State): number {
  return phase.at === 'thinking' && phase.called ? (phase.reserved ?? 0) : 0
}

/** The reply to the request that is under way, if one is, is lost: it may have been billed. */
function withLost(state: State): State['money'] {
  const { money } = state
  const reserved = reservedNow(state)
  return reserved === 0 ? money : { ...money, lost: money.lost + reserved }
}

function longer(state: State, chars: number): State {
  return { ...state, prompt: { ...state.prompt, chars: state.prompt.chars + chars } }
}

function sizeOf(stored: Stored): number {
  return typeof stored === 'string' ? stored.length : stored.size
}

function errorSize(error: GuestError | undefined): number {
  return error === undefined ? 0 : error.message.length + (error.stack?.length ?? 0)
}

export function addUsage(a: Usage, b: Usage): Usage {
  const sum = { inputTokens: a.inputTokens + b.inputTokens, outputTokens: a.outputTokens + b.outputTokens }
  const cost = a.cost === undefined && b.cost === undefined ? undefined : (a.cost ?? 0) + (b.cost ?? 0)
  const uncounted = (a.uncounted ?? 0) + (b.uncounted ?? 0)
  return {
    ...sum,
    ...(cost === undefined ? {} : { cost }),
    ...(uncounted === 0 ? {} : { uncounted }),
  }
}
