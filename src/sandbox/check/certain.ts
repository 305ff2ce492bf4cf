/**
 * Which of the type checker's complaints are certain: the program breaks what a tool declares, or fails when it gets
 * there. All others are matters of style to a program that runs, and are not told.
 */
import { childrenOf, type AnyNode, type Tree } from '../tree.ts'
import { DECLARED, TOOLS } from './declarations.ts'
import { alternatives, kindsOf, literalsOf } from './kinds.ts'
import { keyOf } from './places.ts'
import type { Fault } from './report.ts'
import type { Diagnostic } from './server.ts'

/** What is known of a program beside its tree. */
export interface Knowledge {
  readonly tree: Tree
  readonly tools: ReadonlySet<string>
  /** Names that programs declare, this one or those before it: a tool of such a name is not meant. */
  readonly declared: ReadonlySet<string>
  /** What this program or one before it asks for before it uses it (`.member` or name), and names that were there before. */
  readonly asked: ReadonlySet<string>
  readonly doubtful: ReadonlySet<string>
  /** Names may come to exist in ways that cannot be seen. */
  readonly evaluates: boolean
  readonly isSurvivable: (node: Pick<AnyNode, 'start' | 'end'>) => boolean
}

const UNKNOWN_NAME = new Set([
  2304, 2552, 2580, 2581, 2582, 2583, 2584, 2591, 2592, 2593, 2867, 2868, 18004, 2693,
])
const MISSING_PROPERTY = new Set([2339, 2551])
const NOT_ITERABLE = new Set([2488, 2461, 2495, 2504])
const NOT_CALLABLE = new Set([2349, 2351])
const NOT_GIVEN = new Set([2554, 2555])
const NOT_ASSIGNABLE = new Set([2322, 2345, 2353, 2559, 2561, 2739, 2740, 2741, 2820])
const UNDECLARED_YET = new Set([2448, 2449])
const CLASS_CALLED = 2348
const CONSTANT = 2588
const MIXED_OPERANDS = 2365
const NO_MODULE = new Set([2307, 2792])

/** A complaint that is certain, and where it stands in the program; `undefined` for one that is not. */
export function certainFault(
  diagnostic: Diagnostic,
  at: { readonly pos: number; readonly end: number },
  known: Knowledge,
): Fault | undefined {
  const path = pathTo(known.tree, at.pos, at.end)
  if (!isCertain(diagnostic, path, known)) return undefined
  const module = path.map(moduleIn).find((name) => name !== undefined)
  return { diagnostic, pos: at.pos, ...(module === undefined ? {} : { module }) }
}

/** True if the program cannot be right where `diagnostic` stands. */
function isCertain(diagnostic: Diagnostic, path: readonly AnyNode[], known: Knowledge): boolean {
  const node = path.at(-1)
  const { code } = diagnostic
  if (node === undefined) return false
  if (NOT_ASSIGNABLE.has(code)) return isGivenToTool(path, known) && isBreach(diagnostic, known)
  if (NOT_GIVEN.has(code)) return isToolCall(path.findLast(isCall), known) && lacksInput(diagnostic)
  if (MISSING_PROPERTY.has(code)) return isMissing(diagnostic, path, known)
  if (known.isSurvivable(node)) return UNKNOWN_NAME.has(code) && meansTool(diagnostic, known)
  if (path.some(isImport)) return UNKNOWN_NAME.has(code) || NO_MODULE.has(code)
  if (UNKNOWN_NAME.has(code))
    return node.type === 'Identifier' && !known.asked.has(node.name) && !known.evaluates
  if (NOT_ITERABLE.has(code) || NOT_CALLABLE.has(code)) return isBuiltIn(typeIn(diagnostic), node, known)
  if (code === CLASS_CALLED) return node.type !== 'Identifier' || !known.doubtful.has(node.name)
  if (code === CONSTANT) return true
  if (UNDECLARED_YET.has(code))
    return node.type === 'Identifier' && !known.asked.has(node.name) && !known.tools.has(node.name)
  return code === MIXED_OPERANDS && mixesBigints(diagnostic.text)
}

