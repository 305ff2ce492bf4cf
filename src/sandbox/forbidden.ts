/** What a program may not do, although it is well formed. */
import { noModule } from './modules.ts'
import { referencesTo, type Reference } from './scope.ts'
import { bindingNames } from './tree.ts'
import type { AnyNode, Tree } from './tree.ts'

export interface Forbidden {
  readonly message: string
  /** Offset in the code. */
  readonly at: number
}

/** The places of the program's own variable `finalAnswer`, if it has one. */
export interface Allowed {
  readonly answers: readonly Reference[]
}

const ANSWER = 'finalAnswer'
const IS_THERE = '`finalAnswer` is the function that ends the task. It is there already'
/** Names that a program may use but not declare at its top level. */
const LOCKED: { readonly [name: string]: string } = {
  tools: '`tools` holds the tools and cannot be declared again; choose another name',
  $r: '`$r` is reserved; choose another name',
  $names: '`$names` is reserved; choose another name',
  $decorate: '`$decorate` is reserved; choose another name',
}

export interface Asked {
  readonly code: string
  readonly tree: Tree
  readonly isReprinted: boolean
  /** The names of the tools that the program has. */
  readonly tools: readonly string[]
}

export function forbidden({ code, tree, isReprinted, tools }: Asked): Forbidden | Allowed {
  const own: number[] = []
  for (const statement of tree.body) {
    const from = 'source' in statement ? statement.source : undefined
    // Of `import { type A } from 'x'` nothing is left that would have to be imported.
    const isBare = statement.type === 'ImportDeclaration' && statement.specifiers.length === 0
    const isErased = isBare && (isReprinted || code.slice(statement.start, statement.end).includes('{'))
    if (from && !isErased) return { message: noModule(String(from.value), tools), at: statement.start }
    const inner = 'declaration' in statement ? statement.declaration : statement
    for (const [name, at] of inner ? declared(inner) : []) {
      if (Object.hasOwn(LOCKED, name)) return { message: LOCKED[name] ?? '', at }
      if (name === ANSWER && inner?.type !== 'VariableDeclaration') return { message: IS_THERE, at }
      if (name === ANSWER) own.push(at)
    }
  }
  return answersIn(code, tree, own.length > 0)
}

/**
 * A variable may be called `finalAnswer`; then it is one, in all of the program, and calling it is a mistake that can be
 * told before anything runs.
 */
function answersIn(code: string, tree: Tree, isOwn: boolean): Forbidden | Allowed {
  if (!isOwn && !/finalAnswer\s*(?:[-+*/%&|^?<>]*=[^=>]|\+\+|--)/.test(code)) return { answers: [] }
  const answers = referencesTo(tree.body, ANSWER).toSorted((a, b) => a.start - b.start)
  if (isOwn) {
    const called = answers.find(({ use }) => use === 'call')
    if (called === undefined) return { answers }
    const message =
      '`finalAnswer` is a variable of this program, so it cannot be called; name the variable `answer`'
    return { message, at: called.start }
  }
  const written = answers.find(({ use }) => use === 'write')
  return written === undefined
    ? { answers: [] }
    : { message: `${IS_THERE}: call it, finalAnswer(value)`, at: written.start }
}

function declared(node: AnyNode): readonly (readonly [name: string, at: number])[] {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return node.id ? [[node.id.name, node.id.start]] : []
    case 'VariableDeclaration':
      return node.declarations.flatMap(({ id }) => bindingNames(id).map((name) => [name, id.start] as const))
    default:
      return []
  }
}
