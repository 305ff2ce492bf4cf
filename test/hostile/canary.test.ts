/**
 * The canary (H20, H21): an agent that knows two secrets, and whose tools, model, people and callbacks say them in every
 * form. It is killed, resumed, asked, and watched; then every byte that is left behind is searched.
 */
import { join } from 'node:path'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { expect, test } from 'vitest'
import { encode } from '../../src/base/codec.ts'
import { memoryStore, PersistentCodeAgent, tool } from '../../src/index.ts'
import { Place, type Ended } from '../cli/fixtures/pca.ts'
import { formsOf, leaksOf } from './fixtures/canary-forms.ts'
import { echo, found, leftIn, modelServer, type Left } from './fixtures/canary-world.ts'

const secrets = {
  // With what JSON, URLs and base64 treat each in its way; a header can hold it.
  TOKEN: 'ghp_Can4ry/"t0k+en\\<&>=~!*\'()',
  PHRASE: 'corréct hörse\n"battery" ✓ staple\\',
}

const program = (place: string): string => `
const seen = []
const tell = async (name, work) => {
  try { const got = await work(); seen.push([name, got]); print(name, got) }
  catch (error) { seen.push([name, error.message, error]); print(name, error.message, error) }
}
await tell('leak', () => leak({}))
await tell('boom', () => boom({}))
await tell('told', () => told({}))
await tell('chat', () => chat({}))
await tell('fetch', () => fetch({ url: 'http://${place}/', headers: { authorization: 'Bearer ' + secret('TOKEN') } }))
await tell('crash', () => crash({}))
await tell('ask_for', () => ask_for({}))
print(given, seen.length)
pin(JSON.stringify(seen).slice(0, 900))
seen`

test('0 found', { timeout: 240_000 }, async ({ annotate }) => {
  const asked: string[] = []
  const echoed: string[] = []
  const said: Left[] = []
  const everything = Object.values(secrets)
    .flatMap(leaksOf)
    .flatMap((bytes) => (bytes.includes(0) ? [] : [bytes.toString()]))
  using home = new Place()
  await using site = await echo(echoed)
  await using model = await modelServer(
    [
      { text: `I know ${everything.join(' ')} `, code: `// ${secrets.TOKEN}\n${program(site.place)}` },
      { text: '', code: `finalAnswer('once more')` },
      {
        text: everything.join(' '),
        code: `finalAnswer({ seen, given, all: ${JSON.stringify(everything)} })`,
      },
    ],
    asked,
  )
  const env = {
    CANARY_TOKEN: secrets.TOKEN,
    CANARY_PHRASE: secrets.PHRASE,
    CANARY_PLACE: site.place,
    CANARY_MODEL: `http://${model.place}/v1`,
    CANARY_FOLDER: home.path,
  }
  const agent = join(import.meta.dirname, 'fixtures', 'canary-agent.ts')
  let summary = ''
  const search = (when: string): void => {
    const left = [...leftIn(home.path), ...said]
    const places = found(secrets, left)
    const files = left.filter(({ name }) => !name.includes(':')).length
    summary = `${places.length} found in ${files} files and outputs, and ${left.length - files} values in them, ${when}`
    expect(places, `${summary}`).toEqual([])
  }
  const pca = async (...args: readonly string[]): Promise<Ended> => {
    const ended = await home.start(args, { env }).ended
    const name = `pca ${args[0]}`
    said.push({ name: `${name}, stdout`, bytes: Buffer.from(ended.out) })
    said.push({ name: `${name}, stderr`, bytes: Buffer.from(ended.err) })
    return ended
  }
  const question = async (): Promise<string> => {
    const { last } = await pca('inbox', '--json')
    return (last['questions'] as readonly { readonly id: string }[])[0]?.id ?? 'none'
  }

  const task = `Use ${secrets.TOKEN} and ${secrets.PHRASE}, please`
  const first = await pca(
    'run',
    agent,
    task,
    '--input',
    `given=${JSON.stringify(everything)}`,
    '--id',
    'canary',
  )
  expect(first).toMatchObject({ code: null })
  search('after the kill')

  expect((await pca('resume', 'canary', '--agent', agent)).code).toBe(3)
  search('while it waits for an approval')
  expect((await pca('approve', await question(), '--by', 'ann', '--agent', agent)).code).toBe(0)
  expect((await pca('resume', 'canary', '--agent', agent, '--json')).code).toBe(3)
  search('while it waits for an answer')
  expect((await pca('answer', await question(), '"yes"', '--agent', agent)).code).toBe(0)
  const last = await pca('resume', 'canary', '--agent', agent, '--json')
  expect(last).toMatchObject({ code: 0 })

  expect((await pca('show', 'canary')).code).toBe(0)
  expect((await pca('show', 'canary', '--events', '--json')).code).toBe(0)
  expect((await pca('show', 'canary', '--step', '1')).code).toBe(0)
  expect((await pca('list', '--json')).code).toBe(0)
  expect((await pca('verify')).code).toBe(0)
  expect((await pca('export', 'canary', 'one.db')).code).toBe(0)
  expect((await pca('backup', 'all.db')).code).toBe(0)
  search('at the end')

  // What was asked of the model; and that all this was no silence.
  const prompts = asked.map((bytes, index) => ({ name: `request ${index + 1}`, bytes: Buffer.from(bytes) }))
  const places = found(secrets, prompts)
  expect(places, `${places.length} found in ${prompts.length} prompts`).toEqual([])
  // A read may be sent again after the kill.
  expect(new Set(echoed), 'the site got the value').toEqual(new Set([`Bearer ${secrets.TOKEN}`]))
  expect(asked).toHaveLength(3)
  const heard = Buffer.concat([...prompts, ...leftIn(home.path)].map(({ bytes }) => bytes)).toString('latin1')
  for (const name of Object.keys(secrets)) expect(heard.split(`[secret:${name}]`).length).toBeGreaterThan(100)
  expect(leftIn(home.path).filter(({ name }) => name.endsWith('inflated')).length).toBeGreaterThan(0)
  expect(summary).toMatch(/^0 found in \d{2,} files and outputs, and \d{3,} values in them, at the end$/)
  await annotate(summary)
})

