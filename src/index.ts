/** Every public name. Nothing inside imports this file. */
export { CodeAgent, type ContinueOptions, type StreamOptions, type TaskOptions } from './code-agent.ts'
export {
  PersistentCodeAgent,
  type PersistentAgentOptions,
  type ResumeOptions,
  type StoredEventsOfFile,
} from './persistent-code-agent.ts'
export { secret, type SecretsGiven } from './tool/secret.ts'
export { tool, type ToolCallOptions, type ToolDefinition, type ToolSpec } from './tool/tool.ts'
export type { AgentOptions, FinalAnswerCheck } from './agent/options.ts'
export type { ActionFormat } from './agent/model-options.ts'
export type { ModelGiven, ModelSettings, ProviderOptions, RateLimit } from './model/ask.ts'
export type { StepCallback, StepCallbacks } from './agent/callbacks.ts'
export type {
  ActionStep,
  CallSummary,
  FinalAnswerStep,
  Memory,
  MemoryStep,
  PlanningStep,
  TaskStep,
  WatchedStep,
} from './agent/memory.ts'
export type { SavedAgent, SavedParts } from './agent/saved.ts'
export type { MemoryPatch } from './agent/memory-edit.ts'
export type { ImageGiven } from './agent/images.ts'
export type { CallbackContext, CheckContext } from './agent/definition.ts'
export type { TelemetryOptions } from './agent/telemetry-options.ts'
export type { PromptTemplates } from './agent/templates.ts'
export {
  AgentPausedException,
  AgentStoppedException,
  type PauseOptions,
  type QuestionOptions,
} from './base/interruption.ts'
export {
  AlreadyAnsweredError,
  ForkedCallError,
  isPersistentAgentError,
  LeaseLostError,
  LimitError,
  ModelError,
  PersistentAgentError,
  RunBusyError,
  StateCorruptError,
  StateNotFoundError,
  StoreFailedError,
  ToolError,
  UnknownOutcomeError,
  UsageError,
} from './base/errors.ts'
export type { Duration } from './base/duration.ts'
export type {
  Decision,
  Effect,
  Entry,
  EntryKind,
  OutputReason,
  QuestionKind,
  Stored,
  Remember,
  Usage,
} from './journal/entry.ts'
export type { RunFilter, RunStatus, Store } from './journal/store.ts'
export type { StateKey } from './journal/keys.ts'
export { memoryStore } from './journal/memory.ts'
export { sqliteStore } from './journal/sqlite.ts'
export type { EntryEvent, LiveEvent, RunEvent } from './run/event.ts'
export type { EventOptions, StoredEventOptions } from './run/events.ts'
export type { ForkEdit, ForkOptions } from './run/fork.ts'
export type { Inspection, InspectOptions, RunSummary } from './run/inspect.ts'
export type { Variable } from './run/variables.ts'
export type { CallInfo, Question, RunResult } from './run/result.ts'
export type { Run } from './run/run.ts'
export type { SayOptions } from './run/signal.ts'
export type { AuditedCall, AuditedQuestion } from './run/audit.ts'
export type { RememberedDecision } from './run/rules.ts'
export type { CodePolicy } from './agent/options.ts'
export type { Approval, ToolApproval, ToolPolicy } from './tool/approval.ts'
export type { Touch } from './tool/tool.ts'
export { drainDue } from './run/due.ts'
