import { describe, expect, test } from 'vitest'
import { ToolError, UsageError } from '../../src/base/errors.ts'
import { denialOf, ruleOf, ruleOfPolicy, type ApprovalRule, type Verdict } from '../../src/tool/approval.ts'
import { tool } from '../../src/tool/tool.ts'
import { toolsOf } from '../../src/tool/tools.ts'
import { callWith } from './calls.ts'

const judge = (rule: ApprovalRule, input: unknown = {}): Promise<Verdict> => {
  if (typeof rule !== 'function') throw new Error(`the rule is ${rule}`)
  return rule(input, { context: { tenant: 't' } })
}
const own = (needsApproval: unknown): ApprovalRule => ruleOf(needsApproval, 'x', { lax: false })

describe('needsApproval', () => {
  test('true and false are known at once', () => {
    expect(own(true)).toBe('always')
    expect(own(false)).toBe('never')
    expect(own(undefined)).toBe('never')
    expect(() => own('yes')).toThrow(UsageError)
  })

  test('a function sees input and context', async () => {
    const rule = own(
      (input: { n: number }, { context }: { context: { tenant: string } }) =>
        input.n > 1 && context.tenant === 't',
    )
    await expect(judge(rule, { n: 2 })).resolves.toEqual({ required: true })
    await expect(judge(rule, { n: 1 })).resolves.toEqual({ required: false })
  })

  test('a verdict carries its message and its time in ms', async () => {
    const said = { required: true, message: 'Pay?', expiresIn: '2h' }
    await expect(judge(own(async () => said))).resolves.toEqual({
      required: true,
      message: 'Pay?',
      expiresIn: 7_200_000,
    })
  })

  // A1
  test.each([undefined, null, 0, '', 'no', 1, {}, [], { required: undefined }, { required: 'no' }, NaN])(
    'nonsense asks a person: %j',
    async (said) => {
      await expect(judge(own(() => said))).resolves.toMatchObject({ required: true })
    },
  )

  // A1
  test('a throw approves nothing, and nor does a time that is none', async () => {
    await expect(
      judge(
        own(() => {
          throw new Error('down')
        }),
      ),
    ).rejects.toThrow('down')
    await expect(judge(own(() => ({ required: false, expiresIn: 'soon' })))).rejects.toThrow(UsageError)
  })
})

describe('toolApproval', () => {
  const policy = (said: unknown): ApprovalRule => ruleOfPolicy(said, 'x')

  test("knows the AI SDK's words", async () => {
    expect(policy('user-approval')).toBe('always')
    expect(policy('approved')).toBe('never')
    expect(policy({ type: 'approved', reason: 'small' })).toBe('never')
    expect(policy('not-applicable')).toBe('never')
    await expect(judge(policy({ type: 'user-approval', reason: 'large' }))).resolves.toEqual({
      required: true,
      message: 'large',
    })
    expect(() => policy('maybe')).toThrow(UsageError)
    expect(() => policy(true)).toThrow(UsageError)
  })

  test('a function may use them, or speak like needsApproval', async () => {
    await expect(judge(policy(() => 'approved'))).resolves.toEqual({ required: false })
    await expect(judge(policy(() => undefined))).resolves.toEqual({ required: false })
    await expect(judge(policy(() => true))).resolves.toEqual({ required: true })
    await expect(judge(policy(() => ({ required: true, expiresIn: 5 })))).resolves.toEqual({
      required: true,
      expiresIn: 5,
    })
    await expect(judge(policy(() => 'perhaps'))).resolves.toEqual({ required: true })
    await expect(
      judge(
        policy((_: unknown, { runtimeContext }: { runtimeContext: unknown }) => ({
          type: 'user-approval',
          reason: JSON.stringify(runtimeContext),
        })),
      ),
    ).resolves.toEqual({ required: true, message: '{"tenant":"t"}' })
  })

  // A2
  test('a denial is told to the model', async () => {
    await expect(judge(policy('denied'))).rejects.toThrow(new ToolError('The call of x was denied.'))
    await expect(judge(policy(() => ({ type: 'denied', reason: 'not on Sundays' })))).rejects.toThrow(
      'The call of x was denied: not on Sundays.',
    )
    expect(denialOf('denied', 'x')).toBeInstanceOf(ToolError)
    expect(denialOf('approved', 'x')).toBeUndefined()
  })

  // A2, T2
  test('a denied tool does not run, whatever it says itself and whoever calls it', async () => {
    let ran = false
    const made = toolsOf(
      [
        tool({
          name: 'x',
          description: 'x',
          needsApproval: false,
          execute: () => {
            ran = true
          },
        }),
      ],
      { toolApproval: { x: 'denied' } },
    ).get('x')
    await expect(made?.execute({}, callWith())).rejects.toBeInstanceOf(ToolError)
    expect(ran).toBe(false)
  })

  test("takes the place of the tool's own word", () => {
    const always = tool({ name: 'x', description: 'x', needsApproval: true, execute: () => 1 })
    expect(toolsOf([always], { toolApproval: { x: 'approved' } }).get('x')?.approval).toBe('never')
    expect(toolsOf([always]).get('x')?.approval).toBe('always')
  })
})
