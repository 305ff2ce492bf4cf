/** Dates, time zones, and what day it is. */
import { z } from 'zod'
import { asking, reads, type Task } from './task.ts'

const none = z.object({})

const earliest: Task = {
  id: 'earliest-meeting',
  kind: 'time',
  task: 'Which meeting begins first, and when is that in UTC? The times are local to the zone of each meeting. Answer with its title and the time as ISO 8601 in UTC, to the minute.',
  answer: z.object({ title: z.string(), utc: z.string().describe('like 2026-03-29T07:30Z') }),
  scene() {
    // Clocks have gone forward in New York and not yet in Berlin.
    const meetings = [
      { title: 'Budget', local: '2026-03-20T14:30', zone: 'Europe/Berlin' },
      { title: 'Hiring', local: '2026-03-20T09:15', zone: 'America/New_York' },
      { title: 'Launch', local: '2026-03-20T22:20', zone: 'Asia/Tokyo' },
      { title: 'Review', local: '2026-03-20T18:55', zone: 'Asia/Kolkata' },
    ]
    const output = z.array(z.object({ title: z.string(), local: z.string(), zone: z.string() }))
    return asking([reads('meetings', 'The meetings', { input: none, output }, () => meetings)], {
      title: 'Hiring',
      utc: '2026-03-20T13:15Z',
    })
  },
  solution: [
    `function utcOf(local, zone) {
  const guess = new Date(local + ':00Z')
  const shown = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' }).format(guess).replace(' ', 'T')
  return new Date(guess.getTime() * 2 - new Date(shown + ':00Z').getTime())
}
const all = (await meetings({})).map(({ title, local, zone }) => ({ title, utc: utcOf(local, zone).toISOString().slice(0, 16) + 'Z' }))
finalAnswer(all.sort((a, b) => a.utc.localeCompare(b.utc))[0])`,
  ],
  wrong: { title: 'Hiring', utc: '2026-03-20T14:15Z' },
}

const fridays: Task = {
  id: 'friday-13',
  kind: 'time',
  task: 'How many Fridays fall on the 13th of a month from 2020 to 2029, both years included?',
  answer: z.number(),
  scene() {
    let right = 0
    for (let month = 0; month < 120; month++)
      if (new Date(Date.UTC(2020, month, 13)).getUTCDay() === 5) right++
    return asking([], right)
  },
  solution: [
    `let count = 0
for (let month = 0; month < 120; month++) if (new Date(Date.UTC(2020, month, 13)).getUTCDay() === 5) count++
finalAnswer(count)`,
  ],
  wrong: 20,
}

const workdays: Task = {
  id: 'working-days',
  kind: 'time',
  task: 'On which date is a delivery due that takes 12 working days from 2026-12-15 (the day after it is the first)? Weekends and public holidays are no working days.',
  answer: z.string().describe('YYYY-MM-DD'),
  scene() {
    const holidays = ['2026-12-25', '2026-12-26', '2027-01-01', '2027-01-06']
    const output = z.array(z.string())
    return asking(
      [
        reads(
          'public_holidays',
          'The public holidays of a year',
          { input: z.object({ year: z.number() }), output },
          ({ year }) => holidays.filter((date) => date.startsWith(String(year))),
        ),
      ],
      '2027-01-04',
    )
  },
  solution: [
    `const free = new Set((await Promise.all([2026, 2027].map((year) => public_holidays({ year })))).flat())
const day = new Date('2026-12-15T00:00:00Z')
for (let left = 12; left > 0;) {
  day.setUTCDate(day.getUTCDate() + 1)
  if (day.getUTCDay() % 6 !== 0 && !free.has(day.toISOString().slice(0, 10))) left--
}
finalAnswer(day.toISOString().slice(0, 10))`,
  ],
  wrong: '2026-12-31',
}

const overdue: Task = {
  id: 'overdue',
  kind: 'time',
  task: 'Which open invoices were more than 30 days overdue on the day of the report? Answer with their ids, the oldest due date first.',
  answer: z.array(z.string()),
  scene() {
    const invoices = [
      { id: 'I-1', due: '2026-01-31', open: true },
      { id: 'I-2', due: '2026-02-01', open: true },
      { id: 'I-3', due: '2025-12-24', open: true },
      { id: 'I-4', due: '2025-11-30', open: false },
      { id: 'I-5', due: '2026-01-30', open: true },
    ]
    const output = z.array(z.object({ id: z.string(), due: z.string(), open: z.boolean() }))
    return asking(
      [
        reads('invoices', 'All invoices, with their due dates', { input: none, output }, () => invoices),
        reads('report_day', 'The day of the report', { input: none, output: z.string() }, () => '2026-03-02'),
      ],
      // 30 January is 31 days before 2 March 2026, 31 January is 30.
      ['I-3', 'I-5'],
    )
  },
  solution: [
    `const [all, day] = await Promise.all([invoices({}), report_day({})])
const days = (due) => (Date.parse(day) - Date.parse(due)) / 86_400_000
finalAnswer(all.filter(({ open, due }) => open && days(due) > 30).sort((a, b) => a.due.localeCompare(b.due)).map(({ id }) => id))`,
  ],
  wrong: ['I-3', 'I-5', 'I-1'],
}

const overlap: Task = {
  id: 'longest-gap',
  kind: 'time',
  task: 'When is the longest time between 08:00 and 18:00 in which none of the bookings of the room lies? Bookings may overlap. Answer with its start and end.',
  answer: z.object({ start: z.string().describe('HH:MM'), end: z.string().describe('HH:MM') }),
  scene() {
    const bookings = [
      { start: '09:00', end: '10:30' },
      { start: '10:00', end: '11:15' },
      { start: '13:30', end: '14:00' },
      { start: '07:30', end: '08:20' },
      { start: '16:10', end: '19:00' },
    ]
    const output = z.array(z.object({ start: z.string(), end: z.string() }))
    return asking(
      [reads('room_bookings', 'Bookings of the day, in no order', { input: none, output }, () => bookings)],
      {
        start: '11:15',
        end: '13:30',
      },
    )
  },
  solution: [
    `const taken = (await room_bookings({})).sort((a, b) => a.start.localeCompare(b.start))
const minutes = (text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
let from = '08:00', best = { start: from, end: from }
for (const { start, end } of [...taken, { start: '18:00', end: '18:00' }]) {
  if (minutes(start) - minutes(from) > minutes(best.end) - minutes(best.start)) best = { start: from, end: start }
  if (end > from) from = end
}
finalAnswer(best)`,
  ],
  wrong: { start: '14:00', end: '16:10' },
}

export const time: readonly Task[] = [earliest, fridays, workdays, overdue, overlap]
