/** Exit codes, and how an error is told: what, why, and the command that helps. */
import { isPersistentAgentError, type PersistentAgentError } from '../base/errors.ts'
import type { RunResult } from '../run/result.ts'
import type { Screen } from './screen.ts'
import { safe } from './text.ts'

export const EXIT = { done: 0, failed: 1, usage: 2, paused: 3, stopped: 4, limit: 5 } as const

export function exitOf(result: RunResult): number {
  switch (result.status) {
    case 'completed':
      return EXIT.done
    case 'paused':
      return EXIT.paused
    case 'stopped':
      return EXIT.stopped
    case 'failed':
      return result.error.code === 'LIMIT' ? EXIT.limit : EXIT.failed
    default:
      return result satisfies never
  }
}

/** Tells an error, and gives the exit code that it means. */
export function tellFailure(screen: Screen, error: unknown): number {
  const failure = failureOf(error)
  if (screen.json) screen.data({ v: 1, error: failure })
  else {
    screen.err.line(`${screen.err.paint('red', 'error:')} ${safe(failure.message)}`)
    screen.err.line(safe(failure.hint))
  }
  return codeOf(failure.code)
}

export function failureOf(error: unknown): {
  readonly code: string
  readonly message: string
  readonly hint: string
} {
  if (isPersistentAgentError(error)) {
    const { code, message } = error
    return { code, message, hint: error.hint ?? HINTS[code] ?? 'pca --help lists the commands.' }
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { code: 'UNEXPECTED', message, hint: 'What was acknowledged is stored: pca list shows the runs.' }
}

const HINTS: Readonly<Record<PersistentAgentError['code'], string>> = {
  USAGE: 'pca --help lists the commands.',
  STATE_NOT_FOUND: 'pca list shows the runs; --store names another state file.',
  STATE_CORRUPT: 'Name another state file with --store, or restore this one from a backup.',
  RUN_BUSY: 'Wait for that process, or pause the run: pca pause <run>.',
  LEASE_LOST: 'Another process drives the run now: pca show <run>.',
  ALREADY_ANSWERED: 'The first decision stands: pca inbox shows what is open.',
}

function codeOf(code: string): number {
  if (code === 'USAGE' || code.startsWith('STATE_')) return EXIT.usage
  return code === 'LIMIT' ? EXIT.limit : EXIT.failed
}
