/**
 * `node scripts/run.mjs <task> [arguments]`: every script of package.json, on a Node that is new enough.
 *
 * Tools are started by their path in node_modules, never by `npx`, which may fetch another package of that name.
 */
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { rmSync } from 'node:fs'
import { SetupError, environmentOf, root, setUp } from './setup.mjs'

const tool = (path) => join(root, 'node_modules', path)
const tsc = tool('typescript/bin/tsc')
const oxfmt = tool('oxfmt/bin/oxfmt')
const vitest = tool('vitest/vitest.mjs')

/** In the order in which they are cheap to fail. */
const checks = {
  tsc: [
    [tsc, '-p', 'tsconfig.json'],
    [tsc, '-p', 'tsconfig.build.json', '--noEmit'],
  ],
  oxlint: [[tool('oxlint/bin/oxlint')]],
  oxfmt: [[oxfmt, '--check']],
  knip: [[tool('knip/bin/knip.js')]],
  vitest: [[vitest, 'run']],
}

/** Each gets the Node to use and the arguments that follow its name, and gives an exit code. */
const tasks = {
  start: (node, args) => run(node, ['examples/start.ts', ...args]),
  test: (node, args) => run(node, [vitest, 'run', ...args]),
  'test:crash': testCrash,
  check,
  format: (node, args) => run(node, [oxfmt, ...args]),
  build,
  bench: (node, args) => run(node, ['bench/main.ts', ...args]),
  'bench:model': (node, args) => run(node, ['bench/model-main.ts', ...args], { cwd: process.cwd() }),
  states: (node) => run(node, ['test/run/states/make.ts'], { env: { PCA_TYPE_CHECK: 'off' } }),
  docs: (node, args) => run(node, ['scripts/docs.mjs', ...args]),
  base: (node) => run(node, ['scripts/make-base.mjs']),
  pca: (node, args) => run(node, [join(root, 'src', 'cli', 'main.ts'), ...args], { cwd: process.cwd() }),
}

const [name = '', ...args] = process.argv.slice(2)
const task = Object.hasOwn(tasks, name) ? tasks[name] : undefined
if (task === undefined) {
  console.error(`Usage: node scripts/run.mjs <${Object.keys(tasks).join(' | ')}> [arguments]`)
  process.exitCode = 2
} else {
  try {
    process.exitCode = await task(await setUp(), args)
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

/** All checks, or those named, up to the first that fails. */
async function check(node, names) {
  const unknown = names.find((it) => !Object.hasOwn(checks, it))
  if (unknown !== undefined) {
    console.error(`There is no check '${unknown}'. There are: ${Object.keys(checks).join(', ')}.`)
    return 2
  }
  for (const it of names.length > 0 ? names : Object.keys(checks)) {
    const start = Date.now()
    const failure = await firstFailure(node, checks[it])
    if (failure !== undefined) console.log(failure.trim())
    const seconds = ((Date.now() - start) / 1000).toFixed(1)
    console.log(`${it.padEnd(7)} ${failure === undefined ? 'ok    ' : 'FAILED'} ${seconds} s`)
    if (failure !== undefined) return 1
  }
  return 0
}

/** What the first command that fails has printed; `undefined` if none fails. */
async function firstFailure(node, commands) {
  for (const command of commands) {
    let output = ''
    const onOutput = (text) => (output += text)
    const code = await run(node, command, { stdio: ['ignore', 'pipe', 'pipe'], onOutput })
    if (code !== 0) return output
  }
  return undefined
}

/** The crash proof, whole: every kill, which writes docs/reliability.md, then the tests that are samples otherwise. */
async function testCrash(node, args) {
  const unchecked = { PCA_TYPE_CHECK: 'off' }
  const proof = await run(node, ['test/crash/fixtures/whole.ts', ...args], { env: unchecked })
  const env = { CRASH: 'all', FAULTS: 'all', HOSTILE: 'all', SIM: 'all', SWEEP: 'all' }
  const folders = ['crash', 'faults', 'hostile', 'simulation', 'journal', 'run', 'sandbox'].map(
    (name) => `test/${name}/`,
  )
  const tests = await run(node, [vitest, 'run', ...folders], { env })
  return proof === 0 ? tests : proof
}

function build(node) {
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  return run(node, [tsc, '-p', 'tsconfig.build.json'])
}

/**
 * Runs `node` with `args` in the checkout; resolves with its exit code, or dies by the same signal.
 *
 * A Ctrl-C in a terminal reaches the child without us, once. So it is passed on only where there is no terminal:
 * to the child, the second one means "leave at once".
 */
function run(node, args, { onOutput, env: more = {}, ...options } = {}) {
  const color = onOutput !== undefined && process.stdout.isTTY ? { FORCE_COLOR: '1' } : {}
  const env = { ...environmentOf(node), ...color, ...more }
  const child = spawn(node, args, { cwd: root, env, stdio: 'inherit', ...options })
  child.stdout?.setEncoding('utf8').on('data', onOutput)
  child.stderr?.setEncoding('utf8').on('data', onOutput)

  const inTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY)
  const passOn = (signal) => {
    if (signal !== 'SIGINT' || !inTerminal) child.kill(signal)
  }
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of signals) process.on(signal, passOn)

  return new Promise((resolve, reject) => {
    child.on('error', (cause) => reject(new SetupError(`${node} does not start: ${cause.message}`)))
    child.on('close', (code, signal) => {
      for (const each of signals) process.off(each, passOn)
      if (signal !== null) process.kill(process.pid, signal)
      resolve(code ?? 128 + (constants.signals[signal] ?? 0))
    })
  })
}
