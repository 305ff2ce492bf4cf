/** The driver's mailbox: nothing is lost, nothing is told twice. */
import { describe, expect, test } from 'vitest'
import { Mailbox } from '../../src/run/mailbox.ts'
import { HandClock } from './hand-clock.ts'

describe('a mailbox', () => {
  test('gives what was posted, in order, once', () => {
    const mailbox = new Mailbox<number>()
    for (const message of [3, 1, 2]) mailbox.post(message)
    expect([mailbox.empty, mailbox.drain(), mailbox.empty, mailbox.drain()]).toEqual([
      false,
      [3, 1, 2],
      true,
      [],
    ])
  })

  test('wakes who waits at the first message, and keeps those that follow', async () => {
    const mailbox = new Mailbox<number>()
    const filled = mailbox.filled(new HandClock())
    mailbox.post(1)
    mailbox.post(2)
    await filled
    expect(mailbox.drain()).toEqual([1, 2])
  })

  test('does not wait where something is there', async () => {
    const clock = new HandClock()
    const mailbox = new Mailbox<number>()
    mailbox.post(1)
    await mailbox.filled(clock, 5)
    expect(clock.pending).toBe(0)
  })

  test('wakes after the time given, with nothing', async () => {
    const clock = new HandClock()
    const mailbox = new Mailbox<number>()
    let woken = false
    const filled = mailbox.filled(clock, 5).then(() => (woken = true))
    clock.advance(4)
    await Promise.resolve()
    expect(woken).toBe(false)
    clock.advance(1)
    await filled
    expect(mailbox.drain()).toEqual([])
  })

  test('leaves no timer behind when a message comes first', async () => {
    const clock = new HandClock()
    const mailbox = new Mailbox<number>()
    const filled = mailbox.filled(clock, 5)
    mailbox.post(1)
    await filled
    expect(clock.pending).toBe(0)
  })

  test('a message between two waits is there for the second', async () => {
    const mailbox = new Mailbox<number>()
    const clock = new HandClock()
    const first = mailbox.filled(clock)
    mailbox.post(1)
    await first
    mailbox.drain()
    mailbox.post(2)
    await mailbox.filled(clock)
    expect(mailbox.drain()).toEqual([2])
  })
})
