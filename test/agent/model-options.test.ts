import { expect, test } from 'vitest'
import { define } from '../../src/agent/define.ts'
import { dataOptions } from '../../src/agent/options.ts'
import { UsageError } from '../../src/base/errors.ts'
import { scriptedModel } from '../../src/model/scripted.ts'

test('what is right is taken as data', () => {
  const given = {
    actionFormat: 'json',
    modelSettings: { temperature: 0, reasoning: 'high', stopSequences: ['END'] },
    providerOptions: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1024 } } },
    maxRetries: 0,
    maxRetryWait: '2m',
    modelIdleTimeout: '30s',
    rateLimit: { requestsPerMinute: 50 },
  } as const
  const options = dataOptions(given)
  expect(options).toMatchObject({ ...given, maxRetryWait: 120_000, modelIdleTimeout: 30_000 })
  expect(JSON.parse(JSON.stringify(options))).toEqual(options)
  expect(dataOptions({})).toEqual({})
})

test.each<[object, RegExp]>([
  [{ actionFormat: 'xml' }, /actionFormat is 'tool', 'text' or 'json', not "xml"/],
  [{ modelSettings: 'hot' }, /modelSettings must be an object/],
  [{ modelSettings: { temperature: 'hot' } }, /modelSettings\.temperature must be a number, not "hot"/],
  [{ modelSettings: { temprature: 1 } }, /no setting 'modelSettings\.temprature'/],
  [{ modelSettings: { reasoning: 'hard' } }, /modelSettings\.reasoning must be one of provider-default/],
  [{ modelSettings: { stopSequences: [1] } }, /modelSettings\.stopSequences must be a list of texts/],
  [{ modelSettings: { seed: Number.NaN } }, /modelSettings\.seed must be a number/],
  [{ providerOptions: [] }, /providerOptions must be an object/],
  [{ providerOptions: { openai: 1 } }, /providerOptions\.openai must be an object/],
  [{ providerOptions: { openai: { user: () => 1 } } }, /providerOptions\.openai\.user must be JSON/],
  [
    { providerOptions: { openai: { data: new Uint8Array(1) } } },
    /providerOptions\.openai\.data must be JSON/,
  ],
  [{ maxRetries: -1 }, /maxRetries must be a whole number from 0/],
  [{ maxRetries: 1.5 }, /maxRetries/],
  [{ maxRetryWait: 'long' }, /maxRetryWait is no duration/],
  [{ modelIdleTimeout: 0 }, /modelIdleTimeout is 0/],
  [{ rateLimit: 5 }, /rateLimit must be/],
  [{ rateLimit: { perHour: 1 } }, /no limit 'rateLimit\.perHour'/],
  [{ rateLimit: { requestsPerMinute: 0 } }, /rateLimit\.requestsPerMinute must be a whole number from 1/],
])('%j is refused at construction, naming the option', (wrong, message) => {
  const given = { model: scriptedModel([]), ...wrong } as Parameters<typeof define>[0]
  expect(() => define(given, undefined)).toThrow(UsageError)
  expect(() => define(given, undefined)).toThrow(message)
})
