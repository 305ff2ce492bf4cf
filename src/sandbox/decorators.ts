/**
 * Standard decorators and `accessor`, which the engine does not know, as classes that it does know. The guest's half is
 * `prelude/decorate.js`; the order in which things happen is that of the proposal as TypeScript does it.
 *
 *     @tag class A extends B { @log m() {}  @min(1) x = 2;  @log accessor y = 3 }
 *
 *     $decorate([tag], ($k) => { let A; $k.made(class extends B {
 *       static { A = $k.begin(this, "A", [["method",false,"m",[log]], ["field",false,"x",[min(1)]], …]) }
 *       #$start = $k.start(this)
 *       m() {}  x = $k.init(1,this,2); #$1 = $k.after(1,this);
 *       #$a2 = $k.init(2,this,3); get y(){return this.#$a2} set y(v){this.#$a2=v} #$2 = $k.after(2,this);
 *     }); return A })
 */
import type { Edit, Piece } from './edits.ts'
import type { Decorator, Range } from './grammar.ts'
import type { ClassElement, ClassNode } from './tree.ts'

const DECORATE = '$decorate'
const NO_PRIVATE = 'A private method or accessor cannot be decorated here; decorate a public one'
const NO_COMPUTED = 'An accessor needs a plain name here'
const NO_CONSTRUCTOR = 'A constructor cannot be decorated; decorate the class'

/** A class that needs it, and how it is bound: as a top-level name, as a name of a block, or not at all. */
export interface Decorated {
  readonly node: ClassNode
  readonly bound: 'global' | 'local' | 'no'
}

/** @throws {SyntaxError} with `pos`: what is well formed and cannot be done here. */
export function lowered({ node, bound }: Decorated, code: string): readonly Edit[] {
  const name = node.id?.name
  const own = (node as { readonly decorators?: readonly Decorator[] }).decorators ?? []
  const elements = node.body.body.map((element, index) => new Member(element, index, code))
  const decorated = elements.filter(({ decorators }) => decorators.length > 0)
  const edits: Edit[] = elements.flatMap((each) => [...each.edits()])
  for (const { range } of own) edits.push(blankOf(range, code))
  const binding = name === undefined || bound === 'no' ? '' : bound === 'local' ? `let ${name}=` : `${name}=`
  const end = binding === '' ? '' : ';'
  if (own.length === 0 && decorated.length === 0) {
    if (bound === 'global') edits.push(put(node.start, binding), put(node.end, end))
    return edits
  }
  const inner = own.length > 0 ? (name ?? '$c') : undefined
  const heads = own.flatMap(({ expression }): Piece[] => [expression, ','])
  const classHead =
    inner === undefined || name === undefined ? [] : [blankOf([node.start + 5, node.id?.end ?? 0], code)]
  return [
    ...edits,
    {
      start: node.start,
      end: node.start,
      pieces: [
        `${binding}${DECORATE}([`,
        ...heads,
        `],($k)=>{${inner === undefined ? '' : `let ${inner};`}$k.made(`,
      ],
    },
    ...classHead,
    {
      start: node.body.start + 1,
      end: node.body.start + 1,
      pieces: [
        `static{${inner === undefined ? '' : `${inner}=`}$k.begin(this,${JSON.stringify(name ?? null)},[`,
        ...decorated.flatMap((each) => each.description()),
        ']);}',
        decorated.some(({ isStatic, isField }) => !isStatic && !isField) ? '#$start=$k.start(this);' : '',
      ],
    },
    put(node.end, `);return ${inner ?? '$k.class'}})${end}`),
  ]
}

/** A member of a class, and what becomes of it. */
class Member {
  readonly decorators: readonly Decorator[]
  readonly isStatic: boolean
  readonly isField: boolean
  readonly #element: ClassElement
  readonly #accessor: Range | undefined
  readonly #index: number
  readonly #code: string

