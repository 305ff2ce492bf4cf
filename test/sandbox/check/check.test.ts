/** What the type check tells, and above all what it does not (T1). */
import { expect, test } from 'vitest'
import { said, told } from './kit.ts'
import { RIGHT } from './right.ts'
import { WRONG } from './wrong.ts'

test.each(Object.entries(RIGHT))('a program that runs is not refused for %s', async (_what, code) => {
  expect(await told(code)).toBe('')
})

test.each(Object.entries(WRONG))('told is %s', async (_what, [code, ...faults]) => {
  const found = await said(code)
  expect(found).toHaveLength(faults.length)
  faults.forEach((fault, i) => expect(found[i]).toContain(fault))
})
