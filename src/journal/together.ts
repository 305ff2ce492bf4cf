/** Which entries are recorded in one turn: no crash comes between them, and no fork begins there. */
import type { Entry } from './entry.ts'

/** True where `entry` always follows `before` in the same commit. */
export function isOneWith(entry: Entry, before: Entry): boolean {
  switch (entry.kind) {
    case 'code-proposed':
      return before.kind === 'model-replied'
    case 'step-started':
      return (
        before.kind === 'model-replied' ||
        before.kind === 'code-judged' ||
        before.kind === 'question-answered' ||
        before.kind === 'message-said' ||
        // Interrupted before a line of it ran.
        (entry.program === undefined && before.kind === 'run-resumed')
      )
    case 'step-ended':
      return before.kind === 'step-started' || before.kind === 'call-withdrawn'
    case 'step-interrupted':
      return before.kind === 'message-said' || before.kind === 'run-resumed'
    case 'call-withdrawn':
      return (
        entry.why === 'interrupted' &&
        (before.kind === 'step-interrupted' ||
          (before.kind === 'call-withdrawn' && before.why === 'interrupted'))
      )
    case 'question-asked':
      return (
        before.kind === 'code-proposed' ||
        before.kind === 'code-judged' ||
        (entry.by === 'callback' && before.kind === 'callbacks-ran') ||
        ((before.kind === 'call-requested' || before.kind === 'verdict-given') && before.call === entry.call)
      )
    case 'message-said':
      // What the model is told of an answer; what somebody says is told apart by what it does to an answer of the task.
      return before.kind === 'question-answered' && entry.steers === undefined
    case 'sleep-started':
      return before.kind === 'call-requested' && before.call === entry.call
    case 'call-returned':
      return (
        before.kind === 'question-answered' ||
        before.kind === 'run-resumed' ||
        (before.kind === 'call-requested' && before.call === entry.call) ||
        (before.kind === 'verdict-given' && before.said === 'refused' && before.call === entry.call)
      )
    case 'run-resumed':
      return (
        before.kind === 'question-answered' ||
        before.kind === 'call-returned' ||
        before.kind === 'message-said'
      )
    case 'run-paused':
      return before.kind === 'callbacks-ran' || (before.kind === 'question-asked' && before.by !== undefined)
    case 'task-failed':
      return before.kind === 'model-failed'
    case 'task-added':
      return true
    default:
      return false
  }
}
