/** How a step is told to have been cut: with what had become of its calls, for the model. */
import type { KillReason } from '../base/halt.ts'
import type { Fact } from '../journal/entry.ts'
import type { State } from '../journal/shape.ts'

export function killedFact(
  state: State,
  step: number,
  cut: { readonly reason: KillReason; readonly message: string },
): Fact {
  const { count, recent } = state.settled
  const open = Object.values(state.calls).filter((call) => call.at.is === 'started')
  const late = state.phase.at === 'acting' ? state.phase.late : []
  const words = [
    ...recent.map((call) => `${call.tool} (${call.call}) ${call.ok ? 'returned' : 'failed'}`),
    ...open.map((call) => `${call.tool} (${call.id}) is still running`),
    ...late.map((call) => `the result of call ${call}, which had come during the step, is undone with it`),
  ]
  const more = count > recent.length ? `${count - recent.length} earlier calls had returned; ` : ''
  return {
    kind: 'step-killed',
    step,
    reason: cut.reason,
    message: cut.message,
    calls: words.length === 0 ? '' : more + words.join(', '),
  }
}
