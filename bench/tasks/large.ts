/** Results that are too large to be read in a prompt. */
import { z } from 'zod'
import { asking, numbers, reads, type Task } from './task.ts'

const none = z.object({})

const needle: Task = {
  id: 'needle-in-a-log',
  kind: 'large',
  task: 'Which order number stands in the line of the log that speaks of a "double charge"?',
  answer: z.string(),
  scene() {
    const next = numbers(23)
    const lines = Array.from(
      { length: 12_000 },
      (_, index) => `${index} INFO order ORD-${100_000 + next(900_000)} was looked at by user ${next(500)}`,
    )
    lines[8_311] = '8311 WARN double charge suspected for order ORD-777123, user 12'
    return asking(
      [
        reads('server_log', 'The whole log as text, some 600 KB', { input: none, output: z.string() }, () =>
          lines.join('\n'),
        ),
      ],
      'ORD-777123',
    )
  },
  solution: [
    `const line = (await server_log({})).split('\\n').find((one) => one.includes('double charge'))
finalAnswer(/ORD-\\d+/.exec(line)[0])`,
  ],
  wrong: 'ORD-100000',
}

const manyRows: Task = {
  id: 'fifteen-thousand-rows',
  kind: 'large',
  task: 'In which hour of the day (0 to 23, UTC) were most visits, and how many?',
  answer: z.object({ hour: z.number(), visits: z.number() }),
  scene() {
    const next = numbers(29)
    const visits = Array.from({ length: 15_000 }, () => ({
      at: Date.UTC(2026, 4, 1) + (next(2) === 0 ? next(86_400) : 14 * 3_600 + next(9_000)) * 1_000,
      page: `/p/${next(50)}`,
    }))
    const counts = Array.from({ length: 24 }, () => 0)
    for (const { at } of visits)
      counts[new Date(at).getUTCHours()] = (counts[new Date(at).getUTCHours()] ?? 0) + 1
    const most = Math.max(...counts)
    return asking(
      [
        reads(
          'visits',
          'All visits of a day: 15 000 rows, `at` in ms',
          { input: none, output: z.array(z.object({ at: z.number(), page: z.string() })) },
          () => visits,
        ),
      ],
      { hour: counts.indexOf(most), visits: most },
    )
  },
  solution: [
    `const counts = Array(24).fill(0)
for (const { at } of await visits({})) counts[new Date(at).getUTCHours()]++
const most = Math.max(...counts)
finalAnswer({ hour: counts.indexOf(most), visits: most })`,
  ],
  wrong: { hour: 0, visits: 15_000 },
}

const documents: Task = {
  id: 'terms-in-documents',
  kind: 'large',
  task: 'In how many of the 40 contracts does the notice period exceed 60 days? Each contract is long; the sentence reads "The notice period is N days."',
  answer: z.number(),
  scene() {
    const next = numbers(31)
    const days = Array.from({ length: 40 }, () => 15 * (1 + next(8)))
    const filler = 'The parties agree that all that is said here holds as it is said. '.repeat(120)
    return asking(
      [
        reads('contract_ids', 'The ids of the contracts', { input: none, output: z.array(z.number()) }, () =>
          days.map((_, id) => id),
        ),
        reads(
          'contract',
          'A contract as text, some 8 KB',
          { input: z.object({ id: z.number() }), output: z.string() },
          ({ id }) => `${filler}The notice period is ${days[id]} days. ${filler}`,
        ),
      ],
      days.filter((one) => one > 60).length,
    )
  },
  solution: [
    `const texts = await Promise.all((await contract_ids({})).map((id) => contract({ id })))
finalAnswer(texts.filter((text) => Number(/The notice period is (\\d+) days/.exec(text)[1]) > 60).length)`,
  ],
  wrong: 40,
}

export const large: readonly Task[] = [needle, manyRows, documents]
