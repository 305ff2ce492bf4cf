/**
 * What acorn's parser lacks: standard decorators and the `accessor` keyword. And what it must not do: look for a name in
 * a list of all names, which is minutes for a program that declares a hundred thousand.
 *
 * acorn is made to be extended, by a subclass; its types do not tell of what is inside, so that is written down here.
 */

/** Offsets of the code. */
export type Range = readonly [start: number, end: number]

interface Node {
  readonly type: string
  readonly declaration?: Node
  decorators?: readonly Decorator[]
}

/** A class, which has something of this if it was noted. */
interface ClassLike extends Node {
  readonly body: { readonly body: readonly Element[] }
}

/** The part of acorn's inside that is used here. `this.start` and `this.type` are those of the token at hand. */
interface Inside {
  readonly type: unknown
  readonly start: number
  readonly input: string
  readonly lastTokEnd: number
  pos: number
  next(): void
  eat(type: unknown): boolean
  expect(type: unknown): void
  raise(at: number, message: string): never
  isContextual(word: string): boolean
  finishToken(type: unknown): void
  currentScope(): { lexical: NameList; var: NameList; functions: NameList }
  parseIdent(): unknown
  parsePrivateIdent(): unknown
  parseExpression(): unknown
  parseExprList(close: unknown, allowTrailingComma: boolean): readonly unknown[]
  // Those that are overridden.
  parse(): object
  enterScope(flags: number): void
  getTokenFromCode(code: number): void
  unexpected(at?: number): never
  shouldParseExportStatement(): boolean
  parseImportMeta(node: unknown): unknown
  parseStatement(context: unknown, topLevel: unknown, exports: unknown): Node
  parseExprAtom(...rest: readonly unknown[]): Node
  parseClass(node: Node, isStatement: unknown): ClassLike
  parseClassElement(allowsSuper: boolean): Element | null
  parseClassElementName(element: Element): void
}

/** A decorator: the range of all of it, and that of its expression. */
export interface Decorator {
  readonly range: Range
  readonly expression: Range
}

interface Element {
  decorators?: readonly Decorator[]
  /** The range of the keyword. */
  accessor?: Range
}

interface Tokens {
  readonly name: unknown
  readonly privateId: unknown
  readonly parenL: unknown
  readonly parenR: unknown
  readonly dot: unknown
  readonly _class: unknown
  readonly _export: unknown
}

type InsideClass = new (...rest: readonly never[]) => Inside

/** The names of a scope. acorn asks whether it has one, and for the first. */
class NameList {
  #names: Set<string> | undefined
  0: string | undefined

  push(name: string): void {
    this[0] ??= name
    this.#names ??= new Set()
    this.#names.add(name)
  }

  indexOf(name: string): number {
    return this.#names?.has(name) === true ? 0 : -1
  }
}

const AT = 64
const MISPLACED = 'A decorator stands before a class or a member of one'
const NO_META = '`import.meta` is not there: the code is no module'
/** Behind `accessor` on its line: the beginning of a name. */
const NAMED = /^accessor[ \t]+(?:[\w$#"'[\\]|[^\p{ASCII}])/u

/** The parser with what it lacks. To the tree it adds `classes`: those that have something of it. */
export function withDecorators(Base: unknown, tokens: Tokens, at: unknown): unknown {
  return class extends (Base as InsideClass) {
    readonly #classes = new Set<Node>()

    override parse(): object {
      return Object.assign(super.parse(), { classes: [...this.#classes] })
    }

    override enterScope(flags: number): void {
      super.enterScope(flags)
      const scope = this.currentScope()
      scope.lexical = new NameList()
      scope.var = new NameList()
      scope.functions = new NameList()
    }

    override getTokenFromCode(code: number): void {
      if (code !== AT) return super.getTokenFromCode(code)
      this.pos += 1
      return this.finishToken(at)
    }

    override unexpected(place?: number): never {
      if (this.type === at) this.raise(this.start, MISPLACED)
      return super.unexpected(place)
    }

    override shouldParseExportStatement(): boolean {
      return this.type === at || super.shouldParseExportStatement()
    }

    override parseImportMeta(): never {
      return this.raise(this.start, NO_META)
    }

    override parseStatement(context: unknown, topLevel: unknown, exports: unknown): Node {
      if (this.type !== at) return super.parseStatement(context, topLevel, exports)
      const decorators = this.#decorators()
      if (this.type !== tokens._class && this.type !== tokens._export) this.raise(this.start, MISPLACED)
      return this.#decorate(super.parseStatement(context, topLevel, exports), decorators)
    }

    override parseExprAtom(...rest: readonly unknown[]): Node {
      if (this.type !== at) return super.parseExprAtom(...rest)
      const decorators = this.#decorators()
      if (this.type !== tokens._class) this.raise(this.start, MISPLACED)
      return this.#decorate(super.parseExprAtom(...rest), decorators)
    }

    override parseClass(node: Node, isStatement: unknown): ClassLike {
      const parsed = super.parseClass(node, isStatement)
      if (parsed.body.body.some((each) => each.decorators ?? each.accessor)) this.#classes.add(parsed)
      return parsed
    }

    override parseClassElement(allowsSuper: boolean): Element | null {
      const decorators = this.type === at ? this.#decorators() : undefined
      const element = super.parseClassElement(allowsSuper)
      if (decorators === undefined) return element
      if (element === null) this.raise(this.start, MISPLACED)
      element.decorators = decorators
      return element
    }

    override parseClassElementName(element: Element): void {
      if (this.isContextual('accessor') && NAMED.test(this.input.slice(this.start, this.start + 80))) {
        element.accessor = [this.start, this.start + 'accessor'.length]
        this.next()
      }
      super.parseClassElementName(element)
    }

    #decorate(node: Node, decorators: readonly Decorator[]): Node {
      const inner = node.declaration ?? node
      if (!inner.type.startsWith('Class')) this.raise(this.start, MISPLACED)
      inner.decorators = decorators
      this.#classes.add(inner)
      return node
    }

    #decorators(): readonly Decorator[] {
      const found: Decorator[] = []
      while (this.type === at) {
        const { start } = this
        this.next()
        const from = this.start
        this.#decorator()
        found.push({ range: [start, this.lastTokEnd], expression: [from, this.lastTokEnd] })
      }
      return found
    }

    /** `name.name(…)`, or anything in parentheses. What it is made of is only checked: the text is what counts. */
    #decorator(): void {
      if (this.eat(tokens.parenL)) {
        this.parseExpression()
        this.expect(tokens.parenR)
        return
      }
      this.parseIdent()
      while (this.eat(tokens.dot)) {
        if (this.type === tokens.privateId) this.parsePrivateIdent()
        else this.parseIdent()
      }
      if (this.eat(tokens.parenL)) this.parseExprList(tokens.parenR, true)
    }
  }
}
