/**
 * Makes a checkout ready to run: a Node that is new enough, and what package-lock.json says.
 *
 * Plain JavaScript without a dependency, for this runs on the machine's own Node (18 or later) before anything
 * is installed.
 *
 * U1  Where nothing is to do, nothing is printed and nothing is written.
 * U2  Nothing outside this checkout is changed, and no install script of a package runs.
 * U3  Only one set-up at a time works in a checkout; another one waits for it.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const nodeFolder = join(root, 'tools', 'node')
const lock = join(root, '.setup')

/** A set-up that cannot succeed; `message` is for people. */
export class SetupError extends Error {}

/** The path of a Node that is new enough, in a checkout whose packages are installed. @throws {SetupError} */
export async function setUp() {
  if (findNode() === undefined || !isInstalled(root)) await alone(install)
  const node = findNode()
  if (node !== undefined) return node
  throw new SetupError(
    `This needs Node ${wantedNode()} or later. This one is ${process.versions.node}, and no package carries a newer ` +
      `one for ${process.platform} on ${process.arch}. Please install Node yourself: https://nodejs.org`,
  )
}

/** The environment in which `node` is the Node that every child process finds first. */
export function environmentOf(node) {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === 'PATH') ?? 'PATH'
  return { ...process.env, [name]: [dirname(node), process.env[name] ?? ''].join(delimiter) }
}

function install() {
  const lacksNode = findNode() === undefined && !isInstalled(nodeFolder)
  const lacksPackages = !isInstalled(root)
  const what = [lacksNode && 'Node 24', lacksPackages && 'the packages'].filter(Boolean).join(' and ')
  if (what === '') return
  const start = Date.now()
  process.stderr.write(`Setting up once: ${what}, `)
  if (lacksNode) installPackages(nodeFolder, process.execPath)
  if (lacksPackages) installPackages(root, findNode() ?? process.execPath)
  process.stderr.write(`${Math.round((Date.now() - start) / 1000)} s\n`)
}

/** This process's own Node if it will do, else the one that tools/node brings, if it is there. */
function findNode() {
  if (isNewEnough(process.versions.node)) return process.execPath
  for (const [name, version] of Object.entries(
    readJson(join(nodeFolder, 'package.json')).optionalDependencies,
  )) {
    const binary = join(
      nodeFolder,
      'node_modules',
      name,
      'bin',
      process.platform === 'win32' ? 'node.exe' : 'node',
    )
    if (isNewEnough(version) && isInstalled(nodeFolder) && existsSync(binary)) return binary
  }
  return undefined
}

/** `24.18`, from `engines` in package.json. */
function wantedNode() {
  return readJson(join(root, 'package.json')).engines.node.replace('>=', '')
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  const [wantedMajor, wantedMinor] = wantedNode().split('.').map(Number)
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)
}

/**
 * True if node_modules holds what the lock file says, by npm's own record of what it installed. npm writes that
 * record last, so a broken-off installation has none. Packages for other platforms may be absent.
 */
function isInstalled(folder) {
  const record = join(folder, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = readJson(record).packages
  return Object.entries(readJson(join(folder, 'package-lock.json')).packages).every(([path, wanted]) => {
    if (path === '') return true
    const found = installed[path]
    return found === undefined ? wanted.optional === true : found.integrity === wanted.integrity
  })
}

function installPackages(folder, node) {
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--engine-strict=false', '--loglevel=error']
  // The npm that started us, run by the Node that is meant; else the first npm on PATH.
  const cli = process.env.npm_execpath ?? ''
  const own = /npm-cli\.c?js$/.test(cli) && existsSync(cli)
  const windows = process.platform === 'win32'
  const npm = spawnSync(own ? node : 'npm', [...(own ? [cli] : []), 'ci', ...options], {
    cwd: folder,
    env: environmentOf(node),
    encoding: 'utf8',
    shell: !own && windows,
  })
  if (npm.status === 0) return
  const output = [npm.error?.message, npm.stdout, npm.stderr].filter(Boolean).join('\n').trim()
  throw new SetupError(`that did not work.\n${output}\n\n'npm ci' failed in ${folder}. Its output is above.`)
}

/** Runs `work` while no other process of this checkout does. The lock is a folder: making one is atomic. */
async function alone(work) {
  while (!take()) await new Promise((resolve) => setTimeout(resolve, 200))
  try {
    work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function take() {
  try {
    mkdirSync(lock)
    writeFileSync(join(lock, 'pid'), String(process.pid))
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    if (isAbandoned()) rmSync(lock, { recursive: true, force: true })
    return false
  }
}

/** True if the process that took the lock is gone. */
function isAbandoned() {
  const file = join(lock, 'pid')
  if (!existsSync(file)) return false
  try {
    process.kill(Number(readFileSync(file, 'utf8')), 0)
    return false
  } catch (error) {
    return error.code === 'ESRCH'
  }
}

function readJson(file) {
  return JSON.parse(readFileSync(file, 'utf8'))
}
