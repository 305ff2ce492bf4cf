/**
 * Where an entry stands in its file: one number, the key of its row.
 *
 * L1  place = run * 2^32 + seq. Exact in JavaScript, whose numbers are below 2^53: hence at most 2^21 runs in a file,
 *     and 2^32 - 1 entries in a run.
 * L2  A new run's number is the largest plus one. That of a removed run comes again only if it was the largest, and
 *     its entries went in the transaction that removed it: nothing outside of a transaction holds a number.
 */
import { LimitError } from '../../base/errors.ts'

const SEQS = 2 ** 32
const RUNS = 2 ** 21

/** L1. @throws {LimitError} the run holds as many entries as it can. */
export function placeOf(run: number, seq: number): number {
  if (seq < SEQS) return run * SEQS + seq
  throw new LimitError(`A run holds at most ${SEQS - 1} entries.`, { hint: 'Start another run.' })
}

/** L1. @throws {LimitError} the file holds as many runs as it can. */
export function checkRunNumber(run: number): void {
  if (run < RUNS) return
  throw new LimitError(`A state file holds at most ${RUNS - 1} runs.`, {
    hint: 'Start another file; runs that were removed make room only behind the newest one that is left.',
  })
}