test('nor do those who watch hear one: deltas in pieces, progress, logs, a failure of the run itself', async () => {
  const { TOKEN } = secrets
  const asked: string[] = []
  await using model = await modelServer(
    [
      {
        text: `The token is ${TOKEN}, is it?`,
        code: `await chat({}); print('${TOKEN.replaceAll(/[\\']/g, '\\$&')}')`,
      },
      { text: `${TOKEN} `, code: 'finalAnswer(1)' },
    ],
    asked,
  )
  const chat = tool({
    name: 'chat',
    description: 'Says it',
    execute: async function* (_input, { log }) {
      log(TOKEN, { deep: [TOKEN] })
      yield { bytes: Buffer.from(TOKEN), [TOKEN]: new Map([[TOKEN, new Set([TOKEN])]]) }
    },
  })
  const agent = new PersistentCodeAgent({
    store: memoryStore(),
    secrets,
    tools: [chat],
    model: createOpenAICompatible({ name: 'local', baseURL: `http://${model.place}/v1` })('canary'),
  })
  const events: Left[] = []
  const deltas: Record<string, string> = {}
  for await (const event of agent.stream('Watch')) {
    const { type } = event
    if ('delta' in event) deltas[type] = (deltas[type] ?? '') + event.delta
    events.push({ name: type, bytes: Buffer.from(encode('entry' in event ? event.entry : { ...event })) })
  }
  const said = Object.entries(deltas).map(([name, text]) => ({ name, bytes: Buffer.from(text) }))
  expect(found(secrets, [...events, ...said])).toEqual([])
  expect(deltas['text']).toContain('The token is [secret:TOKEN], is it?')
  const kinds = new Set(events.map(({ name }) => name))
  for (const kind of ['text', 'code', 'log', 'progress', 'printed']) expect(kinds).toContain(kind)
})

test('the search finds each form, in a file, in a database and in what it inflates to', () => {
  for (const [form, bytes] of Object.entries(formsOf(secrets.PHRASE)))
    expect(found(secrets, [{ name: 'a file', bytes: Buffer.concat([Buffer.from('…'), bytes]) }])).toContain(
      `${form} of PHRASE in a file`,
    )
})
