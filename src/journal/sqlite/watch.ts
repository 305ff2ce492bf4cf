/**
 * Hints that something may have changed (T5): whatever another connection wrote, and of this one's writes those that a
 * watcher may have to act on: a new run, a signal, a lease given back, another status. The other appends are known to
 * the driver that made them, and nobody else has to do with a run that is driven.
 */
import { systemClock } from '../../base/clock.ts'
import type { Database } from './database.ts'

const POLL_MS = 100

export interface Watchers {
  add(onHint: () => void, abortSignal: AbortSignal): void
  /** This connection wrote what a watcher may have to act on. */
  notify(): void
  clear(): void
}

/** Asks the database whether another connection wrote, while somebody watches. Holds no process alive. */
export function watchersOf(db: Database): Watchers {
  const version = db.prepare('PRAGMA data_version')
  const watchers = new Set<() => void>()
  let polling = new AbortController()
  let seen: unknown

  function notify(): void {
    // Each in a turn of its own: one that throws does not harm the others, nor the write that it hears of.
    for (const onHint of watchers) queueMicrotask(onHint)
  }

  function poll(): void {
    const now = current()
    if (now !== seen) notify()
    seen = now
    pollLater()
  }

  function pollLater(): void {
    systemClock.after(POLL_MS, poll, polling.signal, false)
  }

  function current(): unknown {
    try {
      return version.get()?.['data_version']
    } catch {
      // Locked for a moment: the next poll tells.
      return seen
    }
  }

  function drop(watcher: () => void): void {
    if (watchers.delete(watcher) && watchers.size === 0) clear()
  }

  function clear(): void {
    watchers.clear()
    polling.abort()
  }

  function add(onHint: () => void, abortSignal: AbortSignal): void {
    if (abortSignal.aborted) return
    const watcher = (): void => {
      if (watchers.has(watcher)) onHint()
    }
    watchers.add(watcher)
    abortSignal.addEventListener('abort', () => drop(watcher), { once: true })
    if (watchers.size > 1) return
    polling = new AbortController()
    seen = current()
    pollLater()
  }

  return { add, notify, clear }
}
