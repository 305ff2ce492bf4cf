/**
 * An error that nobody caught: for the most part a promise that a tool did not await. The process ends, as Node has it, since
 * nobody knows what was left half done; it says what happened to the run.
 */
import { EXIT, failureOf } from './failure.ts'
import { leave, type Screen } from './screen.ts'
import { safe } from './text.ts'

/** From now on such an error is told with what to type next, and ends the process with 1. `goOn`: the command. */
export function tellUncaught(screen: Screen, goOn: () => string): void {
  process.on('uncaughtException', (error: unknown) => {
    const { message } = failureOf(error)
    const failure = {
      code: 'UNCAUGHT',
      message: `An error that nobody caught ended this process: ${message}`,
      hint: `Often it is a promise that a tool did not await. What was acknowledged is stored; go on with: ${goOn()}`,
    }
    if (screen.json) screen.data({ v: 1, error: failure })
    else screen.err.line(`${screen.err.paint('red', 'error:')} ${safe(failure.message)}`)
    const [, ...stack] = error instanceof Error ? (error.stack ?? '').split('\n    at ') : []
    for (const place of stack) screen.err.line(screen.err.paint('dim', `    at ${safe(place)}`))
    screen.err.line(safe(failure.hint))
    void leave(EXIT.failed)
  })
}
