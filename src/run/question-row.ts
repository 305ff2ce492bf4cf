/** An open question as the store keeps it, for people and for the check of their answers. */
import { combinationOf } from '../agent/combination.ts'
import type { Definition } from '../agent/definition.ts'
import { encode } from '../base/codec.ts'
import type { OpenCall, OpenQuestion, Phase, State } from '../journal/shape.ts'
import type { QuestionRow } from '../journal/store.ts'
import { RUN_CODE } from '../base/run-code.ts'

/** JSON Schemas (JSON text) that edited arguments and given results of a tool must meet. */
export type SchemasOf = (tool: string) => { readonly args?: string; readonly output?: string }

/** The schemas of a definition's tools; none without a definition. */
export function schemasOf(definition: Definition | undefined): SchemasOf {
  return (name) => {
    const { inputSchema, outputSchema } = definition?.tools.get(name) ?? {}
    return {
      ...(inputSchema === undefined ? {} : { args: JSON.stringify(inputSchema) }),
      ...(outputSchema === undefined ? {} : { output: JSON.stringify(outputSchema) }),
    }
  }
}

/** The call that a question shows; none for the guest's own waits. */
export function shownCall(state: State, question: OpenQuestion): OpenCall | undefined {
  const call = state.calls[question.call ?? '']
  return call === undefined || call.tool.startsWith('$') ? undefined : call
}

/** The program that a question is about. */
export function shownCode(
  { phase }: State,
  question: OpenQuestion,
): Extract<Phase, { at: 'approving' }> | undefined {
  const isIts =
    phase.at === 'approving' && phase.place.is === 'asking' && phase.place.question === question.id
  return isIts ? phase : undefined
}

/** It is shown, and edited, as the call that the model made of it. */
function codeRow(
  { runId }: State,
  { id, kind, message, createdAt, expiresAt }: OpenQuestion,
  { source, digest }: Extract<Phase, { at: 'approving' }>,
): QuestionRow {
  return {
    runId,
    id,
    kind,
    message,
    createdAt,
    call: JSON.stringify({ tool: RUN_CODE, args: encode({ code: source }), digest }),
    argsSchema: JSON.stringify(CODE_SCHEMA),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  }
}

const CODE_SCHEMA = {
  type: 'object',
  properties: { code: { type: 'string', minLength: 1 } },
  required: ['code'],
  additionalProperties: false,
}

/** P9: what a person is shown is decoded from `input`, the very bytes that the tool will get. */
export function questionRow(
  state: State,
  question: OpenQuestion,
  input: (call: OpenCall) => string,
  schemas: SchemasOf,
): QuestionRow {
  const code = shownCode(state, question)
  if (code !== undefined) return codeRow(state, question, code)
  const shown = shownCall(state, question)
  const { args: argsSchema, output } = shown === undefined ? {} : schemas(shown.tool)
  // A given result stands in for the tool's own, unless the tool is to be called again with the answer.
  const schema = question.schema ?? (question.resumption?.onAnswer === 'call' ? undefined : output)
  return {
    runId: state.runId,
    id: question.id,
    kind: question.kind,
    message: question.message,
    createdAt: question.createdAt,
    ...(shown === undefined
      ? {}
      : {
          call: JSON.stringify({
            tool: shown.tool,
            id: shown.id,
            args: input(shown),
            digest: shown.digest,
            declaration: state.run.tools.find(({ name }) => name === shown.tool)?.digest,
            ...(combinationOf(state, shown.tool) === undefined ? {} : { combination: true }),
          }),
        }),
    ...(schema === undefined ? {} : { schema }),
    ...(argsSchema === undefined ? {} : { argsSchema }),
    ...(question.expiresAt === undefined ? {} : { expiresAt: question.expiresAt }),
  }
}