/** A member that is not there: certain of tools and their results, and of built-in objects where it is used. */
function isMissing(diagnostic: Diagnostic, path: readonly AnyNode[], known: Knowledge): boolean {
  const [parent, node] = path.slice(-2)
  if (node?.type !== 'Identifier' || parent === undefined || diagnostic.messageChain !== undefined)
    return false
  if (known.doubtful.has(`.${node.name}`)) return false
  const type = typeIn(diagnostic)
  const isMember = parent.type === 'MemberExpression' && parent.property === node
  if (type.startsWith('Promise<')) return isMember || parent.type === 'Property'
  if (known.asked.has(`.${node.name}`)) return false
  if (type === TOOLS) return !known.declared.has('tools')
  if (type.startsWith(`${DECLARED}<`) && !hasUnion(type)) return isMember || parent.type === 'Property'
  const user = path.at(-3)
  const isUsed =
    (user?.type === 'CallExpression' && user.callee === parent) ||
    (user?.type === 'MemberExpression' && user.object === parent)
  return isMember && isUsed && isBuiltIn(type, node, known) && !known.isSurvivable(node)
}

/** The text of the type that a complaint is about. */
function typeIn(diagnostic: Diagnostic): string {
  const text = diagnostic.messageChain?.[0]?.text ?? diagnostic.text
  return /(?:on type|^Type|^Value of type) '([^]+?)'(?:\.| must| has| is)/.exec(text)?.[1] ?? ''
}

const BUILT_IN = new Set(
  (
    'string number boolean bigint symbol String Number Boolean BigInt Symbol Date RegExp Math JSON Reflect ' +
    'StringConstructor NumberConstructor BooleanConstructor ObjectConstructor ArrayConstructor DateConstructor ' +
    'PromiseConstructor MapConstructor SetConstructor RegExpConstructor SymbolConstructor BigIntConstructor ' +
    'RegExpMatchArray RegExpExecArray'
  ).split(' '),
)
const GENERIC =
  /^(?:Array|ReadonlyArray|Map|Set|WeakMap|WeakSet|Promise|\w*Iterator|Generator|AsyncGenerator)</

/** A type of the language's own, which no program has changed. */
function isBuiltIn(type: string, node: AnyNode, known: Knowledge): boolean {
  if (known.doubtful.has('.prototype') || known.asked.has('__proto__')) return false
  if (node.type === 'Identifier' && known.doubtful.has(node.name)) return false
  if (node.type === 'MemberExpression' && known.doubtful.has(keyOf(node) ?? '')) return false
  if (known.declared.has(/^\w*/.exec(type)?.[0] ?? '')) return false
  if (type.startsWith(`${DECLARED}<`)) return !hasUnion(type)
  if (BUILT_IN.has(type) || GENERIC.test(type)) return !hasUnion(type)
  return kindsOf(type)?.every((kind) => kind === 'array' || isPrimitive(kind)) === true && !hasUnion(type)
}

function isPrimitive(kind: string): boolean {
  return kind === 'string' || kind === 'number' || kind === 'boolean' || kind === 'bigint'
}

/** Members of a union are told apart at run time: `a | b`, but not `(a | b)[]`. */
function hasUnion(type: string): boolean {
  return alternatives(type).length > 1
}

/** The module that `import('name')` or `require('name')` asks for. */
function moduleIn(node: AnyNode): string | undefined {
  const isRequire =
    node.type === 'CallExpression' && node.callee.type === 'Identifier' && node.callee.name === 'require'
  const named = isImport(node) ? node.source : isRequire ? node.arguments[0] : undefined
  return named?.type === 'Literal' && typeof named.value === 'string' ? named.value : undefined
}

function isImport(node: AnyNode): node is Extract<AnyNode, { type: 'ImportExpression' }> {
  return node.type === 'ImportExpression'
}

function isCall(node: AnyNode): boolean {
  return node.type === 'CallExpression' || node.type === 'NewExpression'
}

