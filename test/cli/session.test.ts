/**
 * A whole run at a terminal, as it is recorded in docs/session.txt, and the same by a script. `vitest -u` records anew.
 */
import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { fixture, Place } from './fixtures/pca.ts'
import { hasTerminal, pcaIn, Terminal } from './fixtures/terminal.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const MAIN = join(ROOT, 'src', 'cli', 'main.ts')
const TASK = 'Refund the damaged orders of last week'

/** A folder with the agent's module, and a `pca` that is this checkout's. */
function prepared(place: Place): NodeJS.ProcessEnv {
  const source = readFileSync(fixture('refunds.ts'), 'utf8')
  writeFileSync(join(place.path, 'agent.ts'), source.replaceAll(`'../../../src/`, `'${ROOT}/src/`))
  return {
    PATH: pcaIn(place.path, MAIN),
    PCA_STATE_DIR: join(place.path, 'state'),
    PCA_STORE: '',
    PCA_AGENT: '',
    PCA_STATE_KEY: '',
    NO_COLOR: '',
    FORCE_COLOR: undefined,
    NODE_OPTIONS: undefined,
    TERM: 'xterm',
  }
}

test.skipIf(!hasTerminal)(
  'run, Ctrl-C, list, resume, a question answered, approve --edit, done',
  async () => {
    using place = new Place()
    const terminal = new Terminal(place.path, prepared(place))
    const command = async (typed: string): Promise<void> => {
      await terminal.until('$ ')
      terminal.type(`${typed}\n`)
    }
    await command(`pca run agent.ts '${TASK}' --id week-32`)
    await terminal.until('step 1: 1.1 damagedOrders')
    terminal.type('\u0003')
    await terminal.until('pca resume week-32')
    await command('pca list')
    await command('pca resume')
    await terminal.until('Answer (empty: later): ')
    terminal.type('north\r')
    await terminal.until('[l]ater: ')
    terminal.type('l\r')
    await terminal.until('pca resume week-32')
    const [question] = await place.questions()
    await command(
      `pca approve ${question?.id} --edit '{ "order": "A-31", "amount": 180, "till": "north" }' --by ann`,
    )
    await command('pca resume')
    await terminal.until('180 for A-31')
    await command('pca list')
    await command('exit')
    await terminal.ended
    await expect(normal(terminal.text)).toMatchFileSnapshot(join(ROOT, 'docs', 'session.txt'))
  },
)

/** What differs from time to time. */
function normal(text: string): string {
  return `${text
    .replaceAll(/\d+(\.\d+)? (ms|s|min)\b/g, '0.4 s')
    .replaceAll(/\d+ tokens/g, '600 tokens')
    // Whether there was time for a snapshot.
    .replaceAll('(from a replay)', '(from its snapshot)')
    .replaceAll(/ \d+[sm] +(?=Refund)/g, ' 9s   ')
    .trim()
    .replace(/\n\$ exit$/, '')}\n`
}

test.skipIf(!hasTerminal)(
  'a narrow terminal without colours, and data that would like to act on it',
  async () => {
    using place = new Place()
    const terminal = new Terminal(place.path, { ...prepared(place), NO_COLOR: '1' }, 30)
    await terminal.until('$ ')
    terminal.type(`pca run ${fixture('agent.ts')} script:hostile --id r\n`)
    await terminal.until('step 1: asks the model')
    await terminal.until('[l]ater: ')
    terminal.type('l\r')
    await terminal.until('pca resume r')
    await terminal.until('$ ')
    terminal.type('exit\n')
    await terminal.ended
    const codes = terminal.raw.replaceAll('\u001b', '␛').match(/␛(\[[^A-Za-z]*[A-Za-z]|.)/g) ?? []
    // It moves and erases within its line, and nothing else.
    expect([...new Set(codes.map((code) => code.replace(/\d+/, 'n')))].toSorted()).toEqual([
      '␛[K',
      '␛[nG',
      '␛[nJ',
    ])
    expect(terminal.raw).not.toMatch(/[\u009b\u202e]/)
    const shown = [...terminal.raw.matchAll(/\[K([⠋-⠿][^\r\n]*?)\s*\r/gu)].map(([, status = '']) => status)
    expect(shown.length).toBeGreaterThan(0)
    for (const status of shown) expect(status.length).toBeLessThan(30)
  },
)

test('the same by a script of ten lines: docs/cli.md', async () => {
  using place = new Place()
  const page = readFileSync(join(ROOT, 'docs', 'cli.md'), 'utf8')
  const script = /```sh script\n(set -u\n[\s\S]*?)```/.exec(page)?.[1] ?? ''
  expect(script.trim().split('\n').length).toBeLessThanOrEqual(11)
  writeFileSync(join(place.path, 'refunds.sh'), script)
  const env = { ...process.env, ...prepared(place), TEST_FAST: '1' }
  const { stdout } = await promisify(execFile)('sh', ['refunds.sh'], { cwd: place.path, env })
  expect(stdout).toBe("[ '40 for A-17 from north', '180 for A-31 from north' ]\n")
})
