/** H25 and H26: data that other systems would bring to life, state files of theirs, and ids that are no ids. */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isPersistentAgentError, memoryStore, PersistentCodeAgent, sqliteStore } from '../../src/index.ts'
import { contents, scratch } from '../journal/fixtures/files.ts'
import { agentOf, echo, goOn, onlyQuestion, output, plainTool, rested } from '../e2e/fixtures/bench.ts'

/** What LangChain, Json.NET, jsonpickle, YAML, node-serialize, devalue and our own codec would make something of. */
const LIVING: readonly unknown[] = [
  { lc: 1, type: 'constructor', id: ['langchain', 'llms', 'OpenAI'], kwargs: { apiKey: 'x' } },
  { lc: 1, type: 'secret', id: ['HOME'] },
  { $type: 'System.Diagnostics.Process, System', StartInfo: { FileName: 'sh' } },
  { 'py/object': 'subprocess.Popen', 'py/reduce': [{ 'py/type': 'os.system' }, ['id']] },
  { __class__: 'Popen', __module__: 'subprocess', args: ['id'] },
  { rce: '_$$ND_FUNC$$_function () { return process.exit() }()' },
  '!!python/object/apply:os.system ["id"]',
  ['Date', 'now'],
  [['Promise', 1], 'x'],
  { $secret: 'TOKEN', $blob: 'sha256:0', $handle: 1 },
]

describe('H25: what looks like an object of another system stays what it is', () => {
  test.each(LIVING.map((value) => [JSON.stringify(value), value]))('%s', async (_shown, value) => {
    const given = {
      store: memoryStore(),
      tools: [plainTool('given', () => value)],
      script: [
        'const got = await given({})\nconst said = await ask("And you?")\nfinalAnswer([got, said, Object.prototype.toString.call(got)])',
      ],
    }
    const agent = agentOf(given)
    const { id } = onlyQuestion(await agent.run('x', { additionalArgs: { arg: value } }))
    await agent.answer(id, { type: 'respond', value })
    const kind = Object.prototype.toString.call(value)
    expect(output(await goOn(agent))).toEqual([value, value, kind])
  })

  test.each([
    [
      'a pickle',
      Buffer.from('\x80\x04\x95\x1d\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94', 'latin1'),
    ],
    ['JSON of another agent', Buffer.from('{"lc":1,"type":"constructor"}')],
    ['a database of somebody else', undefined],
  ])('%s is no state file: it is refused, and left as it was', async (_what, bytes) => {
    using place = scratch()
    if (bytes !== undefined) writeFileSync(place.file, bytes)
    else
      execFileSync(process.execPath, [
        '-e',
        `new (require('node:sqlite').DatabaseSync)(${JSON.stringify(place.file)}).exec('CREATE TABLE checkpoints (thread_id TEXT)')`,
      ])
    const before = contents(place.path)
    for (const look of [
      async () => PersistentCodeAgent.resumeExecution(place.file),
      async () => PersistentCodeAgent.runs(place.file),
      async () => agentOf({ storagePath: place.file, tools: [echo], script: ['1'] }).run('x'),
    ]) {
      const refused: unknown = await look().then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(isPersistentAgentError(refused) ? refused.code : refused).toBe('STATE_CORRUPT')
    }
    expect(contents(place.path)).toEqual(before)
  })
})

const IDS = [
  `' OR 1=1--`,
  '../../etc/passwd',
  'a/b',
  '..',
  '',
  ' r',
  'r\0',
  'r\n',
  'x'.repeat(10_000),
  '%',
  'r%',
  'ｒ',
  '__proto__ ',
]

describe('H26: an id that is none', () => {
  test.each(IDS.map((id) => [JSON.stringify(id).slice(0, 40), id]))('%s', async (_shown, id) => {
    using place = scratch()
    await using store = sqliteStore(place.file)
    const agent = agentOf({ store, script: ['await ask("Which?")'] })
    const { runId } = rested(await agent.run('x', { runId: 'r' }), 'paused')
    const before = await store.read('r', 0, 1_000)

    await expect(agentOf({ store, script: ['1'] }).run('y', { runId: id })).rejects.toMatchObject({
      code: 'USAGE',
    })
    for (const act of [
      async () => PersistentCodeAgent.resumeExecution(place.file, { runId: id }),
      async () => PersistentCodeAgent.inspect(place.file, { runId: id }),
      async () => agent.answer(id, { type: 'approve' }),
      async () => agent.fork({ runId: id === '' ? 'r' : id }),
    ]) {
      const refused: unknown = await act().then(
        () => 'it was done',
        (error: unknown) => error,
      )
      expect(isPersistentAgentError(refused) ? '' : refused).toBe('')
    }
    expect(await PersistentCodeAgent.runs(place.file, { agent: id })).toEqual([])
    expect((await PersistentCodeAgent.runs(place.file)).map((run) => run.runId)).toEqual([runId])
    expect(await store.read('r', 0, 1_000)).toEqual(before)
  })
})

test('a state file is where it was asked for, whatever its name holds', async () => {
  using place = scratch()
  const file = join(place.path, `' OR 1=1-- ?mode=memory#.db`)
  await using agent = agentOf({ storagePath: file, script: ['finalAnswer(1)'] })
  expect(output(await agent.run('x'))).toBe(1)
  expect(await PersistentCodeAgent.runs(file)).toHaveLength(1)
})