/** The call is of a tool: by its bare name, where nothing else has it, or as a member of `tools`. */
function isToolCall(node: AnyNode | undefined, { tools, declared }: Knowledge): boolean {
  if (node?.type !== 'CallExpression') return false
  const { callee } = node
  if (callee.type === 'Identifier') return tools.has(callee.name) && !declared.has(callee.name)
  if (callee.type !== 'MemberExpression' || callee.object.type !== 'Identifier') return false
  return callee.object.name === 'tools' && tools.has(keyOf(callee)?.slice(1) ?? '')
}

/** The complaint is about what a tool is given, not about a call within it. */
function isGivenToTool(path: readonly AnyNode[], known: Knowledge): boolean {
  const calls = path.findLastIndex((node) => isCall(node) || node.type.includes('Function'))
  const call = path[calls]
  return isToolCall(call, known) && call?.type === 'CallExpression' && path[calls + 1] !== call.callee
}

function lacksInput({ text }: Diagnostic): boolean {
  const [, expected = '0', got = '0'] = /Expected (?:at least )?(\d+)\D+(\d+)/.exec(text) ?? []
  return Number(got) < Number(expected)
}

/** What is given cannot be what the tool takes, whatever happens before. */
function isBreach(diagnostic: Diagnostic, { doubtful }: Knowledge): boolean {
  const reasons = reasonsOf(diagnostic)
  // A reason may speak of one alternative of what is given: the others may fit.
  if (reasons.map(mismatchIn).some((one) => one !== undefined && hasUnion(one.given) && !areApart(one)))
    return false
  const text = reasons.at(-1) ?? ''
  if (text.startsWith('Object literal may only specify known properties')) return true
  const missing =
    /^Property '(.+)' is missing in type/.exec(text)?.[1] ??
    /^Type '[^]*' is missing the following properties from type '[^]*': (.+)$/.exec(text)?.[1]
  if (missing !== undefined)
    return missing.split(', ').every((name) => !doubtful.has(`.${name}`)) && !doubtful.has('.__proto__')
  const mismatch = mismatchIn(text)
  return mismatch !== undefined && areApart(mismatch)
}

interface Mismatch {
  readonly given: string
  readonly wanted: string
}

function mismatchIn(text: string): Mismatch | undefined {
  const [, given, wanted] =
    /^(?:Type|Argument of type) '([^]*)' is not assignable to (?:type|parameter of type) '([^]*?)'\.(?: Did you mean [^]*)?$/.exec(
      text,
    ) ??
    /^Type '([^]*)' has no properties in common with type '([^]*)'\.$/.exec(text) ??
    []
  return given === undefined || wanted === undefined ? undefined : { given, wanted }
}

/** No value of the one type is of the other. */
function areApart({ given, wanted }: Mismatch): boolean {
  const [from, to] = [kindsOf(given), kindsOf(wanted)]
  if (from === undefined || to === undefined) return false
  if (from.every((kind) => !to.includes(kind))) return true
  const [said, allowed] = [literalsOf(given), literalsOf(wanted)]
  return said !== undefined && allowed !== undefined && said.every((literal) => !allowed.includes(literal))
}

/** The reasons of a complaint, from the outermost. */
function reasonsOf({ text, messageChain }: Diagnostic): readonly string[] {
  const inner = messageChain?.at(-1)
  return inner === undefined ? [text] : [text, ...reasonsOf(inner)]
}

function meansTool({ text }: Diagnostic, { tools }: Knowledge): boolean {
  return tools.has(/Did you mean '(.+)'\?$/.exec(text)?.[1] ?? '')
}

function mixesBigints(text: string): boolean {
  const [, left = '', right = ''] = /to types '(.+)' and '(.+)'\.$/.exec(text) ?? []
  const kinds = [kindsOf(left)?.join(), kindsOf(right)?.join()]
  return kinds.includes('bigint') && kinds.includes('number')
}

/** The nodes around a range, the smallest last. */
function pathTo(tree: Tree, start: number, end: number): readonly AnyNode[] {
  const path: AnyNode[] = [tree]
  for (let node: AnyNode | undefined = tree; node !== undefined;) {
    node = childrenOf(node).findLast((child) => child.start <= start && end <= child.end)
    if (node !== undefined) path.push(node)
  }
  return path
}