  constructor(element: ClassElement, index: number, code: string) {
    const { decorators, accessor } = element as { decorators?: readonly Decorator[]; accessor?: Range }
    this.decorators = decorators ?? []
    this.#accessor = accessor
    this.#element = element
    this.#index = index
    this.#code = code
    this.isStatic = element.type !== 'StaticBlock' && element.static
    this.isField = element.type === 'PropertyDefinition' && accessor === undefined
    const reason = this.#refusal()
    if (reason !== undefined) throw Object.assign(new SyntaxError(reason), { pos: element.start })
  }

  #refusal(): string | undefined {
    const element = this.#element
    if (element.type === 'StaticBlock') return undefined
    if (this.#accessor !== undefined && element.computed) return NO_COMPUTED
    if (this.decorators.length === 0) return undefined
    if (element.type === 'MethodDefinition' && element.kind === 'constructor') return NO_CONSTRUCTOR
    return element.key.type === 'PrivateIdentifier' && !this.isField ? NO_PRIVATE : undefined
  }

  /** `[kind, isStatic, name, decorators, access?],` with the decorators where they were written. */
  description(): readonly Piece[] {
    const element = this.#element
    if (element.type === 'StaticBlock') return []
    const kind = this.isField ? 'field' : this.#accessor !== undefined ? 'accessor' : kindOf(element)
    const { key, computed } = element
    const isPrivate = key.type === 'PrivateIdentifier'
    const text = this.#code.slice(key.start, key.end)
    const name = computed ? 'undefined' : key.type === 'Literal' ? `${text}` : JSON.stringify(text)
    const access = isPrivate ? `,{has:(o)=>${text} in o,get:(o)=>o.${text},set:(o,v)=>{o.${text}=v}}` : ''
    return [
      `[${this.#index},"${kind}",${this.isStatic},${name},[`,
      ...this.decorators.flatMap(({ expression }): Piece[] => [expression, ',']),
      `]${access}],`,
    ]
  }

  edits(): readonly Edit[] {
    const element = this.#element
    const edits: Edit[] = this.decorators.map(({ range }) => blankOf(range, this.#code))
    if (element.type === 'StaticBlock') return edits
    const isDecorated = this.decorators.length > 0
    const index = this.#index
    if (isDecorated && element.computed) {
      edits.push(put(element.key.start, `$k.key(${index},`), put(element.key.end, ')'))
    }
    if (element.type === 'MethodDefinition') return edits
    const { key, value } = element
    if (isDecorated && value) edits.push(put(value.start, `$k.init(${index},this,`), put(value.end, ')'))
    const first = isDecorated && !value ? `=$k.init(${index},this)` : ''
    const after = isDecorated ? this.#after() : ''
    if (this.#accessor === undefined) {
      const close = element.computed ? this.#code.indexOf(']', key.end) + 1 : key.end
      return [...edits, put(close, first), put(element.end, after === '' ? '' : `;${after}`)]
    }
    const text = this.#code.slice(key.start, key.end)
    const slot = `#$a${index}`
    const prefix = this.isStatic ? 'static ' : ''
    const pair = `;${prefix}get ${text}(){return this.${slot}}${prefix}set ${text}(v){this.${slot}=v}`
    return [
      ...edits,
      { start: this.#accessor[0], end: key.end, pieces: [slot.padEnd(key.end - this.#accessor[0]) + first] },
      put(element.end, pair + after),
    ]
  }

  /** What was asked for with `addInitializer`, once the field has its value. */
  #after(): string {
    const call = `$k.after(${this.#index},this)`
    return this.isStatic ? `static{${call}}` : `#$${this.#index}=${call};`
  }
}

function kindOf(element: ClassElement): string {
  if (element.type !== 'MethodDefinition') return 'field'
  return element.kind === 'get' ? 'getter' : element.kind === 'set' ? 'setter' : 'method'
}

function put(at: number, text: string): Edit {
  return { start: at, end: at, pieces: [text] }
}

function blankOf([start, end]: Range, code: string): Edit {
  return { start, end, pieces: [code.slice(start, end).replace(/[^\n]/g, ' ')] }
}
