/** For tests of agents and of stores: a scripted model, and the contract that every store passes. */
export {
  scriptedModel,
  type Script,
  type ScriptedAnswer,
  type ScriptedCall,
  type ScriptedOptions,
  type ScriptedReply,
} from './model/scripted.ts'
export { handClock, storeContract } from './journal/contract.ts'
